//! One connection of a listener, and what has become known on it.

use std::time::SystemTime;

use chat_proto::{Connection, ListenerClient, ListenerClientEvent, Position, Seq};

use crate::net::io::BoxedIo;

/// One connection, and what has become known on it.
pub(super) struct ListenerLink {
    pub(super) connection: Connection<ListenerClient, BoxedIo>,
    /// Whether the server is expected to have a log that continues after the position.
    pub(super) continues: bool,
    /// The position when the connection was made.
    pub(super) position_before: Option<Position>,
    /// When the room was last received before this connection.
    pub(super) blind_since: Option<SystemTime>,
    /// Distinguishes two gaps: one that comes with the answer was lost by the server, a later one is a hole in the
    /// numbers.
    pub(super) answered: bool,
    /// The server has another log than the one that was read, or has lost its end.
    pub(super) other_log: bool,
    /// When the connection was made.
    pub(super) until: SystemTime,
    /// Whether the server numbers its messages, until this is reported: a connection that ends at once is not reported.
    pub(super) unreported_kind: Option<bool>,
    /// The new position, held back until it is known whether a gap precedes it.
    pub(super) joined: Option<Position>,
    /// The newest message that the server had when it answered, until it is delivered.
    pub(super) head: Option<Seq>,
    /// The room has been received on this connection.
    pub(super) heard: bool,
    /// Events of a server that answered before but not on this connection. They are dropped if the server is asked
    /// again, because they could not be told apart from the numbered copies that would follow its answer.
    pub(super) doubted: Option<Vec<ListenerClientEvent>>,
    /// The gap before this connection is reported, or there was none.
    pub(super) gap_reported: bool,
}

impl ListenerLink {
    /// Begins with a connection that was just made; `blind_since` is when the room was last received before.
    pub(super) fn new(
        connection: Connection<ListenerClient, BoxedIo>,
        continues: bool,
        position_before: Option<Position>,
        blind_since: Option<SystemTime>,
    ) -> Self {
        Self {
            connection,
            continues,
            position_before,
            blind_since,
            answered: false,
            other_log: false,
            until: SystemTime::now(),
            unreported_kind: None,
            joined: None,
            head: None,
            heard: false,
            doubted: None,
            gap_reported: false,
        }
    }
}
