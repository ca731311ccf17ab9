//! `config.toml`: named sets of settings. An unknown key is an error, because a misspelt one would silently have no
//! effect. The file contains no token, only the path of one.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use private_files::file;
use serde::Deserialize;

use super::layer::{Layer, SettingsError};
use crate::files::warning::FileWarning;

/// No configuration written by hand has a hundredth of this size.
const MAX_BYTES: u64 = 1024 * 1024;

/// The profile that is used if none is named and it exists.
const DEFAULT: &str = "default";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    host: Option<String>,
    hosts: Option<Vec<String>>,
    write_host: Option<String>,
    listen_port: Option<u16>,
    write_port: Option<u16>,
    username: Option<String>,
    token_file: Option<PathBuf>,
    history_path: Option<PathBuf>,
    credentials_path: Option<PathBuf>,
    outbox_path: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    lang: Option<String>,
    theme: Option<String>,
    tls: Option<bool>,
    ca_file: Option<PathBuf>,
    pin: Option<String>,
}

/// Reads the requested profile, or else the one called `default` if it exists. A missing file has no profiles.
///
/// A file that may not be read is an error if it is `requested`. Otherwise it is skipped with a warning: the home
/// directory may be another user's, as in a container that runs under any uid.
pub(crate) fn read(
    path: &Path,
    wanted: Option<&str>,
    requested: bool,
    warnings: &mut Vec<FileWarning>,
) -> Result<(Option<String>, Layer), SettingsError> {
    let content = match read_bounded(path) {
        // Editors on Windows put a byte-order mark in front.
        Ok(content) => content.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(content),
        Err(error) if file::is_missing(&error) => String::new(),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && !requested => {
            warnings.push(FileWarning::ConfigSkipped { path: path.to_owned(), reason: error.kind() });
            String::new()
        }
        Err(source) => return Err(SettingsError::Read { path: path.to_owned(), source }),
    };
    let mut file: File = toml::from_str(&content).map_err(|source| {
        let start = source.span().map_or(0, |span| span.start).min(content.len());
        let line = content.as_bytes()[..start].iter().filter(|&&b| b == b'\n').count() + 1;
        SettingsError::Config { path: path.to_owned(), line, message: source.message().into() }
    })?;
    match (file.profile.remove(wanted.unwrap_or(DEFAULT)), wanted) {
        (Some(Profile { host: Some(_), hosts: Some(_), .. }), _) => {
            Err(SettingsError::HostAndHosts { path: path.to_owned() })
        }
        (Some(profile), _) => Ok((Some(wanted.unwrap_or(DEFAULT).to_owned()), profile.into())),
        (None, Some(name)) => Err(SettingsError::UnknownProfile { name: name.to_owned(), path: path.to_owned() }),
        (None, None) => Ok((None, Layer::default())),
    }
}

/// Reads a file with a bound. A pipe or an endless file is an error. A link is allowed, because many users keep such
/// files elsewhere.
fn read_bounded(path: &Path) -> io::Result<String> {
    let content = file::read_regular(path, MAX_BYTES)?;
    String::from_utf8(content).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

impl From<Profile> for Layer {
    fn from(profile: Profile) -> Self {
        Self {
            host: profile.host.or_else(|| Some(profile.hosts?.join(","))),
            write_host: profile.write_host,
            listen_port: profile.listen_port,
            write_port: profile.write_port,
            nickname: profile.username,
            token: None,
            token_file: profile.token_file,
            history_path: profile.history_path,
            credentials_path: profile.credentials_path,
            outbox_path: profile.outbox_path,
            data_dir: profile.data_dir,
            lang: profile.lang,
            theme: profile.theme,
            tls: profile.tls,
            ca_file: profile.ca_file,
            pin: profile.pin,
        }
    }
}
