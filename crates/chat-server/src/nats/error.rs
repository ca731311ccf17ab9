//! Errors of the log in NATS.

use std::io;
use std::path::PathBuf;

use crate::error::BoxedError;

/// The reason why a log in NATS cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NatsError {
    /// None of the servers answers.
    #[error("no NATS server answers at {servers}: {last}")]
    Unreachable {
        /// The servers, separated by commas.
        servers: String,
        /// Why the last one did not.
        last: String,
    },
    /// A file with credentials or certificates cannot be read.
    #[error("could not read {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The file with credentials has none.
    #[error("{path} contains no credentials: it should be a NATS credentials file, an nkey seed, or user:password on one line",
        path = path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
    },
    /// The server is too old.
    #[error(
        "the NATS server {server} has version {version}, which cannot keep what it has confirmed: at least 2.11 is needed (--allow-old-nats takes it nevertheless)"
    )]
    TooOld {
        /// Its name.
        server: String,
        /// Its version.
        version: String,
    },
    /// The server accepts only smaller messages.
    #[error(
        "the NATS server {server} accepts {max} bytes in a message, batches need {needed}: raise max_payload in its configuration"
    )]
    SmallMessages {
        /// Its name.
        server: String,
        /// What it accepts.
        max: usize,
        /// What is needed.
        needed: usize,
    },
    /// The log does not exist.
    #[error("there is no log {name} in NATS: \"chat-server cluster init\" creates it")]
    NoLog {
        /// Its name.
        name: String,
    },
    /// There is a log of this name.
    #[error("there is a log {name} in NATS already, of another room: choose another --nats-log")]
    LogExists {
        /// Its name.
        name: String,
    },
    /// The log cannot keep the promise.
    #[error("the log {name} in NATS {problem}")]
    Unsafe {
        /// Its name.
        name: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// JetStream refused a request.
    #[error("NATS refused it: {0}")]
    Refused(String),
    /// There was no answer to a request.
    #[error("NATS did not answer: too few of its servers run, or this user may not make the request")]
    NoAnswer(#[source] BoxedError),
    /// A request failed.
    #[error("a request to NATS failed")]
    Request(#[source] BoxedError),
}

impl NatsError {
    pub(super) fn request(error: impl Into<BoxedError>) -> Self {
        Self::Request(error.into())
    }

    /// Returns whether it may pass by itself.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::NoAnswer(_) | Self::Request(_) | Self::Refused(_) | Self::NoLog { .. }
        )
    }
}
