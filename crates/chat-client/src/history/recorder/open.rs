//! Opens and locks the file of a history.

use std::fs::File;
#[cfg(unix)]
use std::fs::TryLockError;
use std::io;
use std::path::Path;

use crate::files::default_dir;
use crate::files::warning::FileWarning;

/// Opens a history to append to it, and locks the file itself. The lock file next to it may be removed while it is in
/// use, and a second recorder must not find its way past it.
///
/// A system whose locks are mandatory would keep readers out, so only Unix has this second lock.
pub(super) fn open_locked(path: &Path, warnings: &mut Vec<FileWarning>) -> io::Result<File> {
    let file = default_dir::open_append(path, warnings)?;
    #[cfg(unix)]
    match file.try_lock() {
        // A file system without locks has the lock file alone.
        Ok(()) | Err(TryLockError::Error(_)) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process writes it"));
        }
    }
    Ok(file)
}
