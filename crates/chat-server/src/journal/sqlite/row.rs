//! Rows and their checksums. SQLite does not notice a flipped bit inside a value, so each row has a CRC over all of its
//! columns.

use std::borrow::Cow;

use chat_proto::{Nickname, Seq, StreamId, Text};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::{Deserialize, Serialize};

use crate::accounts::TokenHash;
use crate::action::{AccountId, ActionDraft, ActionRecord};
use crate::entry::{AccountRecord, LogEntry, LogStream, MessageRecord, Tombstone};

/// The columns that [`message`] and [`raw_message`] read, in their order.
pub(super) const MESSAGE: &str = "seq, at, account, post, nick, text, crc";
/// The columns that [`account`] reads, in their order.
pub(super) const ACCOUNT: &str = "id, token, nickname, at, revoked, crc";
/// The columns that [`stream`] reads, in their order.
pub(super) const STREAM: &str = "n, id, first, crc";

/// The columns that [`action`] reads, in their order.
pub(super) const ACTION: &str = "n, at, head, actor, reason, body, crc";

/// The columns that [`expired`] reads, in their order.
pub(super) const EXPIRED: &str = "seq, at, crc";

/// The first character of the text of a tombstone, whose rest is JSON and whose nickname is empty. The text of a message
/// contains no control character, so the two cannot be mistaken for each other.
const TOMBSTONE_MARK: char = '\u{1}';

/// A message with the columns that only the store itself needs, as they are stored.
pub(super) struct RawMessage {
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) account: AccountId,
    pub(super) post: Option<Box<str>>,
    pub(super) nick: Box<str>,
    pub(super) text: Box<str>,
}

/// What a tombstone stores in place of the text.
#[derive(Serialize, Deserialize)]
struct TombstoneFields<'a> {
    at: i64,
    #[serde(borrow)]
    by: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
}

/// Returns what a tombstone stores in place of the text.
pub(super) fn tombstone_text(at: i64, by: &Nickname, reason: Option<&Text>) -> String {
    let (by, reason) = (Cow::from(by.as_str()), reason.map(|reason| Cow::from(reason.as_str())));
    // Strings and numbers can always be serialized.
    let fields = serde_json::to_string(&TombstoneFields { at, by, reason }).unwrap_or_default();
    format!("{TOMBSTONE_MARK}{fields}")
}

/// Returns the entry of a row; `None` if a value is not valid.
fn entry(seq: Seq, at: i64, nick: &str, text: &str) -> Option<LogEntry> {
    if !nick.is_empty() {
        let (nickname, text) = (Nickname::new(nick).ok()?, Text::new(text).ok()?);
        return Some(LogEntry::Message(MessageRecord { seq, at, nickname, text }));
    }
    let fields: TombstoneFields<'_> = serde_json::from_str(text.strip_prefix(TOMBSTONE_MARK)?).ok()?;
    let reason = fields.reason.and_then(|reason| Text::new(&reason).ok());
    Some(LogEntry::Removed(Tombstone { seq, at, removed_at: fields.at, by: Nickname::new(&fields.by).ok()?, reason }))
}

/// Computes a checksum over values. Each is preceded by its length, so that no two different rows have the same input.
struct RowChecksum(crc32fast::Hasher);

impl RowChecksum {
    fn new() -> Self {
        Self(crc32fast::Hasher::new())
    }

    fn number(mut self, value: i64) -> Self {
        self.0.update(&value.to_le_bytes());
        self
    }

    fn bytes(mut self, value: &[u8]) -> Self {
        self.0.update(&(value.len() as u64).to_le_bytes());
        self.0.update(value);
        self
    }

    fn end(self) -> i64 {
        i64::from(self.0.finalize())
    }
}

pub(super) fn message_crc(seq: i64, at: i64, account: AccountId, post: Option<&str>, nick: &str, text: &str) -> i64 {
    let sum = RowChecksum::new().number(seq).number(at).number(account).number(i64::from(post.is_some()));
    sum.bytes(post.unwrap_or_default().as_bytes()).bytes(nick.as_bytes()).bytes(text.as_bytes()).end()
}

/// Returns the checksum of an entry in the index of ids.
pub(super) fn post_crc(account: AccountId, post: &str, seq: Seq) -> u64 {
    let sum = RowChecksum::new().number(account).bytes(post.as_bytes()).number(i64::try_from(seq).unwrap_or(i64::MAX));
    u64::from(sum.0.finalize())
}

pub(super) fn account_crc(id: AccountId, token: &[u8], nickname: &str, at: i64, revoked: bool) -> i64 {
    RowChecksum::new().number(id).bytes(token).bytes(nickname.as_bytes()).number(at).number(i64::from(revoked)).end()
}

pub(super) fn action_crc(n: i64, at: i64, head: i64, actor: &str, reason: Option<&str>, body: &str) -> i64 {
    let sum = RowChecksum::new().number(n).number(at).number(head).bytes(actor.as_bytes());
    let sum = sum.number(i64::from(reason.is_some())).bytes(reason.unwrap_or_default().as_bytes());
    sum.bytes(body.as_bytes()).end()
}

/// Returns the checksum of the place of a store in its log.
pub(super) fn replica_crc(generation: &[u8], place: i64, hash: &[u8], at: i64, stored_at: i64) -> i64 {
    RowChecksum::new().bytes(generation).number(place).bytes(hash).number(at).number(stored_at).end()
}

pub(super) fn proposer_crc(epoch: i64, number: i64, at: i64) -> i64 {
    RowChecksum::new().number(epoch).number(number).number(at).end()
}

pub(super) fn chain_crc(place: i64, hash: &[u8]) -> i64 {
    RowChecksum::new().number(place).bytes(hash).end()
}

