//! The journal on disk, in SQLite: an append is one transaction that ends in an fsync. `open` decides how much of a
//! store is checked first.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::Seq;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::background_check::BackgroundCheck;
use super::error::StoreError;
use super::expire::{self, Expiry};
use super::head_marker::HeadMarker;
use super::identity::StoreIdentity;
use super::insert::{Insert, insert_stream};
use super::open::{self, CheckTime, Opened};
use super::reader::SqliteReader;
use super::repair::Recovery;
use super::{admin, clean_shutdown, schema};
use crate::action::AccountId;
use crate::entry::{AccountRecord, Appended, Draft, LogStream};
use crate::error::JournalError;
use crate::journal::clock::now_ms;
use crate::journal::data_dir::{DataDir, STORE};
use crate::journal::{Journal, JournalReader};
use crate::rate_limited_log::RateLimitedLog;
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
    connection: Connection,
    reader: Arc<SqliteReader>,
    head_marker: HeadMarker,
    identity: StoreIdentity,
    streams: Vec<LogStream>,
    head: Seq,
    last_at: i64,
    recovery: Option<Recovery>,
    expiry: Expiry,
    /// The check of the rest of a store that was opened after a crash.
    check: Option<BackgroundCheck>,
    /// The write-ahead log may contain texts that were removed.
    erasing: bool,
    clock: Clock,
    /// Changes when another process has written; see `revoked_elsewhere`.
    data_version: i64,
    /// Dropped last, so that the lock outlives the files.
    dir: DataDir,
}

