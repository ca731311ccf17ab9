//! Writes a whole room as lines of JSON.

use std::io::Write;
use std::path::Path;

use rusqlite::{Connection, Row};

use super::error::StoreError;
use super::{actions, admin, expire, row};
use crate::accounts::TokenHash;
use crate::action::{ActionRecord, OperatorAction};
use crate::entry::{LogEntry, LogStream};
use crate::transfer::{EXPORT_FORMAT, ExpiredRecord, PLAIN_EXPORT_FORMAT, RoomRecord, StreamRecord, TransferError};

/// Writes the room in `dir` to `out`, while a server may be running: its accounts without their tokens, its messages, and
/// the actions of its operators. All of it is of one moment. An export without its last line is not complete.
///
/// # Errors
/// [`TransferError`]: the store cannot be read or is damaged, or `out` failed.
pub fn export_store(dir: &Path, out: &mut dyn Write) -> Result<(), TransferError> {
    let connection = admin::open(dir)?;
    connection.execute_batch("BEGIN")?;
    let mut put = |record: RoomRecord| writeln!(out, "{}", record.to_line()).map_err(TransferError::Output);

    let mut streams = Vec::new();
    each(&connection, "stream", "n", row::STREAM, row::stream, |stream: LogStream| {
        streams.push(StreamRecord::from(&stream));
        Ok(())
    })?;
    let expired = expire::expired(&connection)?.ok_or(TransferError::DamagedStore)?;
    let expired = expired.map(|expired| ExpiredRecord { seq: expired.seq, at: expired.at });
    let empty: bool = connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM message)", [], |found| found.get(0))?;
    // Any other room continues after its newest message, in an earlier program too.
    let format = if empty && expired.is_some() { EXPORT_FORMAT } else { PLAIN_EXPORT_FORMAT };
    put(RoomRecord::Room { format, streams, expired })?;
    let accounts = each(&connection, "account", "id", row::ACCOUNT, row::account, |account| {
        let nick = account.nickname.as_str().to_owned();
        put(RoomRecord::Account { id: account.id, nick, at: account.at, revoked: account.revoked })
    })?;
    let messages = each(&connection, "message", "seq", row::MESSAGE, message, &mut put)?;
    let mut count = 0;
    for action in actions::raw_actions(&connection)? {
        put(action.map(exported).ok_or(TransferError::DamagedStore)?)?;
        count += 1;
    }
    put(RoomRecord::End { accounts, messages, actions: count })?;
    out.flush().map_err(TransferError::Output)
}

/// Calls `put` for each row of a table, in the order of `key`. Returns their number.
fn each<T>(
    connection: &Connection,
    table: &str,
    key: &str,
    columns: &str,
    read: impl Fn(&Row<'_>) -> Option<T>,
    mut put: impl FnMut(T) -> Result<(), TransferError>,
) -> Result<u64, TransferError> {
    let sql = format!("SELECT {columns} FROM {table} NOT INDEXED ORDER BY {key}");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    let damaged = |error: StoreError| if error.is_damage() { TransferError::DamagedStore } else { error.into() };
    while let Some(found) = rows.next().map_err(|error| damaged(error.into()))? {
        put(read(found).ok_or(TransferError::DamagedStore)?)?;
        count += 1;
    }
    Ok(count)
}

fn message(found: &Row<'_>) -> Option<RoomRecord> {
    let (entry, account, post) = row::checked_message(found)?;
    let id = post.map(str::to_owned);
    Some(match entry {
        LogEntry::Message(message) => RoomRecord::Message {
            seq: message.seq,
            at: message.at,
            account,
            nick: message.nickname.as_str().to_owned(),
            id,
            text: message.text.into_string(),
        },
        LogEntry::Removed(removed) => RoomRecord::Removed {
            seq: removed.seq,
            at: removed.at,
            account,
            id,
            removed_at: removed.removed_at,
            by: removed.by.as_str().to_owned(),
            reason: removed.reason.map(chat_proto::Text::into_string),
        },
    })
}

/// Returns the record of an action, without the hash of a token.
fn exported(record: ActionRecord) -> RoomRecord {
    let ActionRecord { number, at, head, mut draft } = record;
    if let OperatorAction::Token { hash, .. } = &mut draft.action {
        *hash = TokenHash::from_bytes([0; 32]);
    }
    let reason = draft.reason.map(chat_proto::Text::into_string);
    RoomRecord::Action { number, at, head, by: draft.actor.as_str().to_owned(), reason, what: draft.action }
}
