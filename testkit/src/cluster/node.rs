//! One node with its store on disk, and a model of the server around it.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chat_client::{Nickname, PostId, Text};
use chat_proto::display::looks_like;
use chat_server::replication::rules::NumberVerdict;
use chat_server::replication::{BatchEntry, BatchLog as _, EntryOutcome, Looks, Node, NodeAnswer, Projection as _};
use chat_server::{AccountRecord, Author, SqliteProjection, TokenHash, backup_store};
use fastrand::Rng;

use super::log::{MemoryLog, SharedMemoryLog};

/// Identifies a connection of a client: the client, and how often it has connected.
pub(super) type ConnectionId = (usize, u64);

/// What a client asks of a node.
#[derive(Debug, Clone)]
pub(super) enum Request {
    Register { token: TokenHash, name: String },
    LogIn { token: TokenHash },
    Post { author: Arc<Author>, id: PostId, text: Text },
    Resume { after: u64 },
}

/// What a node answers.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    Account(Arc<Author>),
    Denied,
    Stored {
        id: PostId,
        seq: u64,
    },
    /// A post, or a registration.
    Declined {
        id: Option<PostId>,
    },
    Revoked,
    Resumed {
        head: u64,
    },
}

/// The request that an answer of [`Node`] belongs to.
#[derive(Debug, Clone)]
enum Ticket {
    Registration { connection: ConnectionId, token: TokenHash, name: String, adjective: usize },
    Login { connection: ConnectionId, token: TokenHash },
    Post { connection: ConnectionId, id: PostId },
    Resume(ConnectionId),
    Operator,
}

const ADJECTIVES: [&str; 20] = [
    "Keen", "Calm", "Bold", "Warm", "Wise", "Glad", "Kind", "Shy", "Fair", "Neat", "Fast", "Slow", "Loud", "Mild",
    "Rare", "Tall", "Tiny", "Wild", "Zany", "Deft",
];

/// Nodes choose among so many first adjectives, so that they often choose the same one.
const FIRST_ADJECTIVES: usize = 3;

/// How long what is queued waits before it is declined, in milliseconds.
const QUEUED_FOR: u64 = 1_000;

/// The entries of one batch.
const BATCH_ENTRIES: usize = 4;

/// How the disk of a node behaves.
const DISK_WORKS: u8 = 0;
const DISK_IS_FULL: u8 = 1;
const DIES_AT_COMMIT: u8 = 2;

/// A node that runs or not.
pub(super) struct SimNode {
    pub(super) dir: PathBuf,
    log: SharedMemoryLog,
    /// How far its clock is off, in milliseconds.
    pub(super) clock_off: i64,
    disk: Arc<AtomicU8>,
    pub(super) running: Option<RunningNode>,
    /// How often it was started. Connections to an earlier run are broken.
    pub(super) run: u64,
    pub(super) seen: NodeCounts,
}

/// What the rules had to catch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NodeCounts {
    pub(super) repeated: u64,
    pub(super) early: u64,
    pub(super) holes: u64,
    pub(super) names_taken: u64,
    pub(super) deaths_in_commit: u64,
}

/// One run of a node.
pub(super) struct RunningNode {
    pub(super) node: Node<SqliteProjection, Ticketed>,
    log: MemoryLog,
    accounts: HashMap<[u8; 32], AccountRecord>,
    inbox: VecDeque<(ConnectionId, Request)>,
    queue: VecDeque<Queued>,
    pub(super) outbox: Vec<(ConnectionId, Reply)>,
}

/// A ticket, opaque outside of this file.
#[derive(Debug, Clone)]
pub(super) struct Ticketed(Ticket);

struct Queued {
    since: u64,
    ticket: Ticket,
    entries: Vec<BatchEntry>,
}

impl SimNode {
    pub(super) fn new(dir: PathBuf, log: SharedMemoryLog, clock_off: i64) -> Self {
        let disk = Arc::new(AtomicU8::new(DISK_WORKS));
        Self { dir, log, clock_off, disk, running: None, run: 0, seen: NodeCounts::default() }
    }

    /// Starts it on its store.
    pub(super) fn start(&mut self, rng: &mut Rng) -> anyhow::Result<()> {
        self.disk.store(DISK_WORKS, Ordering::Relaxed);
        let disk = Arc::clone(&self.disk);
        let may_commit = move || disk.load(Ordering::Relaxed) == DISK_WORKS;
        let mut projection = SqliteProjection::open(&self.dir)?.with_commit_check(may_commit);
        let accounts = projection.accounts()?.into_iter().map(|account| (*account.token.as_bytes(), account)).collect();
        let node = Node::new(projection, rng.u64(..));
        let log = self.log.open(rng);
        let (inbox, queue, outbox) = (VecDeque::new(), VecDeque::new(), Vec::new());
        self.running = Some(RunningNode { node, log, accounts, inbox, queue, outbox });
        self.run += 1;
        Ok(())
    }

