//! Where our files live, by the conventions of the platform. It creates nothing unless asked.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use private_files::directory;

use crate::files::default_dir::{self, APP};

/// Name of the history file in the data directory.
pub const HISTORY_FILE: &str = "history.txt";
/// Name of the credential file in the data directory.
pub const CREDENTIALS_FILE: &str = "creds.jsonstream";
/// Name of the outbox in the data directory.
pub const OUTBOX_FILE: &str = "outbox";
/// Name of the configuration in the configuration directory.
pub const CONFIG_FILE: &str = "config.toml";

/// No home directory is known, so there is no place for files unless one is named.
#[derive(Debug, thiserror::Error)]
#[error("no home directory is known; set CHAT_DATA_DIR and CHAT_CONFIG_DIR")]
pub struct PathsError(#[from] etcetera::HomeDirError);

/// Where history, credentials and outbox live: `CHAT_DATA_DIR`, else `minechat` in the user's data directory.
///
/// Opening a file in the latter mends a mode looser than 0700, with a warning; a directory that somebody named stays as
/// it is, because others may use it too.
///
/// # Errors
/// [`PathsError`] when there is no home directory.
pub fn data_dir() -> Result<PathBuf, PathsError> {
    data_dir_from(&|name| std::env::var_os(name))
}

/// Where `config.toml` lives: `CHAT_CONFIG_DIR`, else `minechat` in the user's configuration directory.
///
/// # Errors
/// [`PathsError`] when there is no home directory.
pub fn config_dir() -> Result<PathBuf, PathsError> {
    config_dir_from(&|name| std::env::var_os(name))
}

/// Creates a directory and its parents for this user alone (0700); one that is there stays as it is.
///
/// # Errors
/// What the system said.
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

/// An empty variable is an unset one, as everywhere in the XDG specification.
fn set(env: &dyn Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    env(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
