//! The settings that result from all layers.

use std::io;
use std::path::{Path, PathBuf};

use chat_proto::Token;

use super::env::{Variables, from_environment, text};
use super::file;
use super::layer::{Layer, SettingsError};
use crate::config::ClientConfig;
use crate::config::node_address::NodeAddress;
use crate::files::paths;
use crate::files::warning::FileWarning;
use crate::net::trust::Trust;

/// The result of all layers.
///
/// ```no_run
/// use chat_client::{Layer, Settings};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut flags = Layer::default();
/// flags.listen_port = Some(6000);
/// // What the flags leave open comes from the environment and from config.toml.
/// let settings = Settings::load(flags, None)?;
/// assert_eq!(settings.client_config().listen_port, 6000);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The profile that was used, if any.
    pub profile: Option<String>,
    /// The room's host; with several nodes, that of the first one.
    pub host: String,
    /// The host of the write port; `None` is `host`.
    pub write_host: Option<String>,
    /// The listen port.
    pub listen_port: u16,
    /// The write port.
    pub write_port: u16,
    /// The other nodes of a room that runs on several; each has both ports.
    pub other_nodes: Vec<NodeAddress>,
    /// The account to use, or the name to request.
    pub nickname: Option<String>,
    /// The token, if it was configured directly.
    pub token: Option<Token>,
    /// A file with the token; `-` is standard input.
    pub token_file: Option<PathBuf>,
    /// The path of the history file.
    pub history_path: PathBuf,
    /// The path of the account file.
    pub credentials_path: PathBuf,
    /// The path of the outbox.
    pub outbox_path: PathBuf,
    /// The path of the file of known rooms; empty if no home directory is known.
    pub rooms_path: PathBuf,
    /// The directory of files that have no path of their own.
    pub data_dir: PathBuf,
    /// The language of the screens.
    pub lang: Option<String>,
    /// The palette of the screens.
    pub theme: Option<String>,
    /// Which certificates to trust; `None` is plain TCP.
    pub tls: Option<Trust>,
    /// What was found wrong with the configuration file and is no error. Report it once.
    pub warnings: Vec<FileWarning>,
}

impl Settings {
    /// Merges the flags, the environment of this process and the user's `config.toml`.
    ///
    /// # Errors
    /// [`SettingsError`], which names the place of the error.
    pub fn load(flags: Layer, profile: Option<&str>) -> Result<Self, SettingsError> {
        let env = |name: &str| std::env::var_os(name);
        let file = paths::config_dir_from(&env).ok().map(|dir| dir.join(paths::CONFIG_FILE));
        Self::resolve(flags, profile, &env, file.as_deref())
    }

    /// Merges settings as [`Settings::load`] does, with all inputs as arguments. A missing configuration file is an
    /// empty one. One that may not be read is an error if a profile is requested or `CHAT_CONFIG_DIR` is set, and
    /// otherwise one of the [`warnings`](Self::warnings).
    ///
    /// # Errors
    /// [`SettingsError`], which names the place of the error.
    pub fn resolve(
        flags: Layer,
        profile: Option<&str>,
        env: Variables<'_>,
        config_file: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        let wanted = match profile {
            Some(name) => Some(name.to_owned()),
            None => text(env, "CHAT_PROFILE")?,
        };
        let requested = wanted.is_some() || env("CHAT_CONFIG_DIR").is_some_and(|dir| !dir.is_empty());
        let mut warnings = Vec::new();
        let (profile, from_file) = match config_file {
            Some(path) => file::read(path, wanted.as_deref(), requested, &mut warnings)?,
            None => (None, Layer::default()),
        };
        let layer = flags.over(from_environment(env)?).over(from_file);
        let room = room(layer.host, layer.write_host, layer.listen_port, layer.write_port)?;
        // Without a home directory there is no place for the files that are not named. Only a command that needs one
        // fails, so it stays empty here.
        let data_dir = layer.data_dir.or_else(|| paths::data_dir_from(env).ok()).unwrap_or_default();
        let place = |named: Option<PathBuf>, name: &str| match named {
            Some(path) => path,
            None if data_dir.as_os_str().is_empty() => PathBuf::new(),
            None => data_dir.join(name),
        };
        Ok(Self {
            profile,
            host: room.host,
            write_host: room.write_host,
            listen_port: room.listen_port,
            write_port: room.write_port,
            other_nodes: room.other_nodes,
            nickname: layer.nickname,
            token: layer.token,
            token_file: layer.token_file,
            history_path: place(layer.history_path, paths::HISTORY_FILE),
            credentials_path: place(layer.credentials_path, paths::CREDENTIALS_FILE),
            outbox_path: place(layer.outbox_path, paths::OUTBOX_FILE),
            rooms_path: place(None, paths::ROOMS_FILE),
            data_dir,
            lang: layer.lang,
            theme: layer.theme,
            tls: trust(layer.tls, layer.ca_file, layer.pin.as_deref())?,
            warnings,
        })
    }

