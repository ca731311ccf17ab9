//! The session's handle to the fan-out.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::net::TcpStream;

use super::idle::IdleSession;
use super::socket::SharedSocket;
use super::task::FanOut;
use crate::log::LogCursor;

/// Lends one listener's socket to the fan-out. Dropping it takes the socket back.
#[derive(Debug)]
pub(crate) struct Subscriber {
    fan_out: Arc<FanOut>,
    socket: Arc<SharedSocket>,
}

impl Subscriber {
    /// Creates a subscriber that is not lent yet.
    pub(crate) fn new(fan_out: Arc<FanOut>, stream: Arc<TcpStream>) -> Self {
        let socket = Arc::new(SharedSocket::new(stream, fan_out.woken()));
        Self { fan_out, socket }
    }

    /// Lends the socket to the fan-out, which writes from `cursor` on.
    ///
    /// # Errors
    /// Returns the cursor, which may have moved, if the listener is not up to date or the log is closing. The socket is
    /// then not lent.
    pub(crate) fn lend(&self, cursor: LogCursor) -> Result<(), LogCursor> {
        self.socket.lend(cursor);
        self.fan_out.add(&self.socket);
        // Checked after the socket is in the list: a message published before is seen here, one published later finds
        // the socket in the list. In the other order, a message in between would wait for the next one.
        if self.fan_out.log().is_up_to_date(cursor.next()) { Ok(()) } else { Err(self.take_back()) }
    }

    /// Takes the socket back and returns the cursor, which the fan-out may have moved.
    pub(crate) fn take_back(&self) -> LogCursor {
        let cursor = self.socket.take_back();
        self.fan_out.remove(&self.socket);
        cursor
    }

    /// Ready when the fan-out has handed the socket back; [`take_back`](Self::take_back) is due then.
    pub(crate) fn poll_handed_back(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.socket.poll_handed_back(cx)
    }
}

/// Puts a session away until its peer sends something, or the fan-out hands its socket back. Returns it if that is
/// already so, or if the socket is not lent.
pub(crate) fn put_away<S: IdleSession + AsRef<Subscriber> + 'static>(session: Box<S>) -> Option<Box<S>> {
    let socket = Arc::clone(&(*session).as_ref().socket);
    socket.put_away(session)
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.take_back();
        self.socket.end();
    }
}
