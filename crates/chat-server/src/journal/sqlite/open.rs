//! Opens a store in a locked data directory: decides how much of it is checked, and repairs it if it is damaged.

use std::path::Path;

use chat_proto::Seq;
use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::insert::insert_stream;
use super::repair::Recovery;
use super::verify::{self, LogSummary};
use super::{account_index, clean_shutdown, quick_check, repair, schema};
use crate::entry::LogStream;
use crate::error::JournalError;
use crate::journal::data_dir::private_file;

/// A store without known damage.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) log: LogSummary,
    pub(super) recovery: Option<Recovery>,
    /// Only what a start needs was checked, and the rest should be.
    pub(super) unchecked: bool,
}

/// When a store is checked that may have been in use when its server crashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckTime {
    /// Before it is opened.
    Before,
    /// While it is in use.
    Behind,
}

/// Who writes to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreUse {
    /// One server, which orders the messages itself.
    Alone,
    /// One of several nodes, which follows a log of batches.
    Node,
}

impl StoreUse {
    /// Checks that the store is one for this use.
    fn check(self, connection: &Connection) -> Result<(), StoreError> {
        match (self, schema::is_of_cluster(connection)?) {
            (Self::Alone, true) => Err(JournalError::OfCluster.into()),
            (Self::Node, false) => Err(JournalError::NotOfCluster.into()),
            _ => Ok(()),
        }
    }
}

/// What is known of a store before it is opened.
#[derive(Clone, Copy)]
enum StoreTrust {
    /// Unchanged since a clean shutdown, with this head.
    Closed(Seq),
    /// Its last server did not end in order, or it was put here by a person. Nothing says that it is damaged.
    Crashed,
    /// Changed by another program, or known to be damaged.
    None,
}

/// Opens the store at `path` in the locked directory `dir`, or creates one.
pub(super) fn open(dir: &Path, path: &Path, when: CheckTime, usage: StoreUse) -> Result<Opened, StoreError> {
    let note = clean_shutdown::take(dir)?;
    repair::finish_interrupted(path)?;
    drop(private_file(path)?);
    let is_noted = note.is_some();
    let trust = match note.map(|note| note.head_of(path)) {
        Some(Some(head)) => StoreTrust::Closed(head),
        None if when == CheckTime::Behind => StoreTrust::Crashed,
        Some(None) | None => StoreTrust::None,
    };
    // A start that is ended during the check or the repair is followed by one that does the same.
    let suspect = is_noted && matches!(trust, StoreTrust::None);
    if suspect {
        clean_shutdown::distrust(dir)?;
    }
    let opened = open_or_repair(path, trust, usage)?;
    if suspect {
        clean_shutdown::forgive(dir)?;
    }
    Ok(opened)
}

fn open_or_repair(path: &Path, trust: StoreTrust, usage: StoreUse) -> Result<Opened, StoreError> {
    match open_sound(path, trust, usage) {
        Ok(Some(opened)) => return Ok(opened),
        Ok(None) => {}
        Err(error) if error.is_damage() => tracing::warn!(%error, "the store is damaged"),
        Err(error) => return Err(error),
    }
    // What is lost could not be told from what was never applied. Another node has all of it.
    if usage == StoreUse::Node {
        return Err(JournalError::Damaged.into());
    }
    // It would become the store of a server alone, which the other nodes do not know.
    if schema::was_of_cluster(path).map_err(|source| JournalError::file(path, source))? {
        return Err(JournalError::OfCluster.into());
    }
    let recovery = Some(repair::repair(path)?);
    let connection = schema::open_for_writing(path)?;
    let log = verify::verify(&connection)?.into_summary();
    Ok(Opened { connection, log, recovery, unchecked: false })
}

/// Opens the store if it is intact, as far as it is checked; `None` if it is not.
fn open_sound(path: &Path, trust: StoreTrust, usage: StoreUse) -> Result<Option<Opened>, StoreError> {
    let mut connection = schema::open_for_writing(path)?;
    usage.check(&connection)?;
    let streams: Option<i64> = connection.query_row("SELECT 1 FROM stream LIMIT 1", [], |row| row.get(0)).optional()?;
    let empty: i64 = connection.query_row(
        "SELECT NOT EXISTS(SELECT 1 FROM message) AND NOT EXISTS(SELECT 1 FROM account)",
        [],
        |row| row.get(0),
    )?;
    if streams.is_none() && empty == 1 {
        insert_stream(&connection, &LogStream::starting_at(1))?;
    }
    // An error counts like a wrong checksum: the full check determines what it is.
    let quick = |expected| quick_check::quick_check(&connection, expected).ok().flatten();
    match trust {
        StoreTrust::Closed(head) => {
            if let Some(log) = quick(Some(head)) {
                account_index::prepare(&mut connection)?;
                return Ok(Some(Opened { connection, log, recovery: None, unchecked: false }));
            }
        }
        StoreTrust::Crashed => {
            if let Some(log) = quick(None) {
                account_index::prepare(&mut connection)?;
                rewrite_log(&connection)?;
                if empty == 0 {
                    tracing::info!("the store was not shut down cleanly: checking all of it while it is in use");
                }
                return Ok(Some(Opened { connection, log, recovery: None, unchecked: empty == 0 }));
            }
        }
        StoreTrust::None => {}
    }
    if empty == 0 {
        // Logged before, because it takes a while for a long log.
        tracing::info!("the store was not shut down cleanly or has changed since: checking all of it");
    }
    let report = verify::verify(&connection)?;
    if !report.is_good() {
        return Ok(None);
    }
    account_index::prepare(&mut connection)?;
    rewrite_log(&connection)?;
    Ok(Some(Opened { connection, log: report.into_summary(), recovery: None, unchecked: false }))
}

/// Moves the write-ahead log of a crash into the store, which writes and syncs all of its pages. After a failed sync the
/// kernel can show pages that are not on the disk, so what was only read from the log must not be confirmed to a writer
/// that repeats a post.
fn rewrite_log(connection: &Connection) -> Result<(), StoreError> {
    let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    match moved.map_err(|error| JournalError::from(StoreError::from(error))) {
        // The server starts on a full disk, and declines posts until there is space.
        Err(JournalError::Full) => Ok(()),
        moved => Ok(moved?),
    }
}
