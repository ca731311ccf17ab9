//! The state that all sessions of one server share.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
#[cfg(feature = "sqlite")]
use std::sync::OnceLock;
#[cfg(feature = "sqlite")]
use std::time::Instant;

use chat_proto::{Nickname, Position, Seq, StreamId, Text};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::account_access::AccountAccess;
use super::read_turns::{ReadTurn, ReadTurns};
use crate::accounts::{AccountDirectory, SERVER_NAME};
#[cfg(feature = "sqlite")]
use crate::action::AccountId;
use crate::action::{ActionRecord, OperatorAction};
use crate::byte_rates::ByteRates;
use crate::committer::CommitterParts;
#[cfg(feature = "sqlite")]
use crate::committer::{AccountEffects, Barrier};
use crate::config::ServerConfig;
use crate::entry::{AccountRecord, Author, Draft, LogEntry, LogStream, SERVER_ACCOUNT};
use crate::error::JournalError;
use crate::journal::{Journal, JournalReader, ReadLimit};
use crate::limits::{PAGE_BYTES, PAGE_MESSAGES};
use crate::live_limits::LiveLimits;
use crate::log::SharedLog;
use crate::meters::Meters;
use crate::moderation::Moderation;
use crate::presence::Presence;
#[cfg(feature = "sqlite")]
use crate::replication::Projection;

/// Configuration, accounts, log and journal, for all sessions.
pub(crate) struct SessionContext {
    pub(crate) config: ServerConfig,
    /// The current limits; those in `config` are the ones of the start.
    pub(crate) limits: Arc<LiveLimits>,
    pub(crate) accounts: AccountAccess,
    pub(crate) moderation: Moderation,
    pub(crate) presence: Arc<Presence>,
    pub(crate) log: Arc<SharedLog>,
    pub(crate) byte_rates: ByteRates,
    pub(crate) meters: Arc<Meters>,
    pub(super) streams: Vec<LogStream>,
    reader: Arc<dyn JournalReader>,
    page_turns: ReadTurns,
    time_turn: Semaphore,
    /// Set in a node of a room on several nodes.
    #[cfg(feature = "sqlite")]
    pub(crate) barrier: OnceLock<Barrier>,
}

impl SessionContext {
    /// Reads the end of the log from the journal, and all accounts if it does not find single ones. The shared log starts
    /// empty: a new listener starts at its end, and one that resumes reads the journal.
    pub(crate) fn load(config: ServerConfig, journal: &mut impl Journal) -> Result<Self, JournalError> {
        let reader = journal.reader();
        let accounts = if reader.accounts().is_none() { Some(journal.accounts()?) } else { None };
        Self::of_store(config, accounts, journal.streams().to_vec(), journal.head(), reader)
    }

    /// As [`load`](Self::load), from the store of a node.
    #[cfg(feature = "sqlite")]
    pub(crate) fn load_node(config: ServerConfig, projection: &mut impl Projection) -> Result<Self, JournalError> {
        let reader = projection.reader();
        let accounts = if reader.accounts().is_none() { Some(projection.accounts()?) } else { None };
        Self::of_store(config, accounts, projection.streams().to_vec(), projection.head(), reader)
    }

    /// Creates the state from `accounts`, or over a reader that finds them.
    fn of_store(
        config: ServerConfig,
        accounts: Option<Vec<AccountRecord>>,
        streams: Vec<LogStream>,
        head: Seq,
        reader: Arc<dyn JournalReader>,
    ) -> Result<Self, JournalError> {
        let random = config.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        let nickname_chars = config.limits.nickname_chars;
        let accounts = match accounts {
            Some(accounts) => AccountDirectory::new(accounts, nickname_chars, random),
            None => AccountDirectory::over(Arc::clone(&reader), nickname_chars, random),
        };
        let log = Arc::new(SharedLog::new(head, config.limits.ring_bytes));
        let actions = reader.actions()?;
        for record in &actions {
            if let OperatorAction::Rename { account, nickname, .. } = &record.draft.action {
                accounts.keep_taken(*account, nickname);
            }
        }
        let moderation = Moderation::replay(&actions, &log);
        let meters = Arc::<Meters>::default();
        meters.begins_at(reader.oldest());
        Ok(Self {
            byte_rates: ByteRates::default(),
            limits: LiveLimits::new(config.limits.clone()),
            config,
            accounts: AccountAccess::new(accounts, reader.waits()),
            moderation,
            presence: Arc::default(),
            log,
            meters,
            streams,
            reader,
            #[cfg(feature = "sqlite")]
            barrier: OnceLock::new(),
            page_turns: ReadTurns::default(),
            time_turn: Semaphore::new(1),
        })
    }

    /// Returns the parts of this server that a transaction concerns.
    pub(crate) fn committer_parts(self: &Arc<Self>) -> CommitterParts {
        CommitterParts {
            log: Arc::clone(&self.log),
            meters: Arc::clone(&self.meters),
            hooks: self.config.hooks.clone(),
            effects: self.effects(),
            #[cfg(feature = "sqlite")]
            registered: self.registered(),
            #[cfg(feature = "sqlite")]
            posted: self.posted(),
            limits: Arc::clone(&self.limits),
        }
    }

    /// Returns what adds the accounts that were registered at any node.
    #[cfg(feature = "sqlite")]
    fn registered(self: &Arc<Self>) -> AccountEffects {
        let context = Arc::clone(self);
        Box::new(move |account| context.accounts.directory().add_stored(account))
    }

