//! In what condition a connection is, for whoever watches it.

use std::sync::Arc;
use std::time::SystemTime;

use chat_proto::Extensions;
use tokio::time::Instant;

use crate::net::error::ConnectError;

/// The condition of one side's connection.
#[derive(Clone, Debug)]
pub enum ConnectionState {
    /// Dialling, or in the dialogue before the chat.
    Connecting {
        /// How many attempts there have been since the last good connection, from 1.
        attempt: u32,
    },
    /// In the chat.
    #[non_exhaustive]
    Online {
        /// Since when.
        since: SystemTime,
        /// What the server offers, as far as this side can tell.
        extensions: Extensions,
    },
    /// Waiting for the next attempt.
    Waiting {
        /// How many attempts have failed in a row.
        attempt: u32,
        /// When the next one is due.
        retry_at: Instant,
        /// Why the last one failed.
        cause: Arc<ConnectError>,
    },
    /// Over for good.
    Closed {
        /// Why; `None` when it was asked for.
        cause: Option<Arc<ConnectError>>,
    },
}

impl ConnectionState {
    /// Whether the chat is open.
    #[must_use]
    pub fn is_online(&self) -> bool {
        matches!(self, Self::Online { .. })
    }

    /// Whether it is over for good.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// Why there is no connection, where there is none.
    #[must_use]
    pub fn cause(&self) -> Option<&ConnectError> {
        match self {
            Self::Waiting { cause, .. } | Self::Closed { cause: Some(cause) } => Some(cause),
            _ => None,
        }
    }
}
