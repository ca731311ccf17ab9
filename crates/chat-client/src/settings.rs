//! What both frontends are told from outside, layer over layer: flags, environment, a profile of `config.toml`,
//! defaults. It opens no connection.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use chat_proto::{Token, TokenError};

use crate::config::ClientConfig;
use crate::paths::{self, PathsError};
use crate::profile;
use crate::tls::{FingerprintError, Trust};

/// One layer: what it does not say, the next one does.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// The room's host.
    pub host: Option<String>,
    /// Where the write port is, if not there.
    pub write_host: Option<String>,
    /// The listen port.
    pub listen_port: Option<u16>,
    /// The write port.
    pub write_port: Option<u16>,
    /// Which account to use, or which name to ask for.
    pub nickname: Option<String>,
    /// The secret. Never in a file of ours.
    pub token: Option<Token>,
    /// A file with the secret; `-` is standard input.
    pub token_file: Option<PathBuf>,
    /// The history file.
    pub history_path: Option<PathBuf>,
    /// The credential file.
    pub credentials_path: Option<PathBuf>,
    /// The outbox.
    pub outbox_path: Option<PathBuf>,
    /// Where the files are that have no path of their own.
    pub data_dir: Option<PathBuf>,
    /// The language of the screens.
    pub lang: Option<String>,
    /// Whether the ports speak TLS.
    pub tls: Option<bool>,
    /// A file with the certificates to trust; says TLS too.
    pub ca_file: Option<PathBuf>,
    /// The fingerprint of the certificate to trust; says TLS too.
    pub pin: Option<String>,
}

/// What came of all layers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The profile that was used, if any.
    pub profile: Option<String>,
    /// The room's host.
    pub host: String,
    /// Where the write port is, if not there.
    pub write_host: Option<String>,
    /// The listen port.
    pub listen_port: u16,
    /// The write port.
    pub write_port: u16,
    /// Which account to use, or which name to ask for.
    pub nickname: Option<String>,
    /// The secret, where it was given itself.
    pub token: Option<Token>,
    /// A file with the secret; `-` is standard input.
    pub token_file: Option<PathBuf>,
    /// The history file.
    pub history_path: PathBuf,
    /// The credential file.
    pub credentials_path: PathBuf,
    /// The outbox.
    pub outbox_path: PathBuf,
    /// Where the files are that have no path of their own.
    pub data_dir: PathBuf,
    /// The language of the screens.
    pub lang: Option<String>,
    /// Whom to trust, where the ports speak TLS.
    pub tls: Option<Trust>,
}

/// Why the settings cannot be used. None of them carries a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// There is no place for files.
    #[error(transparent)]
    Paths(#[from] PathsError),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The configuration is wrong at one place. What is wrong there is in the sentence and no cause of it, since the
    /// parser would say the place once more.
    #[error("{}:{line}: {}", path.display(), error.message())]
    Config {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there; it names the key.
        error: Box<toml::de::Error>,
    },
    /// A profile was named that is not there.
    #[error("there is no profile {name:?} in {}", path.display())]
    UnknownProfile {
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// A variable of the environment has no usable value.
    #[error("the environment variable {name} is {problem}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        problem: VariableProblem,
    },
    /// What was given as a token is none.
    #[error("no usable token in {}", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TokenError,
    },
    /// The fingerprint to trust is none.
    #[error("the pin is no fingerprint")]
    Pin(#[source] FingerprintError),
    /// Whom to trust contradicts itself.
    #[error("trust either a file of certificates or one fingerprint, and only with TLS")]
    Trust,
}

/// What is wrong with a variable. Its value is not repeated: it may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VariableProblem {
    /// Its bytes are no text.
    NotUnicode,
    /// It should be a number from 0 to 65535.
    NotAPort,
    /// It should be a token.
    NotAToken,
    /// It should say yes or no.
    NotAFlag,
}

impl std::fmt::Display for VariableProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotUnicode => "not UTF-8 text",
            Self::NotAPort => "not a port (0 to 65535)",
            Self::NotAToken => "not a token",
            Self::NotAFlag => "neither 1, true, yes nor 0, false, no",
        })
    }
}

