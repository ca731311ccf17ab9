//! Why a connection could not be made or kept, and the one function that says whether to try again.

use std::io;
use std::time::Duration;

use chat_proto::{CodecError, ConnectionError, ProtocolError, Refusal};

use crate::net::trust::TlsError;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The host's name has no address.
    #[error("cannot find the host {host}")]
    Resolve {
        /// The name that was looked up.
        host: Box<str>,
        /// What the resolver said; `None` when it knew no address.
        source: Option<io::Error>,
    },
    /// Nobody answers at any of the host's addresses.
    #[error("cannot connect to {address}")]
    Connect {
        /// Host and port.
        address: Box<str>,
        /// What the system said of the address that was tried last.
        source: io::Error,
    },
    /// Connecting took too long.
    #[error("no connection to {address} within {} s", after.as_secs())]
    TimedOut {
        /// Host and port.
        address: Box<str>,
        /// How long it was tried.
        after: Duration,
    },
    /// Somebody took the connection and said nothing of TLS, as a plain listen port does.
    #[error("no TLS handshake with {address} within {} s; the port may not speak TLS", after.as_secs())]
    NoHandshake {
        /// Host and port.
        address: Box<str>,
        /// How long it was tried.
        after: Duration,
    },
    /// There is a server, and it is not the one that is trusted, or no safe one.
    #[error("no secure connection to {address}")]
    Tls {
        /// Host and port.
        address: Box<str>,
        /// Why not.
        source: TlsError,
    },
    /// The server said no. That is final: asking again gives the same answer.
    #[error(transparent)]
    Refused(Refusal),
    /// The server fell silent or ended the dialogue before its time.
    #[error(transparent)]
    Interrupted(ProtocolError),
    /// The server does not speak the protocol.
    #[error("the server does not speak this protocol")]
    Protocol(#[source] ProtocolError),
    /// The server sends lines that nobody may send.
    #[error("the server does not speak this protocol")]
    Codec(#[source] CodecError),
    /// The connection was lost.
    #[error("the connection was lost")]
    Lost(#[source] ConnectionError),
    /// The server was asked to go on from a place in its log, as it could before, and did not answer.
    #[error("the server did not say whether it can go on where we stopped")]
    NoAnswerToResume,
}

/// Whether another attempt makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It may go better next time.
    Transient,
    /// It will not, unless a person changes something.
    Final,
}

impl ConnectError {
    /// Whether to try again: the only place where this is decided.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            // A name may come back with the network, so even an unknown host is asked for again.
            Self::Resolve { .. } | Self::Connect { .. } | Self::TimedOut { .. } | Self::NoHandshake { .. } => {
                Retry::Transient
            }
            Self::Interrupted(_) | Self::Lost(_) | Self::NoAnswerToResume => Retry::Transient,
            Self::Tls { .. } | Self::Refused(_) | Self::Protocol(_) | Self::Codec(_) => Retry::Final,
        }
    }

    /// A stable name for scripts.
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
