//! The default data directory. It is the only existing directory whose mode the client changes.

use std::fs::{File, Metadata};
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

/// The identity of a file while it is open: device and inode. Without inodes all files count as the same, so that a
/// replaced file is only noticed by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenFileId(#[cfg(unix)] u64, #[cfg(unix)] u64);

impl OpenFileId {
    /// Returns the identity of an open file.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        file.metadata().map(|found| Self::in_metadata(&found))
    }

    /// Returns what is at `path` now. One system call.
    pub(crate) fn look(self, path: &Path) -> PathLook {
        match std::fs::symlink_metadata(path) {
            Ok(found) if Self::in_metadata(&found) == self => PathLook::Same { length: found.len() },
            Ok(_) => PathLook::Other,
            Err(error) if file::is_missing(&error) => PathLook::Other,
            Err(_) => PathLook::Unknown,
        }
    }

    fn in_metadata(found: &Metadata) -> Self {
        #[cfg(unix)]
        return Self(std::os::unix::fs::MetadataExt::dev(found), std::os::unix::fs::MetadataExt::ino(found));
        #[cfg(not(unix))]
        {
            let _ = found;
            Self()
        }
    }
}

/// What is at the path of an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathLook {
    /// The file itself.
    Same {
        /// Its length in bytes.
        length: u64,
    },
    /// Another file or none: the open one was renamed, removed or replaced, as by logrotate.
    Other,
    /// The path cannot be looked at, so the open file is kept.
    Unknown,
}
