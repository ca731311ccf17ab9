//! From a locked data directory to a store that can be relied on: how much of it is checked, and what is done when it is
//! damaged.

use std::path::Path;

use chat_proto::Seq;
use rusqlite::{Connection, OptionalExtension};

use super::verify::{self, Log};
use super::{Recovery, closed, glance, insert_stream, salvage, schema};
use crate::entry::Stream;
use crate::error::JournalError;
use crate::journal::data_dir::private_file;

/// A store in which nothing is known to be wrong.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) log: Log,
    pub(super) recovery: Option<Recovery>,
}

/// Opens the store at `path` in the locked directory `dir`, or makes one.
pub(super) fn open(dir: &Path, path: &Path) -> Result<Opened, JournalError> {
    let note = closed::take(dir)?;
    salvage::finish_interrupted(path)?;
    drop(private_file(path)?);
    let left = note.and_then(|note| note.head_of(path));
    match open_sound(path, left) {
        Ok(Some((connection, log))) => return Ok(Opened { connection, log, recovery: None }),
        Ok(None) => {}
        Err(error) if schema::is_damage(&error) => tracing::warn!(%error, "the store is damaged"),
        Err(error) => return Err(error),
    }
    let recovery = Some(salvage::salvage(path)?);
    let connection = schema::open_for_writing(path)?;
    let log = verify::verify(&connection)?.into_log();
    Ok(Opened { connection, log, recovery })
}

/// Opens the store if nothing is wrong with it; `None` when something is. `left` is its head when it is known to be as
/// a server has left it.
fn open_sound(path: &Path, left: Option<Seq>) -> Result<Option<(Connection, Log)>, JournalError> {
    let connection = schema::open_for_writing(path)?;
    let streams: Option<i64> = connection.query_row("SELECT 1 FROM stream LIMIT 1", [], |row| row.get(0)).optional()?;
    let empty: i64 = connection.query_row(
        "SELECT NOT EXISTS(SELECT 1 FROM message) AND NOT EXISTS(SELECT 1 FROM account)",
        [],
        |row| row.get(0),
    )?;
    if streams.is_none() && empty == 1 {
        insert_stream(&connection, &Stream::starting_at(1))?;
    }
    // An error is as odd as a wrong checksum: the full check says what it is.
    if let Some(log) = left.and_then(|head| glance::glance(&connection, head).ok().flatten()) {
        return Ok(Some((connection, log)));
    }
    if empty == 0 {
        // Said before, since it takes a while where the past is long.
        tracing::info!("the store is not as a server has left it in an orderly way; all of it is checked");
    }
    let report = verify::verify(&connection)?;
    Ok(report.is_good().then(|| (connection, report.into_log())))
}
