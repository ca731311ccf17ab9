//! Which servers have the log, and how to log in to them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::replication::Generation;

/// The name of a log: letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogName(String);

/// The longest name.
const LONGEST: usize = 64;

/// The reason why a text is not the name of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a log name has 1 to {LONGEST} letters, digits, \"-\" or \"_\"")]
pub struct LogNameError;

impl LogName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the subject that batches of a log are published to. It contains the generation, so that a node which still
    /// follows an earlier log of this name cannot append to a later one.
    pub(super) fn subject(&self, generation: Generation) -> String {
        format!("chat.{}.{generation:?}", self.0)
    }

    /// Returns the subject under which stored batches are published again.
    pub(super) fn stored_subject(&self, generation: Generation) -> String {
        format!("chat-log.{}.{generation:?}", self.0)
    }
}

impl Default for LogName {
    fn default() -> Self {
        Self("room".into())
    }
}

impl FromStr for LogName {
    type Err = LogNameError;

    fn from_str(text: &str) -> Result<Self, LogNameError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(LogNameError)
        }
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a log is.
///
/// ```
/// use chat_server::nats::NatsOptions;
///
/// let options = NatsOptions::new(["nats://n1:4222".to_owned(), "n2".to_owned()]);
/// assert_eq!(options.name.as_str(), "room");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NatsOptions {
    /// The servers, as `nats://HOST:PORT`, `tls://HOST:PORT`, `HOST:PORT` or `HOST`. They contain no secrets.
    pub servers: Vec<String>,
    /// The name of the log.
    pub name: LogName,
    /// A NATS credentials file, or a file with an nkey seed or `user:password`.
    pub credentials: Option<PathBuf>,
    /// Certificates that the servers are checked with, PEM; those of the system if there are none.
    pub ca: Option<PathBuf>,
    /// Also use servers that cannot keep what they have confirmed: for trying things out.
    pub allow_old: bool,
}

impl NatsOptions {
    /// Creates the options for the log `room` of these servers.
    #[must_use]
    pub fn new(servers: impl IntoIterator<Item = String>) -> Self {
        let servers = servers.into_iter().collect();
        Self { servers, name: LogName::default(), credentials: None, ca: None, allow_old: false }
    }

    /// Sets the name of the log.
    #[must_use]
    pub fn with_name(self, name: LogName) -> Self {
        Self { name, ..self }
    }

    /// Sets the file with the credentials.
    #[must_use]
    pub fn with_credentials(self, credentials: Option<PathBuf>) -> Self {
        Self { credentials, ..self }
    }

    /// Sets the certificates that the servers are checked with.
    #[must_use]
    pub fn with_ca(self, ca: Option<PathBuf>) -> Self {
        Self { ca, ..self }
    }

    /// Sets whether old servers are used too.
    #[must_use]
    pub fn with_old(self, allow_old: bool) -> Self {
        Self { allow_old, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_subjects() {
        for good in ["room", "Room-7_b", "x"] {
            assert_eq!(good.parse::<LogName>().unwrap().as_str(), good);
        }
        for bad in ["", "a.b", "a b", "комната", "a>", "*", &"x".repeat(65)] {
            assert_eq!(bad.parse::<LogName>(), Err(LogNameError), "{bad}");
        }
    }
}
