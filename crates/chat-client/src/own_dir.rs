//! The directory that is ours without anybody having named it: only there we may change the mode of what we find.

use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, HomeDirError};

use crate::warning::FileWarning;

/// The directory of ours within the platform's directories.
pub(crate) const APP: &str = "minechat";

/// Where our data lives unless the user says otherwise: `minechat` in the user's data directory.
pub(crate) fn data() -> Result<PathBuf, HomeDirError> {
    Ok(etcetera::choose_base_strategy()?.data_dir().join(APP))
}

/// Whether others may put files of theirs in the place of ours in `dir`. Where somebody has named the directory that is
/// said and left as it is.
#[cfg(unix)]
pub(crate) fn others_may_replace(dir: &Path) -> Option<FileWarning> {
    use std::os::unix::fs::PermissionsExt;
    let mode = dir.metadata().ok()?.permissions().mode() & 0o7777;
    // With the sticky bit only the owner of a file may replace it.
    (mode & 0o022 != 0 && mode & 0o1000 == 0)
        .then(|| FileWarning::DirectoryOpen { path: dir.to_owned(), mode: mode & 0o777 })
}

#[cfg(not(unix))]
pub(crate) fn others_may_replace(_: &Path) -> Option<FileWarning> {
    None
}
