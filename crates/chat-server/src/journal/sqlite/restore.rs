//! Puts a backup in the place of a room.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use private_files::file;
use rusqlite::Connection;

use super::backup::is_backup;
use super::error::StoreError;
use super::new_store::{Installed, NewStore};
use super::schema;
use super::verify::CheckReport;
use crate::journal::data_dir::private_file;
use crate::transfer::TransferError;

/// A restored room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreReport {
    /// What was found when it was checked, with the stream that was begun.
    pub check: CheckReport,
    /// Where the room is that was there before.
    pub aside: Option<PathBuf>,
}

/// Restores the backup `source` into the data directory `dir`, in which no server may run. A room that is there is set
/// aside if `replace` is set.
///
/// # Errors
/// [`TransferError`]; then the directory is as it was.
pub fn restore_store(dir: &Path, source: &Path, replace: bool) -> Result<RestoreReport, TransferError> {
    let (new, connection) = copied(dir, source, replace)?;
    match new.install(connection)? {
        Some(Installed { report, aside }) => Ok(RestoreReport { check: report, aside }),
        None => Err(TransferError::DamagedBackup { path: source.to_owned() }),
    }
}

/// Copies a backup to the place where a new store is built.
pub(super) fn copied(dir: &Path, source: &Path, replace: bool) -> Result<(NewStore, Connection), TransferError> {
    if !is_backup(source).map_err(|error| TransferError::named(source, error))? {
        return Err(TransferError::NotABackup { path: source.to_owned() });
    }
    let new = NewStore::prepare(dir, replace)?;
    copy(source, new.unfinished())?;
    // A copy that another program made may have a write-ahead log.
    let wal = file::with_suffix(source, "-wal");
    if wal.exists() {
        copy(&wal, &file::with_suffix(new.unfinished(), "-wal"))?;
    }
    let connection = schema::open_for_writing(new.unfinished()).map_err(|error| named_damage(source, error))?;
    Ok((new, connection))
}

/// Returns the error of a copy of `source`.
pub(super) fn named_damage(source: &Path, error: StoreError) -> TransferError {
    match error.is_damage() {
        true => TransferError::DamagedBackup { path: source.to_owned() },
        false => error.into(),
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), TransferError> {
    let mut source = file::open_regular(from).map_err(|error| TransferError::named(from, error))?;
    let mut target: File = private_file(to)?;
    io::copy(&mut source, &mut target).map_err(|error| TransferError::named(to, error))?;
    Ok(())
}
