//! Connection errors, and the one function that decides whether to retry.

use std::io;
use std::time::Duration;

use chat_proto::{CodecError, ConnectionError, Expected, ProtocolError, Refusal};

#[cfg(feature = "tls")]
use crate::net::trust::TlsError;

/// The reason why there is no connection.
///
/// ```
/// use chat_client::testing::Room;
/// use chat_client::{ClientConfig, ListenerEvent, Listener};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let room = Room::new();
/// room.refuse(true);
/// let mut config = ClientConfig::default();
/// config.retry.max_attempts = Some(1);
/// let mut listener = Listener::builder(config).dial(room.dial()).start();
/// let Some(ListenerEvent::Closed(cause)) = listener.next().await else { return Err("an open listener".into()) };
/// // A stable name for scripts, and a sentence for people.
/// assert_eq!(cause.code(), "unreachable");
/// println!("{cause}");
/// # Ok(()) }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The host is not a name or address, so no lookup can find it.
    #[error("{host:?} is not a host name or address: {problem}")]
    Host {
        /// The host as it was given.
        host: Box<str>,
        /// What is wrong with it.
        problem: HostProblem,
    },
    /// The host name could not be resolved.
    #[error("could not resolve the host {host}")]
    Resolve {
        /// The host name.
        host: Box<str>,
        /// The error of the resolver; `None` when it knew no address.
        source: Option<io::Error>,
    },
    /// No address of the host accepts connections.
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
    #[cfg(feature = "tls")]
    Tls {
        /// Host and port.
        address: Box<str>,
        /// The reason.
        source: TlsError,
    },
    /// The server refused. That is final: the same request gets the same answer.
    #[error(transparent)]
    Refused(Refusal),
    /// The server accepted the connection and closed it before the greeting, as a full one does.
    #[error("the server closed the connection before the greeting; it may be full")]
    NoGreeting,
    /// The server did not answer, or ended the dialogue early.
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
    /// The node has declined posts for long because it cannot reach the log of the room; another node may.
    #[error("the node cannot reach the log of the room")]
    LogUnavailable,
    /// The server did not answer a request to resume, although it could before.
    #[error("the server did not answer the request to resume")]
    NoAnswerToResume,
}

/// The fault of a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostProblem {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It ends with a port.
    #[error(
        "it contains a port; give the port with --port, --listen-port or --write-port, or both as HOST:LISTEN:WRITE"
    )]
    WithPort,
    /// It has a character that no host has, such as a space or a slash.
    #[error("it contains {0:?}")]
    Character(char),
    /// It has a bracket without its counterpart.
    #[error("one of its brackets is missing")]
    Brackets,
    /// It has nothing between two dots.
    #[error("there is nothing before or after one of its dots")]
    EmptyLabel,
    /// It is longer than a name of DNS can be, or a part between two dots is.
    #[error("it is too long")]
    TooLong,
}

/// Whether another attempt makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// It may succeed next time.
    Transient,
    /// It will fail again unless something is changed.
    Final,
}

impl ConnectError {
    /// Returns whether to try again at the same node. This is the only place where that is decided.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            // An unknown host name may resolve when the network is back, so it is retried too.
            Self::Resolve { .. } | Self::Connect { .. } | Self::TimedOut { .. } | Self::NoHandshake { .. } => {
                Retry::Transient
            }
            Self::NoGreeting | Self::Interrupted(_) | Self::Lost(_) | Self::LogUnavailable | Self::NoAnswerToResume => {
                Retry::Transient
            }
            #[cfg(feature = "tls")]
            Self::Tls { .. } => Retry::Final,
            Self::Host { .. } | Self::Refused(_) | Self::Protocol(_) | Self::Codec(_) => Retry::Final,
        }
    }

    /// Returns whether the error is one of a node and not of the room: another node may do better.
    pub(crate) fn is_of_node(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }

    /// Returns whether the server said nothing before the error, so that nothing was asked of it. A registration may
    /// then be tried again without creating a second account.
    #[must_use]
    pub fn is_before_dialogue(&self) -> bool {
        match self {
            Self::Host { .. }
            | Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::TimedOut { .. }
            | Self::NoHandshake { .. }
            | Self::NoGreeting => true,
            #[cfg(feature = "tls")]
            Self::Tls { .. } => true,
            Self::Interrupted(ProtocolError::TimedOut { waiting_for: Expected::Greeting, .. }) => true,
            _ => false,
        }
    }

    /// Returns a stable name for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Host { .. } => "host",
            Self::Resolve { .. } => "resolve",
            Self::Connect { .. } | Self::TimedOut { .. } | Self::NoHandshake { .. } | Self::NoGreeting => "unreachable",
            #[cfg(feature = "tls")]
            Self::Tls { .. } => "tls",
            Self::Refused(_) => "refused",
            Self::Interrupted(_) => "interrupted",
            Self::Protocol(_) | Self::Codec(_) => "protocol",
            Self::Lost(_) => "lost",
            Self::LogUnavailable => "unavailable",
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
            ProtocolError::EndedEarly { waiting_for: Expected::Greeting } => Self::NoGreeting,
            ProtocolError::TimedOut { .. } | ProtocolError::EndedEarly { .. } => Self::Interrupted(error),
            error => Self::Protocol(error),
        }
    }
}
