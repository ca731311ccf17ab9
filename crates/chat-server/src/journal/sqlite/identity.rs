//! Notices that the files of an open store were removed, moved, replaced or cut short. SQLite would continue to write to
//! files without a path, or behind the hole, and everything that it confirms would be lost at the next start.

use std::path::{Path, PathBuf};

use private_files::file;

use super::schema::WAL_LIMIT;
use crate::error::JournalError;

/// The files of an open store, by what identifies them.
#[derive(Debug)]
pub(super) struct StoreIdentity {
    files: [KnownFile; 2],
}

/// One file, as it was when it was last looked at.
#[derive(Debug)]
struct KnownFile {
    path: PathBuf,
    found: Option<Found>,
}

#[derive(Debug, Clone, Copy)]
struct Found {
    id: FileId,
    /// Up to [`WAL_LIMIT`]: SQLite cuts a longer write-ahead log to that, and the store itself never.
    length: u64,
}

#[cfg(unix)]
type FileId = (u64, u64);

#[cfg(not(unix))]
type FileId = ();

impl StoreIdentity {
    /// Remembers the files of a store that was just opened.
    pub(super) fn of(store: &Path) -> Self {
        let remember = |path: PathBuf| {
            let found = find(&path);
            KnownFile { path, found }
        };
        Self { files: [remember(store.to_owned()), remember(file::with_suffix(store, "-wal"))] }
    }

    /// Accepts the files as they are, after this program has shortened one.
    pub(super) fn renew(&mut self) {
        for file in &mut self.files {
            file.found = find(&file.path);
        }
    }

    /// Checks that the paths still lead to the open files, and that these are not shorter than they were. Takes one or
    /// two microseconds, compared with milliseconds for a transaction.
    ///
    /// # Errors
    /// [`JournalError::Replaced`] with the path that leads elsewhere.
    pub(super) fn check(&mut self) -> Result<(), JournalError> {
        for file in &mut self.files {
            let found = find(&file.path);
            if let Some(known) = file.found {
                let same = found.is_some_and(|found| found.id == known.id && found.length >= known.length);
                if !same {
                    return Err(JournalError::Replaced { path: file.path.clone() });
                }
            }
            // The write-ahead log is created with the first write, and both files grow.
            file.found = found;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn find(path: &Path) -> Option<Found> {
    use std::os::unix::fs::MetadataExt as _;
    let found = path.symlink_metadata().ok()?;
    Some(Found { id: (found.dev(), found.ino()), length: found.len().min(WAL_LIMIT) })
}

#[cfg(not(unix))]
fn find(path: &Path) -> Option<Found> {
    path.symlink_metadata().ok().map(|found| Found { id: (), length: found.len().min(WAL_LIMIT) })
}
