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

    /// Accepts that a file is shorter, after this program has shortened it. It must be the same file still: another one may
    /// have taken its place meanwhile.
    pub(super) fn accept_shorter(&mut self) {
        for file in &mut self.files {
            if let (Some(known), Some(found)) = (&mut file.found, find(&file.path))
                && found.id == known.id
            {
                known.length = found.length;
            }
        }
    }

    /// Returns the length of the write-ahead log when it was last checked, in bytes.
    pub(super) fn log_length(&self) -> u64 {
        let [_, log] = &self.files;
        log.found.map_or(0, |found| found.length)
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

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_that_go_while_one_is_shortened_are_noticed() {
        let temp = tempfile::tempdir().unwrap();
        let store = temp.path().join("room.db");
        let log = temp.path().join("room.db-wal");
        fs::write(&store, "pages").unwrap();
        fs::write(&log, "frames").unwrap();
        // As long as it is open, no other file gets its number.
        let _open = fs::File::open(&store).unwrap();
        let mut identity = StoreIdentity::of(&store);
        fs::write(&log, "").unwrap();
        assert!(identity.check().is_err(), "cut short by another program");
        identity.accept_shorter();
        identity.check().unwrap();
        fs::remove_file(&store).unwrap();
        identity.accept_shorter();
        assert!(identity.check().is_err(), "removed");
        fs::write(temp.path().join("other"), "pages").unwrap();
        fs::rename(temp.path().join("other"), &store).unwrap();
        identity.accept_shorter();
        assert!(identity.check().is_err(), "replaced");
    }
}
