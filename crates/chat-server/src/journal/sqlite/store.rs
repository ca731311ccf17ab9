//! What the store contains of a room, however its entries got their order: every write is one transaction that ends in an
//! fsync. `open` decides how much of a store is checked first.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::Seq;
use private_files::file;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::background_check::BackgroundCheck;
use super::error::StoreError;
use super::expire::{self, Expired, Expiry};
use super::head_marker::HeadMarker;
use super::identity::StoreIdentity;
use super::insert::insert_stream;
use super::log_space::LogSpace;
use super::open::{self, CheckTime, Opened, StoreUse};
use super::reader::SqliteReader;
use super::repair::Recovery;
use super::schema::CommitMode;
use super::{admin, clean_shutdown, schema};
use crate::action::AccountId;
use crate::entry::{AccountRecord, LogStream};
use crate::error::JournalError;
use crate::journal::JournalReader;
use crate::journal::data_dir::{DataDir, STORE};
use crate::rate_limited_log::RateLimitedLog;
use crate::retention::{ExpiryStep, Retention};

/// An open store, without what orders its entries.
#[derive(Debug)]
pub(super) struct SqliteStore {
    pub(super) connection: Connection,
    commits: CommitMode,
    reader: Arc<SqliteReader>,
    head_marker: HeadMarker,
    identity: StoreIdentity,
    log_space: LogSpace,
    streams: Vec<LogStream>,
    head: Seq,
    recovery: Option<Recovery>,
    expiry: Expiry,
    /// The check of the rest of a store that was opened after a crash.
    pub(super) check: Option<BackgroundCheck>,
    /// The write-ahead log may contain texts that were removed.
    pub(super) erasing: bool,
    /// Changes when another process has written; see `revoked_elsewhere`.
    data_version: i64,
    /// Dropped last, so that the lock outlives the files.
    dir: DataDir,
}

impl SqliteStore {
    /// Opens the store in `dir`, or creates one. Returns it with the time of its last message, in milliseconds since the
    /// Unix epoch.
    pub(super) fn open(dir: &Path, when: CheckTime, usage: StoreUse) -> Result<(Self, i64), JournalError> {
        let dir = DataDir::open(dir)?;
        let path = dir.path().join(STORE);
        let head_marker = HeadMarker::open(&dir.path().join("mark"))?;
        let Opened { connection, log, recovery, unchecked } = open::open(dir.path(), &path, when, usage)?;
        let expired = expire::expired(&connection)?.flatten().unwrap_or_default();
        let last_at = last_at(&connection)?.max(expired.at);
        let mut store = Self {
            identity: StoreIdentity::of(&path),
            log_space: LogSpace::new(file::with_suffix(&path, "-wal")),
            check: if unchecked { Some(BackgroundCheck::start(dir.path(), &path)?) } else { None },
            reader: Arc::new(SqliteReader::new(path, oldest(&connection, expired.seq)?)),
            head_marker,
            head: log.head,
            expiry: Expiry::default(),
            streams: log.streams,
            recovery,
            // The process may have ended between a removal and this.
            erasing: true,
            data_version: data_version(&connection)?,
            commits: CommitMode::new(),
            connection,
            dir,
        };
        // What a node has lost is applied again.
        if store.recovery.is_none() && usage == StoreUse::Alone {
            store.notice_lost_tail()?;
        }
        if store.recovery.is_some() {
            // Reported once.
            store.note_head();
        }
        Ok((store, last_at))
    }

    /// Returns what had to be repaired to open it.
    pub(super) fn recovery(&self) -> Option<&Recovery> {
        self.recovery.as_ref()
    }

    pub(super) fn streams(&self) -> &[LogStream] {
        &self.streams
    }

    pub(super) fn head(&self) -> Seq {
        self.head
    }

    pub(super) fn accounts(&self) -> Result<Vec<AccountRecord>, JournalError> {
        Ok(admin::accounts(&self.connection)?)
    }

    pub(super) fn reader(&self) -> Arc<dyn JournalReader> {
        Arc::clone(&self.reader) as Arc<dyn JournalReader>
    }

