//! The reasons why the session of a listener ended.

use std::io;
use std::net::IpAddr;

use chat_proto::{CodecError, ProtocolError};

use crate::error::JournalError;
use crate::rate_limited_log::RateLimitedLog;

/// The reason why the session of a listener ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenerExit {
    #[error("the listener closed the connection")]
    Ended,
    #[error("the listener read too little for too long")]
    Stalled,
    #[error("the listener sent too much while it waited for its turn")]
    TooMuch,
    #[error("an operator has banned the address of the listener")]
    Banned,
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("could not read the store")]
    Journal(#[from] JournalError),
    #[error("the rest of a line is no longer stored")]
    TornLine,
}

impl ListenerExit {
    /// Logs the end. Only a store that cannot be read is worth more than a trace: peers come and go. A peer can cause it as
    /// often as it connects, so it is logged at a bounded rate.
    pub(crate) fn log(&self, peer: IpAddr) {
        match self {
            Self::Journal(error) => RateLimitedLog::UnreadableStore.log_error(error),
            _ => tracing::trace!(%peer, error = self as &dyn std::error::Error, "closed a listener"),
        }
    }
}
