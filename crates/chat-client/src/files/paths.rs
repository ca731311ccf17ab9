//! Paths of the client's files, by the conventions of the platform.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use private_files::directory;

use crate::files::default_dir::{self, APP};

/// The name of the history file in the data directory.
pub const HISTORY_FILE: &str = "history.txt";
/// The name of the account file in the data directory.
pub const CREDENTIALS_FILE: &str = "creds.jsonstream";
/// The name of the outbox in the data directory.
pub const OUTBOX_FILE: &str = "outbox";
/// The name of the file of known rooms in the data directory.
pub const ROOMS_FILE: &str = "rooms.jsonl";
/// The name of the configuration file in the configuration directory.
pub const CONFIG_FILE: &str = "config.toml";

/// The home directory is unknown, and no directory was configured.
#[derive(Debug, thiserror::Error)]
#[error("no home directory is known; set CHAT_DATA_DIR and CHAT_CONFIG_DIR")]
pub struct PathsError(#[from] etcetera::HomeDirError);

/// Returns the directory of history, accounts and outbox: `CHAT_DATA_DIR`, or else `minechat` in the user's data
/// directory.
///
/// Opening a file in the default directory tightens a mode looser than 0700, with a warning. The mode of a directory
/// that the user chose is kept, because several users may share it.
///
/// # Errors
/// [`PathsError`] if there is no home directory.
pub fn data_dir() -> Result<PathBuf, PathsError> {
    data_dir_from(&|name| std::env::var_os(name))
}

/// Returns the directory of `config.toml`: `CHAT_CONFIG_DIR`, or else `minechat` in the user's configuration directory.
///
/// # Errors
/// [`PathsError`] if there is no home directory.
pub fn config_dir() -> Result<PathBuf, PathsError> {
    config_dir_from(&|name| std::env::var_os(name))
}

/// Creates a directory and its parents with mode 0700; an existing directory is left as it is.
///
/// # Errors
/// The error of the operating system.
pub fn create_private(dir: &Path) -> io::Result<()> {
    directory::create(dir)
}

pub(crate) fn data_dir_from(env: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, PathsError> {
    match set(env, "CHAT_DATA_DIR") {
        Some(dir) => Ok(dir),
        None => Ok(default_dir::data()?),
    }
}

pub(crate) fn config_dir_from(env: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, PathsError> {
    match set(env, "CHAT_CONFIG_DIR") {
        Some(dir) => Ok(dir),
        None => Ok(etcetera::choose_base_strategy()?.config_dir().join(APP)),
    }
}

/// Returns a variable that is set and not empty. As in the XDG specification, an empty variable counts as unset.
fn set(env: &dyn Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    env(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
