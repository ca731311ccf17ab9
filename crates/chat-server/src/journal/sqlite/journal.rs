//! The journal on disk, in SQLite: an append orders entries and stores them, in one transaction that ends in an fsync.

use std::path::Path;
use std::sync::Arc;

use chat_proto::Seq;

use super::insert::Insert;
use super::log::SqliteLog;
use super::open::{CheckTime, StoreUse};
use super::repair::Recovery;
use super::store::SqliteStore;
use crate::action::AccountId;
use crate::entry::{AccountRecord, Appended, Draft, LogStream};
use crate::error::JournalError;
use crate::journal::{Journal, JournalReader};
use crate::retention::{ExpiryStep, Retention};

/// The journal on disk. One server at a time has a data directory.
///
/// ```
/// use chat_server::{Server, ServerConfig, SqliteJournal};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let journal = SqliteJournal::open(dir.path().join("room"))?;
/// if let Some(recovery) = journal.recovery() {
///     eprintln!("repaired: {recovery:?}");
/// }
/// let server = Server::start(ServerConfig::on_free_ports(), journal).await?;
/// server.drain().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SqliteJournal {
    log: SqliteLog,
    store: SqliteStore,
}

impl SqliteJournal {
    /// Opens the store in `dir`, or creates one. The whole store is checked, unless the last server shut down cleanly
    /// and the file is unchanged since: then only what a start needs is read, and each message is checked when it is
    /// read. A damaged file is set aside and its intact part kept, which [`SqliteJournal::recovery`] reports.
    ///
    /// # Errors
    /// [`JournalError`] if the directory cannot be used or another server has it. Damage is not an error.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, JournalError> {
        Self::open_in(dir.as_ref(), CheckTime::Before)
    }

    /// Opens the store in `dir` like [`SqliteJournal::open`], but after a crash it is checked on a thread while it is in
    /// use, so the time does not depend on the number of messages. Until then the state is that of a store that was shut
    /// down cleanly: each message is checked when it is read. If the check finds damage, the journal ends with
    /// [`JournalError::DamageFound`], and the next start repairs the store.
    ///
    /// A store that another program has changed, or that is known to be damaged, is checked before it is in use.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`].
    pub fn open_checking_behind(dir: impl AsRef<Path>) -> Result<Self, JournalError> {
        Self::open_in(dir.as_ref(), CheckTime::Behind)
    }

    fn open_in(dir: &Path, when: CheckTime) -> Result<Self, JournalError> {
        let (store, last_at) = SqliteStore::open(dir, when, StoreUse::Alone)?;
        Ok(Self { log: SqliteLog::after(last_at), store })
    }

    /// Takes the time of messages from `clock`, in milliseconds since the Unix epoch, instead of the system: for tests,
    /// and for machines whose clock is not reliable. The time of the log never goes back, even if the clock does.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> i64 + Send + 'static) -> Self {
        self.log.set_clock(clock);
        self
    }

    /// Returns what had to be repaired to start, if anything.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.store.recovery()
    }
}

impl Journal for SqliteJournal {
    fn streams(&self) -> &[LogStream] {
        self.store.streams()
    }

    fn head(&self) -> Seq {
        self.store.head()
    }

    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
        self.store.accounts()
    }

    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
        let at = self.log.next_time();
        let removes = drafts.iter().any(|draft| matches!(draft, Draft::Action(_)));
        let appended =
            self.store.write(|_| removes, |transaction, head| Insert::new(transaction, at, head)?.all(drafts))?;
        self.log.advance(at);
        Ok(appended)
    }

    fn expire(&mut self, keep: &Retention) -> Result<ExpiryStep, JournalError> {
        self.store.expire(keep, self.log.now())
    }

    fn tidy(&mut self) -> Result<(), JournalError> {
        self.store.tidy()
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        self.store.reader()
    }

    fn probe(&mut self) -> Result<(), JournalError> {
        self.store.probe()
    }

    fn revoked_elsewhere(&mut self) -> Result<Vec<AccountId>, JournalError> {
        self.store.revoked_elsewhere()
    }

    fn close(&mut self) -> Result<(), JournalError> {
        self.store.close()
    }
}

#[cfg(test)]
mod action_tests;
#[cfg(test)]
mod check_tests;
#[cfg(test)]
mod expiry_tests;
#[cfg(test)]
mod tests;