type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Settings {
    /// Takes the flags, this process's environment and the user's `config.toml`.
    ///
    /// # Errors
    /// [`SettingsError`], which says where the fault is.
    pub fn load(flags: Layer, profile: Option<&str>) -> Result<Self, SettingsError> {
        let env = |name: &str| std::env::var_os(name);
        let file = paths::config_dir_from(&env).ok().map(|dir| dir.join(paths::CONFIG_FILE));
        Self::resolve(flags, profile, &env, file.as_deref())
    }

    /// The same with everything as an argument. A configuration file that is not there is an empty one.
    ///
    /// # Errors
    /// [`SettingsError`], which says where the fault is.
    pub fn resolve(
        flags: Layer,
        profile: Option<&str>,
        env: Environment<'_>,
        config_file: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        let wanted = match profile {
            Some(name) => Some(name.to_owned()),
            None => text(env, "CHAT_PROFILE")?,
        };
        let (profile, from_file) = match config_file {
            Some(path) => profile::read(path, wanted.as_deref())?,
            None => (None, Layer::default()),
        };
        let layer = flags.over(from_environment(env)?).over(from_file);
        let defaults = ClientConfig::default();
        let data_dir = layer.data_dir.map_or_else(|| paths::data_dir_from(env), Ok);
        // Somebody who names every file needs no home directory.
        let place = |named: Option<PathBuf>, name: &str| match (named, &data_dir) {
            (Some(path), _) => Ok(path),
            (None, Ok(dir)) => Ok(dir.join(name)),
            (None, Err(_)) => paths::data_dir_from(env).map(|dir| dir.join(name)),
        };
        Ok(Self {
            profile,
            host: layer.host.unwrap_or(defaults.host),
            write_host: layer.write_host,
            listen_port: layer.listen_port.unwrap_or(defaults.listen_port),
            write_port: layer.write_port.unwrap_or(defaults.write_port),
            nickname: layer.nickname,
            token: layer.token,
            token_file: layer.token_file,
            history_path: place(layer.history_path, paths::HISTORY_FILE)?,
            credentials_path: place(layer.credentials_path, paths::CREDENTIALS_FILE)?,
            outbox_path: place(layer.outbox_path, paths::OUTBOX_FILE)?,
            data_dir: data_dir.unwrap_or_default(),
            lang: layer.lang,
            tls: trust(layer.tls, layer.ca_file, layer.pin.as_deref())?,
        })
    }

    /// What the services need of it.
    #[must_use]
    pub fn client_config(&self) -> ClientConfig {
        ClientConfig {
            host: self.host.clone(),
            write_host: self.write_host.clone(),
            listen_port: self.listen_port,
            write_port: self.write_port,
            tls: self.tls.clone(),
            ..ClientConfig::default()
        }
    }

    /// The token that was given, itself or in a file; `None` where none was.
    ///
    /// # Errors
    /// [`SettingsError`] when the file cannot be read or holds no token.
    pub fn token(&self) -> Result<Option<Token>, SettingsError> {
        match (&self.token, &self.token_file) {
            (Some(token), _) => Ok(Some(token.clone())),
            (None, Some(path)) => read_token_file(path).map(Some),
            (None, None) => Ok(None),
        }
    }
}

impl Layer {
    /// This layer, and where it says nothing the one below.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        // A token that is given itself and one in a file answer one question: the upper layer answers it alone.
        let (token, token_file) = match (self.token, self.token_file) {
            (None, None) => (below.token, below.token_file),
            given => given,
        };
        // And so do the ways to trust.
        let (tls, ca_file, pin) = match (self.tls, self.ca_file, self.pin) {
            (None, None, None) => (below.tls, below.ca_file, below.pin),
            given => given,
        };
        Self {
            tls,
            ca_file,
            pin,
            // So do the two hosts.
            write_host: if self.host.is_some() { self.write_host } else { self.write_host.or(below.write_host) },
            host: self.host.or(below.host),
            listen_port: self.listen_port.or(below.listen_port),
            write_port: self.write_port.or(below.write_port),
            nickname: self.nickname.or(below.nickname),
            token,
            token_file,
            history_path: self.history_path.or(below.history_path),
            credentials_path: self.credentials_path.or(below.credentials_path),
            outbox_path: self.outbox_path.or(below.outbox_path),
            data_dir: self.data_dir.or(below.data_dir),
            lang: self.lang.or(below.lang),
        }
    }
}

