//! Tells whether two looks at a path saw the same file.

use std::fs::File;
use std::path::Path;

/// Device and inode.
pub(crate) type FileIdentity = (u64, u64);

/// Returns the identity of the file at `path`; `None` if there is none, or where the system does not tell.
#[cfg(unix)]
pub(crate) fn of(path: &Path) -> Option<FileIdentity> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
pub(crate) fn of(_: &Path) -> Option<FileIdentity> {
    None
}

/// Returns whether the open file is the one at `path`.
#[cfg(unix)]
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|found| of(path) == Some((found.dev(), found.ino())))
}

#[cfg(not(unix))]
pub(crate) fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
