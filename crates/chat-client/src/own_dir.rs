//! The directory that is ours without anybody having named it: only there we may change the mode of what we find.

use std::path::PathBuf;

use etcetera::{BaseStrategy, HomeDirError};

/// The directory of ours within the platform's directories.
pub(crate) const APP: &str = "minechat";

/// Where our data lives unless the user says otherwise: `minechat` in the user's data directory.
pub(crate) fn data() -> Result<PathBuf, HomeDirError> {
    Ok(etcetera::choose_base_strategy()?.data_dir().join(APP))
}
