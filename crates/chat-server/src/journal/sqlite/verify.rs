//! Checks a whole store without changing it: its structure by SQLite's own check, its rows by their checksums, its
//! index by comparison with them.

use chat_proto::Seq;
use rusqlite::Connection;

use super::account_index::IndexCheck;
use super::error::StoreError;
use super::{actions, cluster_tables, expire, row, schema};
use crate::action::AccountId;
use crate::entry::LogStream;

/// The result of checking a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// The number of messages with a correct checksum.
    pub messages: u64,
    /// The number of accounts with a correct checksum.
    pub accounts: u64,
    /// The sequence number of the last message.
    pub head: Seq,
    /// The newest sequence number that was removed because of its age or the size of the store; 0 if none was.
    pub expired: Seq,
    /// The streams of the log, oldest first.
    pub streams: Vec<LogStream>,
    /// The number of rows with a wrong checksum.
    pub damaged_rows: u64,
    /// Whether the structure of the file is intact, including its index and the order of time.
    pub sound: bool,
    /// The last sequence number that had been stored, if the marker is ahead of the store: an older copy was restored,
    /// or the end was lost. The next start then begins a new stream.
    pub lost_end: Option<Seq>,
}

/// The state from which the server continues.
pub(super) struct LogSummary {
    /// The sequence number of the last message.
    pub(super) head: Seq,
    /// The streams of the log, oldest first.
    pub(super) streams: Vec<LogStream>,
}

impl CheckReport {
    /// Returns whether the store is intact.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.sound && self.damaged_rows == 0 && !self.streams.is_empty()
    }

    pub(super) fn into_summary(self) -> LogSummary {
        LogSummary { head: self.head, streams: self.streams }
    }
}

/// Checks the whole store.
pub(super) fn verify(connection: &Connection) -> Result<CheckReport, StoreError> {
    let mut report = CheckReport {
        messages: 0,
        accounts: 0,
        head: 0,
        expired: 0,
        streams: Vec::new(),
        damaged_rows: 0,
        sound: true,
        lost_end: None,
    };
    // One state of the store for all parts of the check, because a running server may add messages in the meantime.
    let snapshot = connection.unchecked_transaction()?;
    // Not `integrity_check`, which looks up the id of each message in the index in random order: a sequential read of
    // the whole index finds the same.
    let mut check = connection.prepare("PRAGMA quick_check(1)")?;
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
    let mut index = IndexCheck::new(connection)?;
    let mut accounts = connection.prepare(&format!("SELECT {} FROM account NOT INDEXED ORDER BY id", row::ACCOUNT))?;
    let mut rows = accounts.query([])?;
    while let Some(found) = rows.next()? {
        match row::account(found) {
            Some(account) => {
                report.accounts += 1;
                index.add(&account);
            }
            None => report.damaged_rows += 1,
        }
    }
    for found in actions::raw_actions(connection)? {
        report.damaged_rows += u64::from(found.is_none());
    }
    // A damaged row is missing in the comparison.
    if report.damaged_rows == 0 {
        report.sound &= index.is_sound(connection)?;
    }
    if schema::is_of_cluster(connection)? {
        report.damaged_rows += cluster_tables::damaged_rows(connection)?;
    }
    let mut messages = connection.prepare(&format!("SELECT {} FROM message NOT INDEXED ORDER BY seq", row::MESSAGE))?;
    let mut rows = messages.query([])?;
    let mut last_at = i64::MIN;
    match expire::expired(connection)? {
        Some(Some(expired)) => (report.expired, report.head, last_at) = (expired.seq, expired.seq, expired.at),
        Some(None) => {}
        None => report.damaged_rows += 1,
    }
    let mut ids = PostIdDigest::default();
    while let Some(found) = rows.next()? {
        let Some((message, account, post)) = row::checked_message(found) else {
            report.damaged_rows += 1;
            continue;
        };
        if let Some(post) = post {
            ids.add(account, post, message.seq());
        }
        report.messages += 1;
        // Nothing before the beginning of the log.
        report.sound &= message.seq() > report.head;
        report.head = message.seq();
        report.sound &= message.at() >= last_at;
        last_at = message.at();
    }
    report.sound &= indexed(connection)? == Some(ids);
    drop(rows);
    snapshot.finish()?;
    Ok(report)
}

/// A digest of all ids of posts with their positions, in any order: their number and the sum of their checksums.
#[derive(Default, PartialEq)]
struct PostIdDigest {
    count: u64,
    sum: u64,
}

impl PostIdDigest {
    fn add(&mut self, account: AccountId, post: &str, seq: Seq) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(row::post_crc(account, post, seq));
    }
}

/// Returns the digest of the index; `None` if the index is out of order, so that lookups could miss entries.
fn indexed(connection: &Connection) -> Result<Option<PostIdDigest>, StoreError> {
    let mut entries = connection.prepare(
        "SELECT account, post, seq FROM message INDEXED BY message_post WHERE post IS NOT NULL ORDER BY account, post",
    )?;
    let mut rows = entries.query([])?;
    let mut ids = PostIdDigest::default();
    let (mut last_account, mut last_post) = (AccountId::MIN, String::new());
    while let Some(found) = rows.next()? {
        let (account, post, seq): (AccountId, _, i64) = (found.get(0)?, found.get_ref(1)?, found.get(2)?);
        let (Ok(post), Ok(seq)) = (post.as_str(), Seq::try_from(seq)) else { return Ok(None) };
        // Equal entries are an error too.
        if (account, post) <= (last_account, last_post.as_str()) {
            return Ok(None);
        }
        ids.add(account, post, seq);
        last_account = account;
        last_post.clear();
        last_post.push_str(post);
    }
    Ok(Some(ids))
}
