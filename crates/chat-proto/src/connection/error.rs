//! The reasons why a connection has ended.

use std::io;
use std::time::Duration;

use crate::codec::CodecError;
use crate::error::{ProtocolError, duration};

/// The reason why there are no more events.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The peer has ended the stream, and all events were returned. Commands and
    /// [`flush`](crate::Connection::flush) may still reach it.
    #[error("the peer closed the connection")]
    Ended,
    /// The dialogue cannot continue.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The stream is not a sequence of lines.
    #[error(transparent)]
    Codec(CodecError),
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[source] io::Error),
    /// The peer has read no data for too long.
    #[error("the peer read no data for {}", duration(*limit))]
    Stalled {
        /// How long it may read nothing.
        limit: Duration,
    },
    /// The peer has sent the beginning of an extension line and not its rest.
    #[error("the peer sent half a line and nothing for {}", duration(*limit))]
    Unfinished {
        /// How long the rest may take.
        limit: Duration,
    },
}
