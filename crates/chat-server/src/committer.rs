//! One thread that stores: it takes all that waits, makes one transaction of it, shows it to the
//! room, and then answers. So a confirmation means stored, and nobody sees what a crash could take
//! back.

use std::sync::{Arc, OnceLock};
use std::time::Instant;
use std::{io, thread};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::entry::{AccountId, Appended, Draft, StoredMessage};
use crate::error::{CommitError, JournalError};
use crate::journal::Journal;
use crate::limits::{COMMIT_BYTES, COMMIT_DRAFTS, COMMIT_QUEUE, WAITING_BYTES};
use crate::meters::Meters;
use crate::room::Room;
use crate::throttle::Throttle;

/// The answers to one batch of drafts, in their order.
pub(crate) type Outcome = Result<Vec<Appended>, CommitError>;

/// The posts that one writer wrote behind each other. When the store fails for one batch of them, those that wait
/// behind it fail too: stored, they would overtake it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    broken: Arc<OnceLock<Arc<JournalError>>>,
}

/// Hands drafts to the storing thread. The thread ends when the last handle is gone.
#[derive(Debug, Clone)]
pub(crate) struct Committer {
    queue: mpsc::Sender<Work>,
    /// Bytes of text that may still wait.
    room: Arc<Semaphore>,
}

#[derive(Debug)]
enum Work {
    Append(Vec<Draft>, Chain, Answer),
    /// Look for accounts that were revoked, and try to write if the flag says so.
    LookAfter(bool, oneshot::Sender<Vec<AccountId>>),
}

/// Where the answer goes. The room that the drafts took is free again when it has gone.
#[derive(Debug)]
struct Answer {
    to: oneshot::Sender<Outcome>,
    _room: OwnedSemaphorePermit,
}

impl Answer {
    fn send(self, outcome: Outcome) {
        // The writer may be gone; what it sent is stored all the same.
        let _ = self.to.send(outcome);
    }
}

impl Committer {
    /// Starts the thread. The receiver resolves when everything is stored and the journal closed.
    pub(crate) fn start<J: Journal>(
        journal: J,
        room: Arc<Room>,
        meters: Arc<Meters>,
    ) -> io::Result<(Self, oneshot::Receiver<Result<(), JournalError>>)> {
        let (queue, work) = mpsc::channel(COMMIT_QUEUE);
        let (closed, done) = oneshot::channel();
        thread::Builder::new().name("chat-journal".into()).spawn(move || {
            let mut journal = journal;
            serve(&mut journal, &room, &meters, work);
            let result = journal.close();
            drop(journal);
            // Nobody waits for it when the server was dropped.
            let _ = closed.send(result);
        })?;
        Ok((Self { queue, room: Arc::new(Semaphore::new(WAITING_BYTES)) }, done))
    }

    /// The same on a task, for a journal that never waits.
    pub(crate) fn start_task<J: Journal>(
        mut journal: J,
        room: Arc<Room>,
        meters: Arc<Meters>,
    ) -> (Self, oneshot::Receiver<Result<(), JournalError>>) {
        let (queue, mut work) = mpsc::channel(COMMIT_QUEUE);
        let (closed, done) = oneshot::channel();
        tokio::spawn(async move {
            let mut taken = Vec::with_capacity(COMMIT_QUEUE);
            let mut batch = Gathered::default();
            while work.recv_many(&mut taken, COMMIT_QUEUE).await > 0 {
                batch.serve(&mut taken, &mut journal, &room, &meters);
            }
            let _ = closed.send(journal.close());
        });
        (Self { queue, room: Arc::new(Semaphore::new(WAITING_BYTES)) }, done)
    }

    /// Queues drafts, which waits while the queue is full. The answer comes on its own.
    pub(crate) async fn append(
        &self,
        drafts: Vec<Draft>,
        chain: Chain,
    ) -> Result<oneshot::Receiver<Outcome>, CommitError> {
        let (to, outcome) = oneshot::channel();
        let bytes = drafts.iter().map(Draft::bytes).sum::<usize>().min(WAITING_BYTES);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(bytes).await.map_err(|_| CommitError::Closed)?;
        let answer = Answer { to, _room: room };
        self.queue.send(Work::Append(drafts, chain, answer)).await.map_err(|_| CommitError::Closed)?;
        Ok(outcome)
    }

    /// Queues one draft and waits for its answer.
    pub(crate) async fn append_one(&self, draft: Draft) -> Result<Appended, CommitError> {
        let outcome = self.append(vec![draft], Chain::default()).await?.await.map_err(|_| CommitError::Closed)??;
        outcome.into_iter().next().ok_or(CommitError::Closed)
    }

