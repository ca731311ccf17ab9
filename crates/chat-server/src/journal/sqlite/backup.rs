//! A copy of the store as one file, made while a server may be running.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use private_files::{directory, file};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::error::StoreError;
use super::verify::{self, CheckReport};
use super::{admin, schema};
use crate::journal::data_dir::private_file;
use crate::transfer::TransferError;

/// The pages of one step. Each step is synced, so that the syncs of posts never wait for more than this.
const STEP_PAGES: i32 = 1024;

/// How long to wait when a file is locked for a moment, and how often.
const LOCKED_PAUSE: Duration = Duration::from_millis(50);
const LOCKED_PAUSES: u32 = 200;

/// A finished backup.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// What was found when the copy was checked.
    pub check: CheckReport,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Copies the store in `dir` into the file `target`, which is replaced as a whole if it is an earlier backup. The copy is
/// of one moment, whatever a running server stores meanwhile, and it was checked as a start checks a store.
///
/// # Errors
/// [`TransferError`]; then `target` is as it was.
pub fn backup_store(dir: &Path, target: &Path) -> Result<BackupReport, TransferError> {
    check_target(dir, target)?;
    let source = admin::open(dir)?;
    let part = file::with_suffix(target, ".part");
    let lock = lock_part(&part, target)?;
    let made = copy(&source, &part, &lock).and_then(|()| check(&part));
    let made = made.and_then(|check| {
        let length = lock.metadata().and_then(|found| lock.sync_all().map(|()| found.len()));
        let bytes = length.map_err(|error| TransferError::named(&part, error))?;
        fs::rename(&part, target).map_err(|error| TransferError::named(target, error))?;
        directory::sync(directory::of(target)).map_err(|error| TransferError::named(target, error))?;
        Ok(BackupReport { check, bytes })
    });
    if made.is_err() {
        let _ = file::remove(&part);
    }
    made
}

/// Refuses a target that is not a place for a backup.
fn check_target(dir: &Path, target: &Path) -> Result<(), TransferError> {
    let fail = |error| TransferError::named(target, error);
    if target.file_name().is_none() {
        return Err(fail(io::ErrorKind::IsADirectory.into()));
    }
    // An empty parent is the current directory.
    let parent = fs::canonicalize(directory::of(target)).map_err(fail)?;
    if fs::canonicalize(dir).is_ok_and(|dir| parent.starts_with(dir)) {
        return Err(TransferError::InDataDir { path: target.to_owned() });
    }
    match target.symlink_metadata() {
        Ok(found) if found.is_dir() => Err(fail(io::ErrorKind::IsADirectory.into())),
        Ok(found) if found.is_file() && is_backup(target).map_err(fail)? => Ok(()),
        Ok(_) => Err(TransferError::Occupied { path: target.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(fail(error)),
    }
}

/// Returns whether a file begins as a store does.
pub(super) fn is_backup(path: &Path) -> io::Result<bool> {
    let mut header = [0; 100];
    match file::open_regular(path)?.read_exact(&mut header) {
        Ok(()) => Ok(schema::is_ours(&header)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens the unfinished copy, and takes it for this process alone. The lock ends with the process, however it ends, so
/// the next backup can use the file again.
fn lock_part(part: &Path, target: &Path) -> Result<File, TransferError> {
    let fail = |error| TransferError::named(part, error);
    let opened = private_file(part)?;
    if opened.try_lock().is_err() || !is_at(&opened, part) {
        return Err(TransferError::Running { path: target.to_owned() });
    }
    opened.set_len(0).map_err(fail)?;
    Ok(opened)
}

/// Returns whether the file is still at its path: another backup may just have renamed it.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let here = (file.metadata(), path.symlink_metadata());
    matches!(here, (Ok(open), Ok(found)) if (open.dev(), open.ino()) == (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// Copies the store page by page. The read transaction keeps the pages of one moment while a server writes on, and keeps
/// it from writing them over, so its write-ahead log grows until the copy is complete.
fn copy(source: &Connection, part: &Path, file: &File) -> Result<(), TransferError> {
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let mut target = Connection::open(part)?;
    // The file is thrown away after a crash.
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
    {
        let backup = Backup::new(source, &mut target)?;
        let mut pauses = 0;
        loop {
            match backup.step(STEP_PAGES)? {
                StepResult::Done => break,
                StepResult::More => {
                    file.sync_data().map_err(|error| TransferError::named(part, error))?;
                }
                // Busy or locked, by a program that has opened the unfinished copy.
                _ if pauses == LOCKED_PAUSES => return Err(TransferError::Running { path: part.to_owned() }),
                _ => {
                    pauses += 1;
                    std::thread::sleep(LOCKED_PAUSE);
                }
            }
        }
    }
    target.close().map_err(|(_, error)| error)?;
    source.execute_batch("COMMIT")?;
    Ok(())
}

/// Makes the copy one file without a write-ahead log, and checks it.
fn check(part: &Path) -> Result<CheckReport, TransferError> {
    let damaged = |error: StoreError| if error.is_damage() { TransferError::DamagedStore } else { error.into() };
    let connection = schema::open_existing(part).map_err(damaged)?;
    connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    let report = verify::verify(&connection).map_err(damaged)?;
    connection.close().map_err(|(_, error)| error)?;
    if report.is_good() { Ok(report) } else { Err(TransferError::DamagedStore) }
}