struct Clock(Box<dyn Fn() -> i64 + Send>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
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
        let dir = DataDir::open(dir)?;
        let path = dir.path().join(STORE);
        let head_marker = HeadMarker::open(&dir.path().join("mark"))?;
        let Opened { connection, log, recovery, unchecked } = open::open(dir.path(), &path, when)?;
        let expired = expire::expired(&connection)?.flatten().unwrap_or_default();
        let mut journal = Self {
            identity: StoreIdentity::of(&path),
            check: if unchecked { Some(BackgroundCheck::start(dir.path(), &path)?) } else { None },
            reader: Arc::new(SqliteReader::new(path, oldest(&connection, expired.seq)?)),
            head_marker,
            head: log.head,
            last_at: last_at(&connection)?.max(expired.at),
            expiry: Expiry::default(),
            streams: log.streams,
            recovery,
            // The process may have ended between a removal and this.
            erasing: true,
            clock: Clock(Box::new(now_ms)),
            data_version: data_version(&connection)?,
            connection,
            dir,
        };
        if journal.recovery.is_none() {
            journal.notice_lost_tail()?;
        }
        if let Some(hours) = hours_ahead(journal.last_at, now_ms()) {
            tracing::warn!(
                hours,
                "the last message is from the future: new messages keep its time until the clock has passed it"
            );
        }
        if journal.recovery.is_some() {
            // Reported once.
            journal.note_head();
        }
        Ok(journal)
    }

    /// Takes the time of messages from `clock`, in milliseconds since the Unix epoch, instead of the system: for tests,
    /// and for machines whose clock is not reliable. The time of the log never goes back, even if the clock does.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> i64 + Send + 'static) -> Self {
        self.clock = Clock(Box::new(clock));
        self
    }

    /// Returns what had to be repaired to start, if anything.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.recovery.as_ref()
    }

    fn notice_lost_tail(&mut self) -> Result<(), StoreError> {
        let Some(stream) = self.streams.last() else { return Ok(()) };
        let Some((noted, stored)) = self.head_marker.read().filter(|&(_, stored)| stored > self.head) else {
            return Ok(());
        };
        if noted == stream.id {
            // The lost sequence numbers will be assigned to other messages, so they must belong to another stream.
            let next = LogStream::starting_at(self.head + 1);
            insert_stream(&self.connection, &next)?;
            self.streams.push(next);
        }
        // Another stream in the marker means that the whole file is gone and this one is new.
        self.recovery = Some(Recovery::TailLost { stored, found: self.head });
        Ok(())
    }

    /// # Errors
    /// [`JournalError::DamageFound`] once the check that goes on behind the server has found some.
    fn check_verdict(&self) -> Result<(), JournalError> {
        self.check.as_ref().map_or(Ok(()), BackgroundCheck::verdict)
    }

    fn store(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, StoreError> {
        self.check_verdict()?;
        self.dir.check_lock()?;
        self.identity.check()?;
        let at = (self.clock.0)().max(self.last_at);
        let mut head = self.head;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let appended = Insert::new(&transaction, at, &mut head)?.all(drafts)?;
        transaction.commit()?;
        self.last_at = at;
        if drafts.iter().any(|draft| matches!(draft, Draft::Action(_))) {
            // What was removed is gone from the file itself, because it is overwritten when it is deleted. A failure is
            // no reason to report the action as failed; `tidy` tries again.
            self.erasing = match self.erase_log().map_err(JournalError::from) {
                Err(JournalError::SyncFailed) => return Err(JournalError::SyncFailed.into()),
                erased => !erased.unwrap_or(false),
            };
        }
        if head != self.head {
            self.head = head;
            self.note_head();
        }
        Ok(appended)
    }

    /// Empties the write-ahead log, which still contains the old pages of removed messages. Returns false while a reader
    /// needs it.
    fn erase_log(&mut self) -> Result<bool, StoreError> {
        // Before the log is shortened here, so that another program that did so is noticed.
        self.dir.check_lock()?;
        self.identity.check()?;
        // A backup reads for a long time, and posts must not wait for it.
        self.connection.busy_timeout(Duration::ZERO)?;
        let busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        self.connection.busy_timeout(schema::BUSY_TIMEOUT)?;
        self.identity.renew();
        Ok(busy? == 0)
    }

    /// After a failed sync, keeps SQLite from moving the write-ahead log into the store when it is closed: what is in it
    /// may not be on the disk, and a further sync could succeed nevertheless. The next start reads it.
    fn distrusted(&self, error: StoreError) -> JournalError {
        let error = JournalError::from(error);
        if matches!(error, JournalError::SyncFailed) {
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
        error
    }

    /// Called after the commit: a power failure can only make the marker too low, which is harmless.
    fn note_head(&self) {
        let Some(stream) = self.streams.last() else { return };
        if let Err(error) = self.head_marker.write(&stream.id, self.head) {
            RateLimitedLog::HeadNotNoted.log_error(&error);
        }
    }
}

impl Journal for SqliteJournal {
    fn streams(&self) -> &[LogStream] {
        &self.streams
    }

    fn head(&self) -> Seq {
        self.head
    }

    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
        Ok(admin::accounts(&self.connection)?)
    }

    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
        let stored = self.store(drafts).inspect_err(|error| self.reader.note_damage(error));
        stored.map_err(|error| self.distrusted(error))
    }

    fn expire(&mut self, keep: &Retention) -> Result<ExpiryStep, JournalError> {
        if keep.is_everything() {
            return Ok(ExpiryStep::default());
        }
        self.check_verdict()?;
        self.dir.check_lock()?;
        self.identity.check()?;
        let now = (self.clock.0)();
        let done = self.expiry.step(&mut self.connection, keep, self.head, now);
        let done = done.inspect_err(|error| self.reader.note_damage(error));
        let (step, last) = done.map_err(|error| self.distrusted(error))?;
        if let Some(last) = last {
            // After the commit: a reader that sees it finds the messages gone.
            self.reader.begin_at(last.seq + 1);
        }
        Ok(step)
    }

    fn tidy(&mut self) -> Result<(), JournalError> {
        self.check_verdict()?;
        if self.erasing {
            let erased = self.erase_log().map_err(|error| self.distrusted(error));
            self.erasing = !erased?;
        }
        Ok(())
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        Arc::clone(&self.reader) as Arc<dyn JournalReader>
    }

    fn probe(&mut self) -> Result<(), JournalError> {
        self.dir.check_lock()?;
        self.identity.check()?;
        let written = schema::write_nothing_new(&mut self.connection);
        written.map_err(|error| self.distrusted(error))
    }

    fn revoked_elsewhere(&mut self) -> Result<Vec<AccountId>, JournalError> {
        let version = data_version(&self.connection)?;
        if self.data_version == version {
            return Ok(Vec::new());
        }
        let ids = admin::revoked_accounts(&self.connection)?;
        // Only after a successful read, so that a failed one is repeated.
        self.data_version = version;
        Ok(ids)
    }

    fn close(&mut self) -> Result<(), JournalError> {
        self.reader.close();
        // A check that has not ended says nothing.
        let checked = self.check.take().is_none_or(|mut check| {
            check.stop();
            check.found_sound()
        });
        // Moves the write-ahead log into the store. If there is no space for that, the next start reads it as it is.
        let folded = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        self.identity.renew();
        let busy: i64 = match folded.map_err(|error| JournalError::from(StoreError::from(error))) {
            Err(JournalError::Full) => {
                tracing::warn!("no space left to move the write-ahead log into the store");
                return Ok(());
            }
            folded => folded?,
        };
        // A store that is known to be damaged must be checked and repaired by the next start.
        if busy == 0
            && checked
            && !self.reader.has_seen_damage()
            && let Err(error) = clean_shutdown::leave(self.dir.path(), &self.dir.path().join(STORE), self.head)
        {
            tracing::warn!(%error, "could not record the clean shutdown: the next start checks the whole store");
        }
        Ok(())
    }
}

/// Returns by how many hours the last message is ahead of the clock, if it is more than the correction of a clock.
fn hours_ahead(last_at: i64, now: i64) -> Option<i64> {
    const HOUR: i64 = 60 * 60 * 1000;
    Some(last_at.saturating_sub(now) / HOUR).filter(|hours| *hours > 0)
}

fn last_at(connection: &Connection) -> Result<i64, StoreError> {
    let last =
        connection.query_row("SELECT at FROM message ORDER BY seq DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or(0))
}

/// Returns the sequence number of the oldest message; if there is none, the one after the last that has expired.
fn oldest(connection: &Connection, expired: Seq) -> Result<Seq, StoreError> {
    let oldest: Option<i64> =
        connection.query_row("SELECT seq FROM message ORDER BY seq LIMIT 1", [], |row| row.get(0)).optional()?;
    Ok(oldest.and_then(|seq| Seq::try_from(seq).ok()).unwrap_or(expired + 1))
}

fn data_version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
}

#[cfg(test)]
mod action_tests;
#[cfg(test)]
mod check_tests;
#[cfg(test)]
mod expiry_tests;
#[cfg(test)]
mod tests;
