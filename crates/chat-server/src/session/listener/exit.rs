//! The reasons why the session of a listener ended.

use std::io;

use chat_proto::{CodecError, ProtocolError};

use crate::error::JournalError;

/// The reason why the session of a listener ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenerExit {
    #[error("the listener closed the connection")]
    Ended,
    #[error("the listener read too little for too long")]
    Stalled,
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
    /// Logs the end. Only a store that cannot be read is an error; disconnects are normal.
    pub(crate) fn log(&self) {
        let error = self as &dyn std::error::Error;
        if matches!(self, Self::Journal(_)) {
            tracing::error!(error, "closed a listener");
        } else {
            tracing::trace!(error, "closed a listener");
        }
    }
}
