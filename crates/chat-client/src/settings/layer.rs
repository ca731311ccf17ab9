//! One source of settings, and the errors of settings.

use std::io;
use std::path::PathBuf;

use chat_proto::{Token, TokenError};

use crate::files::paths::PathsError;
use crate::net::trust::FingerprintError;

/// One source of settings. A field that is `None` is taken from the layer below.
///
/// ```
/// use chat_client::Layer;
///
/// let mut flags = Layer::default();
/// flags.host = Some("chat.example".to_owned());
/// let mut file = Layer::default();
/// (file.host, file.lang) = (Some("127.0.0.1".to_owned()), Some("ru".to_owned()));
/// let merged = flags.over(file);
/// assert_eq!((merged.host.as_deref(), merged.lang.as_deref()), (Some("chat.example"), Some("ru")));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Layer {
    /// The room's host, or the [addresses](crate::NodeAddress) of all its nodes, separated by commas.
    pub host: Option<String>,
    /// The host of the write port; `None` is `host`.
    pub write_host: Option<String>,
    /// The listen port.
    pub listen_port: Option<u16>,
    /// The write port.
    pub write_port: Option<u16>,
    /// The account to use, or the name to request.
    pub nickname: Option<String>,
    /// The token. It is never stored in the configuration file.
    pub token: Option<Token>,
    /// A file with the token; `-` is standard input.
    pub token_file: Option<PathBuf>,
    /// The path of the history file.
    pub history_path: Option<PathBuf>,
    /// The path of the account file.
    pub credentials_path: Option<PathBuf>,
    /// The path of the outbox.
    pub outbox_path: Option<PathBuf>,
    /// The directory of files that have no path of their own.
    pub data_dir: Option<PathBuf>,
    /// The language of the screens.
    pub lang: Option<String>,
    /// The palette of the screens.
    pub theme: Option<String>,
    /// Whether the ports use TLS.
    pub tls: Option<bool>,
    /// A file with the certificates to trust; implies TLS.
    pub ca_file: Option<PathBuf>,
    /// The fingerprint of the certificate to trust; implies TLS.
    pub pin: Option<String>,
}

impl Layer {
    /// Returns this layer, with missing settings taken from the one below.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        // Token and token file are alternatives, so both come from the same layer.
        let (token, token_file) = match (self.token, self.token_file) {
            (None, None) => (below.token, below.token_file),
            given => given,
        };
        // The settings of trust belong together too.
        let (tls, ca_file, pin) = match (self.tls, self.ca_file, self.pin) {
            (None, None, None) => (below.tls, below.ca_file, below.pin),
            given => given,
        };
        Self {
            tls,
            ca_file,
            pin,
            // And the two hosts.
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
            theme: self.theme.or(below.theme),
        }
    }
}

/// An error in the settings. No variant contains a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// There is no directory for the files.
    #[error(transparent)]
    Paths(#[from] PathsError),
    /// A file is needed, and no home directory is known that it could be in.
    #[error("no home directory is known for {file}; name it with {option}, or set CHAT_DATA_DIR")]
    NoPlace {
        /// What the file has.
        file: &'static str,
        /// The option that names it.
        option: &'static str,
    },
    /// A file cannot be read.
    #[error("could not read {}", path.display())]
    Read {
        /// The unreadable file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The configuration file has an error. The error of the parser is not its source, because it would repeat the
    /// position.
    #[error("{}:{line}: {message}", path.display())]
    Config {
        /// The configuration file.
        path: PathBuf,
        /// The line number, from 1.
        line: usize,
        /// The message of the parser; it names the key.
        message: Box<str>,
    },
    /// A profile names the room in two ways.
    #[error("a profile has either `host` or `hosts`, in {}", path.display())]
    HostAndHosts {
        /// The configuration file.
        path: PathBuf,
    },
    /// There is a host for writing besides several nodes.
    #[error("a write host needs a single host; each node of a room has both ports")]
    WriteHost,
    /// The requested profile does not exist.
    #[error("there is no profile {name:?} in {}", path.display())]
    UnknownProfile {
        /// The name of the profile.
        name: String,
        /// The configuration file.
        path: PathBuf,
    },
    /// An environment variable has an unusable value.
    #[error("the environment variable {name} is {problem}")]
    Variable {
        /// The name of the variable.
        name: &'static str,
        /// What is wrong with its value.
        problem: VariableProblem,
    },
    /// The file does not contain a token.
    #[error("no usable token in {}", path.display())]
    Token {
        /// The token file.
        path: PathBuf,
        /// What is wrong with the token.
        source: TokenError,
    },
    /// The configured fingerprint cannot be parsed.
    #[error("the pin is not a fingerprint")]
    Pin(#[source] FingerprintError),
    /// The trust settings contradict each other.
    #[error("a CA file and a pin exclude each other, and both need TLS")]
    Trust,
}

/// What is wrong with a variable. Its value is not repeated, because it may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VariableProblem {
    /// It is not valid text.
    NotUnicode,
    /// It is not a number from 0 to 65535.
    NotAPort,
    /// It is not a token.
    NotAToken,
    /// It is not a boolean.
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
