//! Removes the oldest messages in small steps, and remembers where the log begins then. The file keeps its size, and its
//! free pages are used again.

use chat_proto::Seq;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::{row, schema};
use crate::error::JournalError;
use crate::limits::{EXPIRY_BYTES, EXPIRY_MESSAGES};
use crate::retention::{ExpiryStep, MESSAGE_BYTES, Retention};

/// The newest message that was removed by age or size, and its time. The log continues after both, even if no message is
/// left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Expired {
    pub(super) seq: Seq,
    /// In milliseconds since the Unix epoch.
    pub(super) at: i64,
}

/// How far below its limit a store gets once it has exceeded it, as a fraction: otherwise each transaction of a store at
/// its limit would be followed by another one.
const SLACK: u64 = 64;

/// What a step removes.
#[derive(Debug, Clone, Copy)]
pub(super) struct DueStep {
    pub(super) step: ExpiryStep,
    /// The newest message of it.
    pub(super) last: Option<Expired>,
}

/// Removes old messages.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    /// The time of the oldest message; `None` if it is not known.
    oldest_at: Option<i64>,
    /// The store has exceeded its limit and is not yet below it by the slack.
    shrinking: bool,
}

impl Expiry {
    /// Makes one step in a transaction of its own. Returns what it did, and the newest message that it removed.
    pub(super) fn step(
        &mut self,
        connection: &mut Connection,
        keep: &Retention,
        head: Seq,
        now: i64,
    ) -> Result<(ExpiryStep, Option<Expired>), StoreError> {
        // Cheap while nothing is due, so before the transaction. This is the only connection that writes messages.
        let Some(due) = self.due(connection, keep, head, now)? else { return Ok((ExpiryStep::default(), None)) };
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if let Some(last) = due.last {
            let through = i64::try_from(last.seq).unwrap_or(i64::MAX);
            transaction.prepare_cached("DELETE FROM message WHERE seq <= ?1")?.execute([through])?;
            note(&transaction, last)?;
        }
        transaction.commit()?;
        Ok((due.step, due.last))
    }

    /// Returns what a step would remove; `None` if the rule is kept.
    pub(super) fn due(
        &mut self,
        connection: &Connection,
        keep: &Retention,
        head: Seq,
        now: i64,
    ) -> Result<Option<DueStep>, StoreError> {
        let excess = self.excess(connection, keep.bytes)?;
        let oldest_time = keep.oldest_time(now).filter(|time| self.oldest_at.is_none_or(|at| at < *time));
        if excess == 0 && oldest_time.is_none() {
            return Ok(None);
        }
        let mut last = None;
        let (mut removed, mut texts, mut freed, mut more) = (0, 0, 0, false);
        self.oldest_at = None;
        let mut oldest = connection.prepare_cached(
            "SELECT seq, at, length(CAST(text AS BLOB)) + length(CAST(nick AS BLOB)) FROM message
             ORDER BY seq LIMIT ?1",
        )?;
        let mut rows = oldest.query([EXPIRY_MESSAGES as i64 + 1])?;
        while let Some(found) = rows.next()? {
            let (seq, at, bytes): (i64, i64, i64) = (found.get(0)?, found.get(1)?, found.get(2)?);
            let bytes = u64::try_from(bytes).unwrap_or(0);
            // A damaged number of a row must not take the messages before it along.
            let above = last.map_or(0, |last: Expired| last.seq);
            let seq = Seq::try_from(seq).ok().filter(|seq| (above + 1..=head).contains(seq));
            let seq = seq.ok_or(JournalError::Damaged)?;
            // The newest message stays however large it is.
            let due = freed < excess && seq < head || oldest_time.is_some_and(|time| at < time);
            if !due {
                self.oldest_at = Some(at);
                break;
            }
            if removed == EXPIRY_MESSAGES as u64 || texts >= EXPIRY_BYTES as u64 {
                more = true;
                break;
            }
            removed += 1;
            texts += bytes;
            freed += bytes + MESSAGE_BYTES;
            last = Some(Expired { seq, at });
        }
        // Removed rows may share their pages with others, so the size is measured again.
        more |= excess > 0 && removed > 0;
        Ok(Some(DueStep { step: ExpiryStep::new(removed, freed, more), last }))
    }

    /// Returns by how many bytes the content of the store has to shrink.
    fn excess(&mut self, connection: &Connection, limit: Option<u64>) -> Result<u64, StoreError> {
        let Some(limit) = limit else { return Ok(0) };
        let used = used_bytes(connection)?;
        let target = limit - limit / SLACK;
        self.shrinking = if self.shrinking { used > target } else { used > limit };
        Ok(if self.shrinking { used - target } else { 0 })
    }
}

/// Returns the bytes of all pages that are not free.
fn used_bytes(connection: &Connection) -> Result<u64, StoreError> {
    let pages: i64 = connection.prepare_cached("PRAGMA page_count")?.query_row([], |row| row.get(0))?;
    let free: i64 = connection.prepare_cached("PRAGMA freelist_count")?.query_row([], |row| row.get(0))?;
    Ok(u64::try_from(pages.saturating_sub(free)).unwrap_or(0) * schema::PAGE_SIZE as u64)
}

/// Stores where the log begins.
pub(super) fn note(transaction: &Connection, expired: Expired) -> Result<(), StoreError> {
    schema::raise_format(transaction, schema::EXPIRY_FORMAT)?;
    let seq = i64::try_from(expired.seq).unwrap_or(i64::MAX);
    transaction
        .prepare_cached("INSERT OR REPLACE INTO expired(n, seq, at, crc) VALUES (1, ?1, ?2, ?3)")?
        .execute(params![seq, expired.at, row::expired_crc(seq, expired.at)])?;
    Ok(())
}

/// Returns where the log begins; the outer `None` if the record of it is damaged, the inner one if there is none.
pub(super) fn expired(connection: &Connection) -> Result<Option<Option<Expired>>, StoreError> {
    // A store that no later program has opened for writing has no such table.
    let known: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'expired'", [], |row| row.get(0))?;
    if known == 0 {
        return Ok(Some(None));
    }
    let sql = format!("SELECT {} FROM expired WHERE n = 1", row::EXPIRED);
    let found = connection.query_row(&sql, [], |found| Ok(row::expired(found))).optional()?;
    Ok(match found {
        Some(Some((seq, at))) => Some(Some(Expired { seq, at })),
        Some(None) => None,
        None => Some(None),
    })
}
