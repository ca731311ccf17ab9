//! The state of a connection, as callers watch it.

use std::sync::Arc;
use std::time::SystemTime;

use chat_proto::Extensions;
use tokio::time::Instant;

use crate::net::error::ConnectError;

/// The state of the connection to one port.
///
/// ```
/// use chat_client::testing::Room;
/// use chat_client::{ClientConfig, ConnectionState, Listener};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let room = Room::new();
/// let listener = Listener::builder(ClientConfig::default()).dial(room.dial()).start();
/// let mut state = listener.state();
/// let online = state.wait_for(ConnectionState::is_online).await?.clone();
/// assert!(matches!(online, ConnectionState::Online { .. }));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Dialling, or in the dialogue before the chat.
    Connecting {
        /// The number of attempts since the last successful connection, from 1.
        attempt: u32,
    },
    /// Connected, with the dialogue complete.
    #[non_exhaustive]
    Online {
        /// When the connection became online.
        since: SystemTime,
        /// The extensions that the server offers, as far as this port shows them.
        extensions: Extensions,
    },
    /// Waiting for the next attempt.
    Waiting {
        /// The number of failed attempts in a row.
        attempt: u32,
        /// When the next attempt is due.
        retry_at: Instant,
        /// The error of the last attempt.
        cause: Arc<ConnectError>,
    },
    /// Ended for good.
    Closed {
        /// The error; `None` if the caller closed the connection.
        cause: Option<Arc<ConnectError>>,
    },
}

impl ConnectionState {
    /// Returns whether the connection is online.
    #[must_use]
    pub fn is_online(&self) -> bool {
        matches!(self, Self::Online { .. })
    }

    /// Returns whether the connection has ended for good.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// Returns the reason why there is no connection, if any.
    #[must_use]
    pub fn cause(&self) -> Option<&ConnectError> {
        match self {
            Self::Waiting { cause, .. } | Self::Closed { cause: Some(cause) } => Some(cause),
            _ => None,
        }
    }
}