    /// Ends it at this instant.
    pub(super) fn kill(&mut self) {
        self.running = None;
    }

    /// Makes the disk full, or the next commit the end of the node.
    pub(super) fn break_disk(&self, dies: bool) {
        self.disk.store(if dies { DIES_AT_COMMIT } else { DISK_IS_FULL }, Ordering::Relaxed);
    }

    pub(super) fn mend_disk(&self) {
        self.disk.store(DISK_WORKS, Ordering::Relaxed);
    }

    /// Copies its store.
    pub(super) fn backup(&self, to: &Path) -> anyhow::Result<()> {
        backup_store(&self.dir, to)?;
        Ok(())
    }

    /// Sends a request over a connection to the current run.
    pub(super) fn send(&mut self, run: u64, connection: ConnectionId, request: Request) {
        if self.run == run
            && let Some(running) = &mut self.running
        {
            running.inbox.push_back((connection, request));
        }
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: u64, wall: i64, start: Instant, rng: &mut Rng) -> anyhow::Result<()> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let instant = start + Duration::from_millis(now);
        running.serve(now, rng)?;
        let read = running.log.read(running.node.projection().applied().place);
        match running.node.receive(&read, instant) {
            Ok(progress) => {
                if progress.hole {
                    self.seen.holes += 1;
                    running.log.change_copy();
                }
                for batch in &progress.applied {
                    self.seen.repeated += u64::from(batch.verdict == NumberVerdict::Repeated);
                    self.seen.early += u64::from(batch.verdict == NumberVerdict::Early);
                    let registered = |(_, outcome): &(BatchEntry, EntryOutcome)| {
                        matches!(outcome, EntryOutcome::Registered(_) | EntryOutcome::Acted { .. })
                    };
                    if batch.entries.iter().any(registered) {
                        running.read_accounts()?;
                    }
                }
                for answer in progress.answers {
                    self.seen.names_taken += u64::from(answer.outcomes == [EntryOutcome::LooksTaken]);
                    running.answer(answer, now)?;
                }
            }
            Err(_) if self.disk.load(Ordering::Relaxed) == DIES_AT_COMMIT => {
                self.seen.deaths_in_commit += 1;
                self.kill();
                return Ok(());
            }
            Err(error) => anyhow::ensure!(self.disk.load(Ordering::Relaxed) == DISK_IS_FULL, error),
        }
        running.decline_old(now);
        running.propose(wall + self.clock_off, instant, rng);
        running.node.handle_timeout(instant);
        while let Some(batch) = running.node.poll_transmit() {
            running.log.append(batch);
        }
        if running.log.take_failure() {
            running.node.handle_append_error(instant);
        }
        Ok(())
    }
}

impl RunningNode {
    /// Queues entries of the operator.
    pub(super) fn act(&mut self, entries: Vec<BatchEntry>, now: u64) {
        self.queue.push_back(Queued { since: now, ticket: Ticket::Operator, entries });
    }

    /// Returns whether nothing waits and nothing is on its way to the log.
    pub(super) fn is_idle(&self) -> bool {
        self.inbox.is_empty() && self.queue.is_empty() && self.node.is_idle()
    }

    /// Asks for a barrier without a client behind it.
    pub(super) fn probe(&mut self) {
        self.node.barrier(Ticketed(Ticket::Operator));
    }

    fn read_accounts(&mut self) -> anyhow::Result<()> {
        let accounts = self.node.projection_mut().accounts()?;
        self.accounts = accounts.into_iter().map(|account| (*account.token.as_bytes(), account)).collect();
        Ok(())
    }

    fn serve(&mut self, now: u64, rng: &mut Rng) -> anyhow::Result<()> {
        while let Some((connection, request)) = self.inbox.pop_front() {
            match request {
                Request::Register { token, name } => {
                    let adjective = rng.usize(..FIRST_ADJECTIVES);
                    self.register(Ticket::Registration { connection, token, name, adjective }, now)?;
                }
                Request::LogIn { token } => match self.accounts.get(token.as_bytes()) {
                    Some(account) => self.outbox.push((connection, admit(account))),
                    // It may have been registered at another node a moment ago.
                    None => self.node.barrier(Ticketed(Ticket::Login { connection, token })),
                },
                Request::Post { author, id, text } => {
                    let entries = vec![BatchEntry::Post { author, id: Some(id.clone()), text }];
                    self.queue.push_back(Queued { since: now, ticket: Ticket::Post { connection, id }, entries });
                }
                Request::Resume { after } => {
                    let head = self.node.projection().head();
                    if after > head {
                        // Another node may have shown more of the log than this one has applied.
                        self.node.barrier(Ticketed(Ticket::Resume(connection)));
                    } else {
                        self.outbox.push((connection, Reply::Resumed { head }));
                    }
                }
            }
        }
        Ok(())
    }