/// Reads a token from the first line of a file; `-` is standard input.
///
/// # Errors
/// [`SettingsError`] when it cannot be read or is no token; the content is not repeated.
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
    // A token has 36 bytes; whatever is longer than this is refused as too long.
    const MAX_BYTES: u64 = 4096;
    let mut line = zeroize::Zeroizing::new(String::new());
    io::BufRead::read_line(&mut io::Read::take(reader, MAX_BYTES), &mut line)?;
    Ok(line)
}

fn from_environment(env: Environment<'_>) -> Result<Layer, SettingsError> {
    let port = |name: &'static str| {
        let problem = SettingsError::Variable { name, problem: VariableProblem::NotAPort };
        text(env, name)?.map(|value| value.trim().parse().map_err(|_| problem)).transpose()
    };
    let path = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let not_a_token = |_| SettingsError::Variable { name: "CHAT_TOKEN", problem: VariableProblem::NotAToken };
    Ok(Layer {
        host: text(env, "CHAT_HOST")?,
        write_host: text(env, "CHAT_WRITE_HOST")?,
        listen_port: port("CHAT_LISTEN_PORT")?,
        write_port: port("CHAT_WRITE_PORT")?,
        nickname: text(env, "CHAT_NICKNAME")?,
        token: text(env, "CHAT_TOKEN")?.map(|token| Token::new(&token).map_err(not_a_token)).transpose()?,
        token_file: path("CHAT_TOKEN_FILE"),
        history_path: path("CHAT_HISTORY_PATH"),
        credentials_path: path("CHAT_CREDENTIALS_PATH"),
        outbox_path: path("CHAT_OUTBOX_PATH"),
        data_dir: path("CHAT_DATA_DIR"),
        lang: text(env, "CHAT_LANG")?,
        tls: flag(env, "CHAT_TLS")?,
        ca_file: path("CHAT_CA_FILE"),
        pin: text(env, "CHAT_PIN")?,
    })
}

/// Whom to trust. A file or a fingerprint says TLS by itself; "no" beside them is a contradiction.
fn trust(tls: Option<bool>, ca_file: Option<PathBuf>, pin: Option<&str>) -> Result<Option<Trust>, SettingsError> {
    Ok(match (tls, ca_file, pin) {
        (Some(false), None, None) | (None, None, None) => None,
        (Some(false), ..) | (_, Some(_), Some(_)) => return Err(SettingsError::Trust),
        (_, Some(path), None) => Some(Trust::CaFile(path)),
        (_, None, Some(pin)) => Some(Trust::Pin(pin.parse().map_err(SettingsError::Pin)?)),
        (Some(true), None, None) => Some(Trust::Roots),
    })
}

/// A variable that says yes or no.
fn flag(env: Environment<'_>, name: &'static str) -> Result<Option<bool>, SettingsError> {
    match text(env, name)?.as_deref() {
        None => Ok(None),
        Some("1" | "true" | "yes") => Ok(Some(true)),
        Some("0" | "false" | "no") => Ok(Some(false)),
        Some(_) => Err(SettingsError::Variable { name, problem: VariableProblem::NotAFlag }),
    }
}

