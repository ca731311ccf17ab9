//! One source of settings, and why settings cannot be used.

use std::io;
use std::path::PathBuf;

use chat_proto::{Token, TokenError};

use crate::files::paths::PathsError;
use crate::net::trust::FingerprintError;

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