    /// Writes in one transaction, which is on the disk when this returns. `write` gets the head of the log, which it moves
    /// for each new message. If `erases` says so of its result, what it has removed is erased from the files too.
    ///
    /// # Errors
    /// Nothing was written, unless it is [`JournalError::SyncFailed`].
    pub(super) fn write<T>(
        &mut self,
        erases: impl FnOnce(&T) -> bool,
        write: impl FnOnce(&Transaction<'_>, &mut Seq) -> Result<T, StoreError>,
    ) -> Result<T, JournalError> {
        let written = self.write_and_sync(erases, write).inspect_err(|error| self.reader.note_damage(error));
        written.map_err(|error| self.distrusted(error))
    }

    fn write_and_sync<T>(
        &mut self,
        erases: impl FnOnce(&T) -> bool,
        write: impl FnOnce(&Transaction<'_>, &mut Seq) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.check_verdict()?;
        self.dir.check_lock()?;
        self.identity.check()?;
        self.commits.set(&self.connection, true)?;
        let mut head = self.head;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.log_space.extend(self.identity.log_length());
        let written = write(&transaction, &mut head)?;
        transaction.commit()?;
        if erases(&written) {
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
        Ok(written)
    }

    /// As [`write`](Self::write), for what changes whose store it is. Begins a new stream after the head if `new_stream` is
    /// set.
    pub(super) fn write_with_stream(
        &mut self,
        new_stream: bool,
        write: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
    ) -> Result<(), JournalError> {
        let stream = new_stream.then(|| LogStream::starting_at(self.head + 1));
        self.write(
            |()| false,
            |transaction, _| {
                write(transaction)?;
                Ok(stream.as_ref().map_or(Ok(()), |stream| insert_stream(transaction, stream))?)
            },
        )?;
        self.streams.extend(stream);
        // A server alone compares it with what it finds.
        self.note_head();
        Ok(())
    }

    /// Removes some of the oldest messages if the rule says so at `now`, in milliseconds since the Unix epoch.
    pub(super) fn expire(&mut self, keep: &Retention, now: i64) -> Result<ExpiryStep, JournalError> {
        if keep.is_everything() {
            return Ok(ExpiryStep::default());
        }
        self.check_verdict()?;
        self.dir.check_lock()?;
        self.identity.check()?;
        // Nothing waits for a removal, and one that a power cut takes back is made again. The next message puts it on the
        // disk.
        let done = self.commits.set(&self.connection, false);
        let done = done.and_then(|()| self.expiry.step(&mut self.connection, keep, self.head, now));
        let done = done.inspect_err(|error| self.reader.note_damage(error));
        let (step, last) = done.map_err(|error| self.distrusted(error))?;
        self.begin_after(last);
        Ok(step)
    }

    /// Returns up to which message the rule removes some of the oldest ones at `now`, without removing them.
    pub(super) fn due(&mut self, keep: &Retention, now: i64) -> Result<Option<Seq>, JournalError> {
        if keep.is_everything() {
            return Ok(None);
        }
        let due = self.expiry.due(&self.connection, keep, self.head, now);
        let due = due.inspect_err(|error| self.reader.note_damage(error)).map_err(|error| self.distrusted(error))?;
        Ok(due.and_then(|due| due.last).map(|last| last.seq))
    }

    /// Notes which messages are gone. After the commit: a reader that sees it finds them gone.
    pub(super) fn begin_after(&self, last: Option<Expired>) {
        if let Some(last) = last {
            self.reader.begin_at(last.seq + 1);
        }
    }

    /// Erases what is left of removed messages in the write-ahead log.
    pub(super) fn tidy(&mut self) -> Result<(), JournalError> {
        self.check_verdict()?;
        if self.erasing {
            let erased = self.erase_log().map_err(|error| self.distrusted(error));
            self.erasing = !erased?;
        }
        Ok(())
    }

    /// Tests whether the store can be written.
    pub(super) fn probe(&mut self) -> Result<(), JournalError> {
        self.dir.check_lock()?;
        self.identity.check()?;
        let written = self.commits.set(&self.connection, true);
        let written = written.and_then(|()| schema::write_nothing_new(&mut self.connection));
        written.map_err(|error| self.distrusted(error))
    }

    /// Returns the revoked accounts if another process has written since the last call.
    pub(super) fn revoked_elsewhere(&mut self) -> Result<Vec<AccountId>, JournalError> {
        let version = data_version(&self.connection)?;
        if self.data_version == version {
            return Ok(Vec::new());
        }
        let ids = admin::revoked_accounts(&self.connection)?;
        // Only after a successful read, so that a failed one is repeated.
        self.data_version = version;
        Ok(ids)
    }

    /// Closes the store cleanly.
    pub(super) fn close(&mut self) -> Result<(), JournalError> {
        self.reader.close();
        // A check that has not ended says nothing.
        let checked = self.check.take().is_none_or(|mut check| {
            check.stop();
            check.found_sound()
        });
        // Moves the write-ahead log into the store. If there is no space for that, the next start reads it as it is.
        let folded = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        self.identity.accept_shorter();
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
        self.identity.accept_shorter();
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