    /// Returns the history file.
    ///
    /// # Errors
    /// [`SettingsError::NoPlace`] when it is not named and no home directory is known.
    pub fn history_file(&self) -> Result<&Path, SettingsError> {
        needed(&self.history_path, "the history", "--history-path")
    }

    /// Returns the account file.
    ///
    /// # Errors
    /// [`SettingsError::NoPlace`] when it is not named and no home directory is known.
    pub fn credentials_file(&self) -> Result<&Path, SettingsError> {
        needed(&self.credentials_path, "the accounts", "--credential-path")
    }

    /// Returns the outbox file.
    ///
    /// # Errors
    /// [`SettingsError::NoPlace`] when it is not named and no home directory is known.
    pub fn outbox_file(&self) -> Result<&Path, SettingsError> {
        needed(&self.outbox_path, "the outbox", "CHAT_OUTBOX_PATH")
    }

    /// Returns the part of the settings that the services need.
    #[must_use]
    pub fn client_config(&self) -> ClientConfig {
        ClientConfig {
            host: self.host.clone(),
            write_host: self.write_host.clone(),
            listen_port: self.listen_port,
            write_port: self.write_port,
            other_nodes: self.other_nodes.clone(),
            tls: self.tls.clone(),
            ..ClientConfig::default()
        }
    }

    /// Returns the configured token, given directly or in a file; `None` if there is none.
    ///
    /// # Errors
    /// [`SettingsError`] if the file cannot be read or contains no token.
    pub fn token(&self) -> Result<Option<Token>, SettingsError> {
        match (&self.token, &self.token_file) {
            (Some(token), _) => Ok(Some(token.clone())),
            (None, Some(path)) => read_token_file(path).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// Returns the addresses of the room.
fn room(
    host: Option<String>,
    write_host: Option<String>,
    listen_port: Option<u16>,
    write_port: Option<u16>,
) -> Result<ClientConfig, SettingsError> {
    let mut room = ClientConfig::default();
    room.listen_port = listen_port.unwrap_or(room.listen_port);
    room.write_port = write_port.unwrap_or(room.write_port);
    let nodes = host.as_deref().map(NodeAddress::list).unwrap_or_default();
    let mut room = room.with_nodes(nodes);
    if write_host.is_some() && !room.other_nodes.is_empty() {
        return Err(SettingsError::WriteHost);
    }
    room.write_host = write_host;
    Ok(room)
}

/// Reads a token from the first line of a file; `-` is standard input.
///
/// # Errors
/// [`SettingsError`] if it cannot be read or is not a token; the content is not repeated.
pub fn read_token_file(path: &Path) -> Result<Token, SettingsError> {
    let failed = |source| SettingsError::Read { path: path.to_owned(), source };
    let line = if path == Path::new("-") {
        first_line(io::stdin().lock()).map_err(failed)?
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        first_line(io::BufReader::new(file)).map_err(failed)?
    };
    Token::new(&line).map_err(|source| SettingsError::Token { path: path.to_owned(), source })
}

fn first_line(reader: impl io::BufRead) -> io::Result<zeroize::Zeroizing<String>> {
    // A token has 36 bytes; a longer line is refused.
    const MAX_BYTES: u64 = 4096;
    let mut line = zeroize::Zeroizing::new(String::new());
    io::BufRead::read_line(&mut io::Read::take(reader, MAX_BYTES), &mut line)?;
    if line.starts_with('\u{feff}') {
        line.drain(..'\u{feff}'.len_utf8());
    }
    Ok(line)
}

/// Returns which certificates to trust. A file or a fingerprint implies TLS, so combining it with `tls = false` is an
/// error.
fn trust(tls: Option<bool>, ca_file: Option<PathBuf>, pin: Option<&str>) -> Result<Option<Trust>, SettingsError> {
    Ok(match (tls, ca_file, pin) {
        (Some(false), None, None) | (None, None, None) => None,
        (Some(false), ..) | (_, Some(_), Some(_)) => return Err(SettingsError::Trust),
        (_, Some(path), None) => Some(Trust::CaFile(path)),
        (_, None, Some(pin)) => Some(Trust::Pin(pin.parse().map_err(SettingsError::Pin)?)),
        (Some(true), None, None) => Some(Trust::Roots),
    })
}

fn needed<'a>(path: &'a Path, file: &'static str, option: &'static str) -> Result<&'a Path, SettingsError> {
    if path.as_os_str().is_empty() { Err(SettingsError::NoPlace { file, option }) } else { Ok(path) }
}

#[cfg(test)]
mod tests;