    /// Returns what charges accounts for posts that other nodes have accepted, so that a rate holds for the room and not
    /// for each node.
    #[cfg(feature = "sqlite")]
    fn posted(self: &Arc<Self>) -> Box<dyn Fn(AccountId) + Send> {
        let context = Arc::clone(self);
        Box::new(move |id| {
            if id != SERVER_ACCOUNT
                && let Some(rate) = context.limits.load().posts
                // On the thread of the node, which may wait for the disk. An account that cannot be read is not charged.
                && let Ok(Some(login)) = context.accounts.directory().by_id(id)
            {
                // In debt already: no more can be charged.
                let _ = login.account.overdraw_post(rate, Instant::now());
            }
        })
    }

    /// Returns whether other nodes may have stored what this server has not.
    pub(super) fn may_be_behind(&self) -> bool {
        #[cfg(feature = "sqlite")]
        return self.barrier.get().is_some();
        #[cfg(not(feature = "sqlite"))]
        false
    }

    /// Waits until everything is applied that other nodes have stored before. Returns false if that cannot be said. A
    /// server alone has nothing to wait for.
    #[cfg_attr(not(feature = "sqlite"), expect(clippy::unused_async, reason = "only nodes wait"))]
    pub(super) async fn catch_up(&self) -> bool {
        #[cfg(feature = "sqlite")]
        if let Some(barrier) = self.barrier.get() {
            return barrier.pass().await;
        }
        true
    }

    /// Returns what applies stored actions to this server.
    pub(crate) fn effects(self: &Arc<Self>) -> Box<dyn Fn(&ActionRecord) + Send> {
        let context = Arc::clone(self);
        Box::new(move |record| context.moderation.apply(record, context.accounts.directory(), &context.log))
    }

    /// Returns the reader of the journal.
    #[cfg_attr(
        not(all(feature = "bin", unix)),
        expect(dead_code, reason = "only the admin commands read the journal directly")
    )]
    pub(crate) fn reader(&self) -> Arc<dyn JournalReader> {
        Arc::clone(&self.reader)
    }

    /// Returns false when neither reads nor appends of the journal wait for a disk.
    pub(crate) fn reader_waits(&self) -> bool {
        self.reader.waits()
    }

    /// Returns the name of the current stream.
    pub(crate) fn stream(&self) -> Option<&StreamId> {
        self.streams.last().map(|stream| &stream.id)
    }

    /// Returns a position in the current stream.
    pub(crate) fn position(&self, seq: Seq) -> Option<Position> {
        Some(Position { stream: self.stream()?.clone(), seq })
    }

    /// Returns the message that announces a new account, if announcements are on. Its words are those of the public
    /// server (protocol, section 3).
    pub(super) fn announcement(&self, nickname: &Nickname) -> Option<Draft> {
        let text = Text::new(&joined_text(nickname.as_str())).ok()?;
        self.server_draft(text).filter(|_| self.config.announce)
    }

    /// Returns a message of the server itself.
    pub(crate) fn server_draft(&self, text: Text) -> Option<Draft> {
        let nickname = Nickname::new(SERVER_NAME).ok()?;
        Some(Draft::Post { author: Arc::new(Author { id: SERVER_ACCOUNT, nickname }), id: None, text })
    }

    /// Returns the sequence number of the oldest stored message.
    pub(super) fn oldest(&self) -> Seq {
        self.reader.oldest()
    }

    /// Waits for the turn to look up a time. These requests have a turn of their own, so that they wait neither for pages
    /// nor make pages wait. `None` never comes: it is not closed.
    ///
    /// # Cancel safety
    /// If the future is dropped, the turn goes to the next one.
    pub(super) async fn time_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.time_turn.acquire().await.ok()
    }

    /// Returns the sequence number of the first message after a time.
    pub(super) async fn first_after(&self, at: i64) -> Result<Seq, JournalError> {
        self.read(move |reader| reader.first_after(at)).await
    }

    /// Waits for the turn of `peer` to read a page; `None` if reads of the journal never wait.
    ///
    /// # Cancel safety
    /// As [`ReadTurns::acquire`].
    pub(super) async fn page_turn(&self, peer: IpAddr) -> Option<ReadTurn> {
        if self.reader.waits() { Some(self.page_turns.acquire(peer).await) } else { None }
    }

    /// Reads one page of the journal.
    pub(super) async fn page(&self, from: Seq) -> Result<Vec<LogEntry>, JournalError> {
        let _reading = self.meters.reading_pages.while_held();
        self.meters.pages.one();
        self.read(move |reader| reader.read(from, ReadLimit::new(PAGE_MESSAGES, PAGE_BYTES))).await
    }

    /// Reads the journal on a blocking thread, unless it never waits.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn JournalReader) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        if !self.reader.waits() {
            return read(&*self.reader);
        }
        let reader = Arc::clone(&self.reader);
        match tokio::task::spawn_blocking(move || read(&*reader)).await {
            Ok(result) => result,
            Err(failed) => Err(JournalError::Interrupted(failed.into())),
        }
    }
}

/// Returns the text that announces a new account.
pub(crate) fn joined_text(nickname: &str) -> String {
    format!("# к чату присоединился {nickname}")
}

/// Returns the text that says who was renamed, so that the log of the room shows it.
#[cfg(all(feature = "bin", unix))]
pub(crate) fn renamed_text(from: &str, to: &str) -> String {
    format!("# {from} теперь {to}")
}

impl fmt::Debug for SessionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionContext").field("config", &self.config).finish_non_exhaustive()
    }
}
