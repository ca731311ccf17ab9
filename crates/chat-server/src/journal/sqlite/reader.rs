//! Reads the store on connections of its own, while the journal thread writes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use chat_proto::Seq;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::{account_index, actions, clean_shutdown, cluster_tables, row, schema};
use crate::accounts::TokenHash;
use crate::action::{AccountId, ActionRecord};
use crate::entry::{AccountRecord, LogEntry, MessageRecord};
use crate::error::JournalError;
use crate::journal::{AccountIndex, JournalReader, ReadLimit};
use crate::rate_limited_log::RateLimitedLog;

/// Read-only connections, kept for the next read.
#[derive(Debug)]
pub(super) struct SqliteReader {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    /// Whether damage was found in the store since it was opened.
    damaged: AtomicBool,
    /// The sequence number of the oldest message. A number on its own, so no other memory depends on its order.
    oldest: AtomicU64,
}

impl SqliteReader {
    pub(super) fn new(path: PathBuf, oldest: Seq) -> Self {
        let (idle, damaged) = (Mutex::new(Vec::new()), AtomicBool::new(false));
        Self { path, idle, damaged, oldest: AtomicU64::new(oldest) }
    }

    /// Records that the messages before `oldest` were removed.
    pub(super) fn begin_at(&self, oldest: Seq) {
        self.oldest.store(oldest, Ordering::Relaxed);
    }

    /// Closes idle connections, so that the writing connection is the last to close.
    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Records an error that means damage.
    pub(super) fn note_damage(&self, error: &StoreError) {
        if error.is_damage() {
            self.see_damage();
        }
    }

    /// Records damage, also on the disk: however this server ends, the next start checks the store and repairs it.
    fn see_damage(&self) {
        let Some(dir) = self.path.parent().filter(|_| !self.damaged.swap(true, Ordering::Relaxed)) else { return };
        if let Err(error) = clean_shutdown::distrust(dir) {
            tracing::warn!(%error, "could not note that the store is damaged");
        }
    }

    pub(super) fn has_seen_damage(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, JournalError> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match kept {
            Some(connection) => connection,
            None => schema::open_for_reading(&self.path)?,
        };
        let result = read(&connection).inspect_err(|error| self.note_damage(error));
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(result?)
    }
}

impl JournalReader for SqliteReader {
    fn oldest(&self) -> Seq {
        self.oldest.load(Ordering::Relaxed)
    }

    fn read(&self, from: Seq, page: ReadLimit) -> Result<Vec<LogEntry>, JournalError> {
        self.with(|connection| {
            let sql = format!("SELECT {} FROM message WHERE seq >= ?1 ORDER BY seq", row::MESSAGE);
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([i64::try_from(from).unwrap_or(i64::MAX)])?;
            let mut messages = Vec::new();
            let (mut bytes, mut next) = (0, from);
            while messages.len() < page.messages && bytes < page.bytes {
                let Some(found) = rows.next()? else { break };
                // A page in the place of another one has rows whose checksums are right.
                match row::message(found).filter(|message| message.seq() >= next) {
                    Some(message) => {
                        next = message.seq() + 1;
                        bytes += message.text_bytes();
                        messages.push(message);
                    }
                    None => {
                        self.see_damage();
                        RateLimitedLog::DamagedMessage.log();
                    }
                }
            }
            Ok(messages)
        })
    }

    fn actions(&self) -> Result<Vec<ActionRecord>, JournalError> {
        self.with(|connection| Ok(actions::raw_actions(connection)?.into_iter().flatten().collect()))
    }

    fn accounts(&self) -> Option<&dyn AccountIndex> {
        Some(self)
    }

    /// Reads the whole table: a rare request needs no index.
    fn of_account(&self, account: AccountId, since: i64) -> Result<Vec<MessageRecord>, JournalError> {
        self.with(|connection| {
            let sql = format!(
                "SELECT {} FROM message NOT INDEXED WHERE account = ?1 AND at >= ?2 AND nick <> '' ORDER BY seq",
                row::MESSAGE
            );
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query(params![account, since])?;
            let mut messages = Vec::new();
            while let Some(found) = rows.next()? {
                match row::message(found) {
                    Some(LogEntry::Message(message)) => messages.push(message),
                    Some(LogEntry::Removed(_)) => {}
                    None => self.see_damage(),
                }
            }
            Ok(messages)
        })
    }

    /// Time never goes back in the log, so this is a binary search: a rare request needs no index.
    fn first_after(&self, at: i64) -> Result<Seq, JournalError> {
        self.with(|connection| {
            let mut ends =
                connection.prepare_cached("SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) FROM message")?;
            let (mut low, high): (i64, i64) = ends.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut high = high + 1;
            let mut next =
                connection.prepare_cached("SELECT seq, at FROM message WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
            while low < high {
                let middle = low + (high - low) / 2;
                let found: Option<(i64, i64)> =
                    next.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                match found {
                    Some((seq, then)) if then <= at => low = seq + 1,
                    _ => high = middle,
                }
            }
            Ok(Seq::try_from(low).unwrap_or(1))
        })
    }
}

impl AccountIndex for SqliteReader {
    fn by_token(&self, token: &TokenHash) -> Result<Option<AccountRecord>, JournalError> {
        self.with(|connection| account_index::by_token(connection, token))
    }

    fn by_id(&self, id: AccountId) -> Result<Option<AccountRecord>, JournalError> {
        self.with(|connection| cluster_tables::account(connection, id))
    }

    fn look_alikes(&self, name: &str) -> Result<Vec<AccountId>, JournalError> {
        self.with(|connection| account_index::look_alikes(connection, name))
    }

    fn count(&self) -> Result<u64, JournalError> {
        self.with(account_index::count)
    }
}
