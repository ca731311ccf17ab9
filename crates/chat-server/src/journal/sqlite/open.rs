//! From a locked data directory to a store that can be relied on: how much of it is checked, and what is done when it is
//! damaged.

use std::path::Path;

use chat_proto::Seq;
use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::insert::insert_stream;
use super::repair::Recovery;
use super::verify::{self, LogSummary};
use super::{clean_shutdown, quick_check, repair, schema};
use crate::entry::LogStream;
use crate::journal::data_dir::private_file;

/// A store in which nothing is known to be wrong.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) log: LogSummary,
    pub(super) recovery: Option<Recovery>,
}

/// Opens the store at `path` in the locked directory `dir`, or makes one.
pub(super) fn open(dir: &Path, path: &Path) -> Result<Opened, StoreError> {
    let note = clean_shutdown::take(dir)?;
    repair::finish_interrupted(path)?;
    drop(private_file(path)?);
    let left = note.and_then(|note| note.head_of(path));
    match open_sound(path, left) {
        Ok(Some((connection, log))) => return Ok(Opened { connection, log, recovery: None }),
        Ok(None) => {}
        Err(error) if error.is_damage() => tracing::warn!(%error, "the store is damaged"),
        Err(error) => return Err(error),
    }
    let recovery = Some(repair::repair(path)?);
    let connection = schema::open_for_writing(path)?;
    let log = verify::verify(&connection)?.into_summary();
    Ok(Opened { connection, log, recovery })
}

/// Opens the store if nothing is wrong with it; `None` when something is. `left` is its head when it is known to be as
/// a server has left it.
fn open_sound(path: &Path, left: Option<Seq>) -> Result<Option<(Connection, LogSummary)>, StoreError> {
    let connection = schema::open_for_writing(path)?;
    let streams: Option<i64> = connection.query_row("SELECT 1 FROM stream LIMIT 1", [], |row| row.get(0)).optional()?;
    let empty: i64 = connection.query_row(
        "SELECT NOT EXISTS(SELECT 1 FROM message) AND NOT EXISTS(SELECT 1 FROM account)",
        [],
        |row| row.get(0),
    )?;
    if streams.is_none() && empty == 1 {
        insert_stream(&connection, &LogStream::starting_at(1))?;
    }
    // An error is as odd as a wrong checksum: the full check says what it is.
    if let Some(log) = left.and_then(|head| quick_check::quick_check(&connection, head).ok().flatten()) {
        return Ok(Some((connection, log)));
    }
    if empty == 0 {
        // Said before, since it takes a while where the past is long.
        tracing::info!("the store is not as a server has left it in an orderly way; all of it is checked");
    }
    let report = verify::verify(&connection)?;
    Ok(report.is_good().then(|| (connection, report.into_summary())))
}