    /// Queues a registration under a name that is free as far as this node knows.
    fn register(&mut self, ticket: Ticket, now: u64) -> anyhow::Result<()> {
        let Ticket::Registration { connection, token, name, adjective } = ticket else { return Ok(()) };
        for further in 0..ADJECTIVES.len() {
            let adjective = (adjective + further) % ADJECTIVES.len();
            let whole = format!("{} {name}", ADJECTIVES[adjective]);
            let taken = |account: &AccountRecord| {
                account.nickname.as_str() == whole || looks_like(account.nickname.as_str(), &whole)
            };
            if !self.accounts.values().any(taken) {
                let (nickname, looks) = (Nickname::new(&whole)?, Looks::of(&whole));
                let entries = vec![BatchEntry::Register { token, nickname, looks }];
                let ticket = Ticket::Registration { connection, token, name, adjective: adjective + 1 };
                self.queue.push_back(Queued { since: now, ticket, entries });
                return Ok(());
            }
        }
        self.outbox.push((connection, Reply::Declined { id: None }));
        Ok(())
    }

    fn answer(&mut self, answer: NodeAnswer<Ticketed>, now: u64) -> anyhow::Result<()> {
        let outcome = *answer.outcomes.first().context("an answer without an outcome")?;
        match (answer.request.0, outcome) {
            (ticket @ Ticket::Registration { .. }, EntryOutcome::LooksTaken) => self.register(ticket, now)?,
            (Ticket::Registration { connection, token, .. } | Ticket::Login { connection, token }, _) => {
                let reply = self.accounts.get(token.as_bytes()).map_or(Reply::Denied, admit);
                self.outbox.push((connection, reply));
            }
            (Ticket::Post { connection, id }, EntryOutcome::Fresh { seq, .. } | EntryOutcome::Repeated { seq }) => {
                self.outbox.push((connection, Reply::Stored { id, seq }));
            }
            (Ticket::Post { connection, .. }, _) => self.outbox.push((connection, Reply::Revoked)),
            (Ticket::Resume(connection), _) => {
                self.outbox.push((connection, Reply::Resumed { head: self.node.projection().head() }));
            }
            (Ticket::Operator, _) => {}
        }
        Ok(())
    }

    /// Declines what has waited too long in the queue, with all that the same connection has sent after it. What was
    /// proposed is not declined.
    fn decline_old(&mut self, now: u64) {
        let is_old = |queued: &&Queued| queued.since + QUEUED_FOR < now;
        let old: Vec<ConnectionId> =
            self.queue.iter().filter(is_old).filter_map(|queued| Some(queued.post()?.0)).collect();
        for queued in std::mem::take(&mut self.queue) {
            match queued.post() {
                Some((connection, id)) if old.contains(&connection) => {
                    self.outbox.push((connection, Reply::Declined { id: Some(id.clone()) }));
                }
                _ => self.queue.push_back(queued),
            }
        }
    }

    fn propose(&mut self, clock: i64, now: Instant, rng: &mut Rng) {
        while self.node.is_ready() && (!self.queue.is_empty() || self.node.wants_barrier()) {
            let count = self.queue.len().min(rng.usize(1..=BATCH_ENTRIES));
            let requests = self.queue.drain(..count).map(|queued| (Ticketed(queued.ticket), queued.entries)).collect();
            // It is ready and the batch is small, so this cannot fail.
            let _ = self.node.propose(requests, clock, now);
        }
    }
}

impl Queued {
    /// Returns the connection and the id of a post.
    fn post(&self) -> Option<(ConnectionId, &PostId)> {
        match &self.ticket {
            Ticket::Post { connection, id } => Some((*connection, id)),
            _ => None,
        }
    }
}

/// Returns the answer to a login with the token of an account.
fn admit(account: &AccountRecord) -> Reply {
    if account.revoked {
        return Reply::Denied;
    }
    Reply::Account(Arc::new(Author { id: account.id, nickname: account.nickname.clone() }))
}