    /// Accounts that another process revoked since this was last asked. With `probe`, finds out too whether the
    /// journal can be written; the meters have the answer.
    pub(crate) async fn look_after(&self, probe: bool) -> Vec<AccountId> {
        let (answer, revoked) = oneshot::channel();
        match self.queue.send(Work::LookAfter(probe, answer)).await {
            Ok(()) => revoked.await.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }
}

struct Waiting {
    drafts: usize,
    chain: Chain,
    answer: Answer,
}

/// What becomes one transaction.
#[derive(Default)]
struct Gathered {
    drafts: Vec<Draft>,
    waiting: Vec<Waiting>,
    trouble: Trouble,
}

/// What the log was told of a store that fails. Every writer comes again each second, so not every failure is told.
#[derive(Default)]
struct Trouble {
    failing: bool,
    throttle: Throttle,
}

impl Trouble {
    fn failed(&mut self, error: &JournalError) {
        self.failing = true;
        if let Some(failures) = self.throttle.happened(Instant::now()) {
            tracing::error!(error = error as &dyn std::error::Error, failures, "could not store messages");
        }
    }

    fn stored(&mut self) {
        if std::mem::take(&mut self.failing) {
            tracing::info!("messages are stored again");
        }
    }
}

fn serve(journal: &mut impl Journal, room: &Room, meters: &Meters, mut queue: mpsc::Receiver<Work>) {
    let mut taken = Vec::with_capacity(COMMIT_QUEUE);
    let mut batch = Gathered::default();
    while queue.blocking_recv_many(&mut taken, COMMIT_QUEUE) > 0 {
        batch.serve(&mut taken, journal, room, meters);
    }
}

impl Gathered {
    fn serve(&mut self, taken: &mut Vec<Work>, journal: &mut impl Journal, room: &Room, meters: &Meters) {
        let Self { drafts, waiting, trouble } = self;
        let mut bytes = 0;
        for work in taken.drain(..) {
            match work {
                Work::Append(_, Chain { broken }, answer) if broken.get().is_some() => {
                    let error = broken.get().map(Arc::clone);
                    answer.send(Err(error.map_or(CommitError::Closed, CommitError::Storage)));
                }
                Work::Append(mut more, chain, answer) => {
                    bytes += more.iter().map(Draft::bytes).sum::<usize>();
                    waiting.push(Waiting { drafts: more.len(), chain, answer });
                    drafts.append(&mut more);
                    if drafts.len() >= COMMIT_DRAFTS || bytes >= COMMIT_BYTES {
                        bytes = 0;
                        commit(journal, room, meters, drafts, waiting, trouble);
                    }
                }
                Work::LookAfter(probe, answer) => {
                    if probe {
                        meters.store_works(journal.probe().is_ok());
                    }
                    let revoked = journal.revoked_elsewhere().unwrap_or_else(|error| {
                        tracing::warn!(error = &error as &dyn std::error::Error, "could not look for revoked accounts");
                        Vec::new()
                    });
                    let _ = answer.send(revoked);
                }
            }
        }
        if !waiting.is_empty() {
            commit(journal, room, meters, drafts, waiting, trouble);
        }
    }
}

fn commit(
    journal: &mut impl Journal,
    room: &Room,
    meters: &Meters,
    drafts: &mut Vec<Draft>,
    waiting: &mut Vec<Waiting>,
    trouble: &mut Trouble,
) {
    let began = Instant::now();
    match journal.append(drafts) {
        Ok(appended) => {
            trouble.stored();
            meters.committed(began.elapsed());
            let repeated = appended.iter().filter(|one| matches!(one, Appended::Repeated { .. })).count();
            meters.repeated.add(repeated as u64);
            let fresh: Vec<_> = drafts.drain(..).zip(&appended).filter_map(stored).collect();
            meters.stored.add(fresh.len() as u64);
            room.publish(&fresh);
            let mut appended = appended.into_iter();
            for Waiting { drafts, answer, .. } in waiting.drain(..) {
                answer.send(Ok(appended.by_ref().take(drafts).collect()));
            }
        }
        Err(error) => {
            meters.commit_failed();
            trouble.failed(&error);
            drafts.clear();
            let error = Arc::new(error);
            for Waiting { chain, answer, .. } in waiting.drain(..) {
                let _ = chain.broken.set(Arc::clone(&error));
                answer.send(Err(CommitError::Storage(Arc::clone(&error))));
            }
        }
    }
}

/// The message that a draft has become, if it is a new one.
fn stored((draft, appended): (Draft, &Appended)) -> Option<StoredMessage> {
    match (draft, *appended) {
        (Draft::Post { author, text, .. }, Appended::Fresh { seq, at }) => {
            Some(StoredMessage { seq, at, nickname: author.nickname.clone(), text })
        }
        _ => None,
    }
}
