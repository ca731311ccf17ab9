//! Rows and their checksums. SQLite does not notice a flipped bit inside a value, so each row has a CRC over all of its
//! columns.

use chat_proto::{Nickname, Seq, StreamId, Text};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::accounts::TokenHash;
use crate::entry::{AccountId, AccountRecord, LogStream, MessageRecord};

/// The columns that [`message`] and [`raw_message`] read, in their order.
pub(super) const MESSAGE: &str = "seq, at, account, post, nick, text, crc";
/// The columns that [`account`] reads, in their order.
pub(super) const ACCOUNT: &str = "id, token, nickname, at, revoked, crc";
/// The columns that [`stream`] reads, in their order.
pub(super) const STREAM: &str = "n, id, first, crc";

/// A message with the columns that only the store itself needs.
pub(super) struct RawMessage {
    pub(super) account: AccountId,
    pub(super) post: Option<Box<str>>,
    pub(super) message: MessageRecord,
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

pub(super) fn stream_crc(n: i64, id: &str, first: i64) -> i64 {
    RowChecksum::new().number(n).bytes(id.as_bytes()).number(first).end()
}

/// Reads a message; `None` if its checksum or any value is wrong.
pub(super) fn message(row: &Row<'_>) -> Option<MessageRecord> {
    let (message, ..) = checked_message(row)?;
    Some(message)
}

/// Reads a message with all its columns; `None` if its checksum or any value is wrong.
pub(super) fn raw_message(row: &Row<'_>) -> Option<RawMessage> {
    let (message, account, post) = checked_message(row)?;
    Some(RawMessage { account, post: post.map(Into::into), message })
}

/// Reads a message as [`raw_message`] does, without copying the columns that only the store needs.
pub(super) fn checked_message<'r>(row: &'r Row<'_>) -> Option<(MessageRecord, AccountId, Option<&'r str>)> {
    let (seq, at, account) = (number(row, 0)?, number(row, 1)?, number(row, 2)?);
    let post = match row.get_ref(3).ok()? {
        ValueRef::Null => None,
        other => Some(other.as_str().ok()?),
    };
    let (nick, text) = (string(row, 4)?, string(row, 5)?);
    if message_crc(seq, at, account, post, nick, text) != number(row, 6)? {
        return None;
    }
    let seq = Seq::try_from(seq).ok()?;
    let message = MessageRecord { seq, at, nickname: Nickname::new(nick).ok()?, text: Text::new(text).ok()? };
    Some((message, account, post))
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
