//! The default data directory. It is the only existing directory whose mode the client changes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, HomeDirError};
use private_files::{directory, file};

use crate::files::warning::FileWarning;

/// The name of our directory within the platform's directories.
pub(crate) const APP: &str = "minechat";

/// Returns the default data directory: `minechat` in the user's data directory.
pub(crate) fn data() -> Result<PathBuf, HomeDirError> {
    Ok(etcetera::choose_base_strategy()?.data_dir().join(APP))
}

/// Reads a private file as [`file::read`] does, and tightens the default data directory if the file is in it.
pub(crate) fn read(path: &Path, limit: u64, warnings: &mut Vec<FileWarning>) -> io::Result<Option<Vec<u8>>> {
    tighten_default(path, warnings);
    file::read(path, limit, warnings)
}

/// Opens a private file as [`file::open_append`] does, and tightens the default data directory if the file is in it.
pub(crate) fn open_append(path: &Path, warnings: &mut Vec<FileWarning>) -> io::Result<File> {
    tighten_default(path, warnings);
    file::open_append(path, warnings)
}

/// Returns a warning if other users can replace files in the directory of `path`. The mode of a directory that the user
/// chose is kept, because several users may share it.
pub(crate) fn warn_if_replaceable(path: &Path) -> Option<FileWarning> {
    let dir = directory::of(path);
    let mode = directory::writable_by_others(dir)?;
    Some(FileWarning::DirectoryOpen { path: dir.to_owned(), mode })
}

fn tighten_default(path: &Path, warnings: &mut Vec<FileWarning>) {
    let dir = directory::of(path);
    if !dir.exists() || !data().is_ok_and(|own| own == dir) {
        return;
    }
    if let Err(error) = directory::tighten(dir, warnings) {
        // Not fatal: the files in it are private nevertheless.
        tracing::warn!(path = %dir.display(), %error, "could not close the directory to other users");
    }
}

/// Returns whether the open file is the one at `path`. It is not when it was renamed, removed or replaced, as by
/// logrotate.
#[cfg(unix)]
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        (_, Err(error)) => error.kind() != io::ErrorKind::NotFound,
        (Err(_), Ok(_)) => true,
    }
}

#[cfg(not(unix))]
pub(crate) fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Returns whether two open files are the same file. Without inodes they count as the same, so that a replaced file is
/// only noticed by its content.
pub(crate) fn is_same(one: &File, other: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let inode = |file: &File| file.metadata().ok().map(|found| (found.dev(), found.ino()));
        inode(one) == inode(other)
    }
    #[cfg(not(unix))]
    {
        let _ = (one, other);
        true
    }
}
