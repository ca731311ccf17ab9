//! Notices that the files of an open store were removed, moved or replaced. SQLite would continue to write to files
//! without a path, and everything that it confirms would be lost at the next start.

use std::path::{Path, PathBuf};

use private_files::file;

use crate::error::JournalError;

/// The files of an open store, by what identifies them.
#[derive(Debug)]
pub(super) struct StoreIdentity {
    files: [(PathBuf, Option<FileId>); 2],
}

#[cfg(unix)]
type FileId = (u64, u64);

#[cfg(not(unix))]
type FileId = ();

impl StoreIdentity {
    /// Remembers the files of a store that was just opened.
    pub(super) fn of(store: &Path) -> Self {
        let remember = |path: PathBuf| {
            let id = id(&path);
            (path, id)
        };
        Self { files: [remember(store.to_owned()), remember(file::with_suffix(store, "-wal"))] }
    }

    /// Checks that the paths still lead to the open files. Takes one or two microseconds, compared with milliseconds
    /// for a transaction.
    ///
    /// # Errors
    /// [`JournalError::Replaced`] with the path that leads elsewhere.
    pub(super) fn check(&mut self) -> Result<(), JournalError> {
        for (path, known) in &mut self.files {
            match (&known, id(path)) {
                (Some(known), found) if found.as_ref() != Some(known) => {
                    return Err(JournalError::Replaced { path: path.clone() });
                }
                // The write-ahead log is created with the first write.
                (None, found) => *known = found,
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    let found = path.symlink_metadata().ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn id(path: &Path) -> Option<FileId> {
    path.symlink_metadata().ok().map(|_| ())
}
