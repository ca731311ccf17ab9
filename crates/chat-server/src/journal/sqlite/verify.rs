//! Looks at a whole store: its structure by SQLite's own check, its content by the checksums of the
//! rows. It mends nothing.

use chat_proto::Seq;
use rusqlite::Connection;

use super::row;
use crate::{entry::Stream, error::JournalError};

/// What a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// Messages whose checksum is right.
    pub messages: u64,
    /// Accounts whose checksum is right.
    pub accounts: u64,
    /// The place of the last message.
    pub head: Seq,
    /// Stretches of the log, oldest first.
    pub streams: Vec<Stream>,
    /// Rows whose checksum is wrong.
    pub damaged_rows: u64,
    /// Whether the structure of the file is sound, its index and the order of time included.
    pub sound: bool,
    /// The last place that had been stored, where the mark beside the store tells of more than is there: an older copy
    /// was put back, or the end was lost. The next start begins a new stream then.
    pub lost_end: Option<Seq>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.sound && self.damaged_rows == 0 && !self.streams.is_empty()
    }
}

/// Checks everything.
pub(super) fn verify(connection: &Connection) -> Result<CheckReport, JournalError> {
    let mut report = CheckReport {
        messages: 0,
        accounts: 0,
        head: 0,
        streams: Vec::new(),
        damaged_rows: 0,
        sound: true,
        lost_end: None,
    };
    let mut check = connection.prepare("PRAGMA integrity_check(1)")?;
    let verdict: String = check.query_row([], |row| row.get(0))?;
    report.sound = verdict == "ok";

    let mut streams = connection.prepare(&format!("SELECT {} FROM stream ORDER BY n", row::STREAM))?;
    let mut rows = streams.query([])?;
    while let Some(found) = rows.next()? {
        match row::stream(found) {
            Some(stream) => report.streams.push(stream),
            None => report.damaged_rows += 1,
        }
    }
    let mut accounts = connection.prepare(&format!("SELECT {} FROM account ORDER BY id", row::ACCOUNT))?;
    let mut rows = accounts.query([])?;
    while let Some(found) = rows.next()? {
        match row::account(found) {
            Some(_) => report.accounts += 1,
            None => report.damaged_rows += 1,
        }
    }
    let mut messages = connection.prepare(&format!("SELECT {} FROM message NOT INDEXED ORDER BY seq", row::MESSAGE))?;
    let mut rows = messages.query([])?;
    let mut last_at = i64::MIN;
    while let Some(found) = rows.next()? {
        let Some(message) = row::message(found) else {
            report.damaged_rows += 1;
            continue;
        };
        report.messages += 1;
        report.head = message.seq;
        report.sound &= message.at >= last_at;
        last_at = message.at;
    }
    Ok(report)
}
