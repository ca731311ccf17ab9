//! Checks what a start needs of a store that was shut down cleanly and is unchanged since, or that is checked completely
//! while it is in use. Of the messages only the last is read, and no account, so the time does not depend on their number.

use chat_proto::Seq;
use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::verify::LogSummary;
use super::{actions, expire, row};

/// Returns the log of the store; `None` on any sign of damage, or if its head is not the expected one. Accounts
/// are checked when they are read.
pub(super) fn quick_check(connection: &Connection, expected: Option<Seq>) -> Result<Option<LogSummary>, StoreError> {
    let mut streams = connection.prepare(&format!("SELECT {} FROM stream ORDER BY n", row::STREAM))?;
    let streams: Option<Vec<_>> = streams.query_map([], |found| Ok(row::stream(found)))?.collect::<Result<_, _>>()?;
    if actions::raw_actions(connection)?.iter().any(Option::is_none) {
        return Ok(None);
    }
    let newest = format!("SELECT {} FROM message NOT INDEXED ORDER BY seq DESC LIMIT 1", row::MESSAGE);
    let found = match connection.query_row(&newest, [], |found| Ok(row::message(found))).optional()? {
        Some(Some(message)) => message.seq(),
        Some(None) => return Ok(None),
        None => 0,
    };
    let Some(expired) = expire::expired(connection)? else { return Ok(None) };
    let head = found.max(expired.map_or(0, |expired| expired.seq));
    let is_expected = expected.is_none_or(|expected| expected == head);
    Ok(streams.filter(|streams| is_expected && !streams.is_empty()).map(|streams| LogSummary { head, streams }))
}