pub(super) fn looks_crc(form: &str, account: AccountId) -> i64 {
    RowChecksum::new().bytes(form.as_bytes()).number(account).end()
}

/// Returns the checksum of an entry in the index of tokens.
pub(super) fn token_crc(token: &[u8], account: AccountId) -> u64 {
    u64::from(RowChecksum::new().bytes(token).number(account).0.finalize())
}

/// Returns the checksum of an entry in the table of what names look like.
pub(super) fn look_crc(print: i64, account: AccountId) -> u64 {
    u64::from(RowChecksum::new().number(print).number(account).0.finalize())
}

pub(super) fn look_state_crc(rule: i64, account: AccountId, action: i64) -> i64 {
    RowChecksum::new().number(rule).number(account).number(action).end()
}

pub(super) fn expired_crc(seq: i64, at: i64) -> i64 {
    RowChecksum::new().number(seq).number(at).end()
}

pub(super) fn stream_crc(n: i64, id: &str, first: i64) -> i64 {
    RowChecksum::new().number(n).bytes(id.as_bytes()).number(first).end()
}

/// Reads an entry of the log; `None` if its checksum or any value is wrong.
pub(super) fn message(row: &Row<'_>) -> Option<LogEntry> {
    let (entry, ..) = checked_message(row)?;
    Some(entry)
}

/// Reads a message as it is stored; `None` if its checksum or any value is wrong.
pub(super) fn raw_message(row: &Row<'_>) -> Option<RawMessage> {
    let (entry, account, post) = checked_message(row)?;
    let (nick, text) = (string(row, 4)?.into(), string(row, 5)?.into());
    Some(RawMessage { seq: number(row, 0)?, at: entry.at(), account, post: post.map(Into::into), nick, text })
}

/// Reads an entry with the columns that only the store needs; `None` if its checksum or any value is wrong.
pub(super) fn checked_message<'r>(row: &'r Row<'_>) -> Option<(LogEntry, AccountId, Option<&'r str>)> {
    let (seq, at, account) = (number(row, 0)?, number(row, 1)?, number(row, 2)?);
    let post = match row.get_ref(3).ok()? {
        ValueRef::Null => None,
        other => Some(other.as_str().ok()?),
    };
    let (nick, text) = (string(row, 4)?, string(row, 5)?);
    if message_crc(seq, at, account, post, nick, text) != number(row, 6)? {
        return None;
    }
    Some((entry(Seq::try_from(seq).ok()?, at, nick, text)?, account, post))
}

/// Reads an action; `None` if its checksum or any value is wrong.
pub(super) fn action(row: &Row<'_>) -> Option<ActionRecord> {
    let (n, at, head) = (number(row, 0)?, number(row, 1)?, number(row, 2)?);
    let (actor, body) = (string(row, 3)?, string(row, 5)?);
    let reason = match row.get_ref(4).ok()? {
        ValueRef::Null => None,
        other => Some(other.as_str().ok()?),
    };
    if action_crc(n, at, head, actor, reason, body) != number(row, 6)? {
        return None;
    }
    let reason = match reason {
        Some(reason) => Some(Text::new(reason).ok()?),
        None => None,
    };
    let draft = ActionDraft { actor: Nickname::new(actor).ok()?, reason, action: serde_json::from_str(body).ok()? };
    Some(ActionRecord { number: u64::try_from(n).ok()?, at, head: Seq::try_from(head).ok()?, draft })
}

/// Reads an account; `None` if its checksum or any value is wrong.
pub(super) fn account(row: &Row<'_>) -> Option<AccountRecord> {
    let (id, nickname, at) = (number(row, 0)?, string(row, 2)?, number(row, 3)?);
    let token: [u8; 32] = row.get_ref(1).ok()?.as_blob().ok()?.try_into().ok()?;
    let revoked = number(row, 4)? != 0;
    if account_crc(id, &token, nickname, at, revoked) != number(row, 5)? {
        return None;
    }
    let nickname = Nickname::new(nickname).ok()?;
    Some(AccountRecord { id, token: TokenHash::from_bytes(token), nickname, at, revoked })
}

/// Reads the newest message that has expired and its time; `None` if its checksum or any value is wrong.
pub(super) fn expired(row: &Row<'_>) -> Option<(Seq, i64)> {
    let (seq, at) = (number(row, 0)?, number(row, 1)?);
    if expired_crc(seq, at) != number(row, 2)? {
        return None;
    }
    Some((Seq::try_from(seq).ok()?, at))
}

/// Reads a stream; `None` if its checksum or any value is wrong.
pub(super) fn stream(row: &Row<'_>) -> Option<LogStream> {
    let (n, id, first) = (number(row, 0)?, string(row, 1)?, number(row, 2)?);
    if stream_crc(n, id, first) != number(row, 3)? {
        return None;
    }
    Some(LogStream { id: StreamId::new(id).ok()?, first: Seq::try_from(first).ok()? })
}

fn number(row: &Row<'_>, column: usize) -> Option<i64> {
    row.get_ref(column).ok()?.as_i64().ok()
}

fn string<'r>(row: &'r Row<'_>, column: usize) -> Option<&'r str> {
    row.get_ref(column).ok()?.as_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_byte_changes_the_checksum() {
        let base = message_crc(1, 2, 3, Some("ab"), "c", "d");
        for other in [
            message_crc(1, 2, 3, Some("a"), "bc", "d"),
            message_crc(1, 2, 3, Some("ab"), "", "cd"),
            message_crc(2, 1, 3, Some("ab"), "c", "d"),
        ] {
            assert_ne!(base, other);
        }
        assert_ne!(message_crc(1, 2, 3, None, "c", "d"), message_crc(1, 2, 3, Some(""), "c", "d"));
    }
}