/// A variable as text; an empty one is an unset one.
fn text(env: Environment<'_>, name: &'static str) -> Result<Option<String>, SettingsError> {
    let Some(value) = env(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let problem = SettingsError::Variable { name, problem: VariableProblem::NotUnicode };
    value.into_string().map(Some).map_err(|_| problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(
        flags: Layer,
        profile: Option<&str>,
        env: &[(&str, &str)],
        config: &str,
    ) -> Result<Settings, SettingsError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        std::fs::write(&file, config).unwrap();
        let lookup = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        Settings::resolve(flags, profile, &lookup, Some(&file))
    }

    const CONFIG: &str = "[profile.default]\nhost = \"home.example\"\nlisten_port = 6000\n\
                          [profile.work]\nhost = \"work.example\"\nwrite_host = \"post.example\"\ntoken_file = \"/t\"\n";

    #[test]
    fn flags_go_over_the_environment_over_the_profile_over_the_defaults() {
        let env = [("CHAT_HOST", "env.example"), ("CHAT_WRITE_PORT", "6051"), ("CHAT_DATA_DIR", "/d")];
        let flags = Layer { write_port: Some(6052), ..Layer::default() };
        let settings = resolve(flags, None, &env, CONFIG).unwrap();
        assert_eq!((settings.host.as_str(), settings.listen_port, settings.write_port), ("env.example", 6000, 6052));
        assert_eq!(settings.profile.as_deref(), Some("default"));
        assert_eq!(settings.history_path, Path::new("/d/history.txt"));
        let defaults = resolve(Layer::default(), None, &[("CHAT_DATA_DIR", "/d")], "").unwrap();
        assert_eq!((defaults.host.as_str(), defaults.listen_port, defaults.write_port), ("127.0.0.1", 5000, 5050));
        assert_eq!(defaults.profile, None);
    }

    #[test]
    fn what_belongs_together_comes_from_one_layer() {
        let env = [("CHAT_DATA_DIR", "/d"), ("CHAT_PROFILE", "work"), ("CHAT_TOKEN", "abc")];
        let settings = resolve(Layer::default(), None, &env, CONFIG).unwrap();
        assert_eq!(settings.write_host.as_deref(), Some("post.example"));
        assert_eq!((settings.token.is_some(), settings.token_file), (true, None));
        let flags = Layer { host: Some("here".into()), ..Layer::default() };
        assert_eq!(resolve(flags, Some("work"), &env, CONFIG).unwrap().write_host, None);
    }

    #[test]
    fn faults_are_named_with_file_line_and_key() {
        let data = [("CHAT_DATA_DIR", "/d")];
        let error =
            resolve(Layer::default(), None, &data, "[profile.default]\nhost = \"x\"\nhots = \"y\"\n").unwrap_err();
        assert!(error.to_string().contains("config.toml:3: ") && error.to_string().contains("hots"), "{error}");
        let error = resolve(Layer::default(), None, &data, "[profile.default]\nlisten_port = 70000\n").unwrap_err();
        assert!(error.to_string().contains("config.toml:2: "), "{error}");
        let error = resolve(Layer::default(), Some("nowhere"), &data, CONFIG).unwrap_err();
        assert!(error.to_string().starts_with("there is no profile \"nowhere\" in "), "{error}");
        let error = resolve(Layer::default(), None, &[("CHAT_LISTEN_PORT", "abc")], "").unwrap_err();
        assert_eq!(error.to_string(), "the environment variable CHAT_LISTEN_PORT is not a port (0 to 65535)");
        let error = resolve(Layer::default(), None, &[("CHAT_TOKEN", "a\nsecret")], "").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    #[test]
    fn a_damaged_configuration_is_an_error_and_never_a_panic() {
        for at in 0..CONFIG.len() {
            let mut damaged = CONFIG.as_bytes().to_vec();
            damaged[at] ^= 0x15;
            let _ = resolve(Layer::default(), None, &[("CHAT_DATA_DIR", "/d")], &String::from_utf8_lossy(&damaged));
            let _ = resolve(Layer::default(), None, &[("CHAT_DATA_DIR", "/d")], &CONFIG[..at]);
        }
    }

    #[test]
    fn a_token_file_gives_its_first_line_and_says_nothing_of_a_bad_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        std::fs::write(&path, "abc\nrest\n").unwrap();
        assert_eq!(read_token_file(&path).unwrap().expose(), "abc");
        std::fs::write(&path, "se\x07cret\n").unwrap();
        let error = read_token_file(&path).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("cret"));
        assert!(matches!(read_token_file(&dir.path().join("none")), Err(SettingsError::Read { .. })));
    }
}
