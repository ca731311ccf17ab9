//! Connection errors, and the one function that decides whether to retry.

use std::io;
use std::time::Duration;

use chat_proto::{CodecError, ConnectionError, ProtocolError, Refusal};

use crate::net::trust::TlsError;

/// The reason why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The host name could not be resolved.
    #[error("could not resolve the host {host}")]
    Resolve {
        /// The host name.
        host: Box<str>,
        /// The error of the resolver; `None` if it returned no address.
        source: Option<io::Error>,
    },
    /// None of the host's addresses accepted the connection.
    #[error("could not connect to {address}")]
    Connect {
        /// Host and port.
        address: Box<str>,
        /// The error of the address that was tried last.
        source: io::Error,
    },
    /// The connection was not made before the deadline.
    #[error("no connection to {address} within {} s", after.as_secs())]
    TimedOut {
        /// Host and port.
        address: Box<str>,
        /// The deadline.
        after: Duration,
    },
    /// The connection was accepted, but no TLS handshake followed, as on a plain listen port.
    #[error("no TLS handshake with {address} within {} s; the port may not speak TLS", after.as_secs())]
    NoHandshake {
        /// Host and port.
        address: Box<str>,
        /// The deadline.
        after: Duration,
    },
    /// The TLS connection is not trusted or not safe.
    #[error("no secure connection to {address}")]
    Tls {
        /// Host and port.
        address: Box<str>,
        /// The reason.
        source: TlsError,
    },
    /// The server refused. This is final: another attempt gets the same answer.
    #[error(transparent)]
    Refused(Refusal),
    /// The server stopped answering or ended the dialogue too early.
    #[error(transparent)]
    Interrupted(ProtocolError),
    /// The server does not speak the protocol.
    #[error("the server does not speak this protocol")]
    Protocol(#[source] ProtocolError),
    /// The server sent lines that the protocol does not allow.
    #[error("the server does not speak this protocol")]
    Codec(#[source] CodecError),
    /// The connection was lost.
    #[error("the connection was lost")]
    Lost(#[source] ConnectionError),
    /// The server was asked to resume at a position, which it had supported before, and did not answer.
    #[error("the server did not answer the request to resume")]
    NoAnswerToResume,
}

/// Whether another attempt makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Another attempt may succeed.
    Transient,
    /// Another attempt fails until the user changes something.
    Final,
}

impl ConnectError {
    /// Returns whether to try again. This is the only place where that is decided.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            // An unknown host name may resolve when the network is back, so it is retried too.
            Self::Resolve { .. } | Self::Connect { .. } | Self::TimedOut { .. } | Self::NoHandshake { .. } => {
                Retry::Transient
            }
            Self::Interrupted(_) | Self::Lost(_) | Self::NoAnswerToResume => Retry::Transient,
            Self::Tls { .. } | Self::Refused(_) | Self::Protocol(_) | Self::Codec(_) => Retry::Final,
        }
    }

    /// Returns a stable name for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Resolve { .. } => "resolve",
            Self::Connect { .. } | Self::TimedOut { .. } | Self::NoHandshake { .. } => "unreachable",
            Self::Tls { .. } => "tls",
            Self::Refused(_) => "refused",
            Self::Interrupted(_) => "interrupted",
            Self::Protocol(_) | Self::Codec(_) => "protocol",
            Self::Lost(_) => "lost",
            Self::NoAnswerToResume => "no_answer_to_resume",
        }
    }
}

impl From<ConnectionError> for ConnectError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::Protocol(error) => error.into(),
            ConnectionError::Codec(error) => Self::Codec(error),
            error => Self::Lost(error),
        }
    }
}

impl From<ProtocolError> for ConnectError {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::Refused(refusal) => Self::Refused(refusal),
            ProtocolError::TimedOut { .. } | ProtocolError::EndedEarly { .. } => Self::Interrupted(error),
            error => Self::Protocol(error),
        }
    }
}
