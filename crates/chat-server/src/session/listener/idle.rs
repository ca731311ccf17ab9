//! What is left of a session that only waits: its buffers are empty, its timers are off, and its socket is lent.

use std::sync::Arc;

use chat_proto::{ListenerServer, Seq};
use tokio::net::TcpStream;

use super::task::ListenerSession;
use crate::fan_out::Subscriber;
use crate::net::SharedStream;
use crate::presence::PresenceGuard;
use crate::session::context::SessionContext;

/// A session that needs no task until its peer sends something, or its socket is handed back.
#[derive(Debug)]
pub(crate) struct IdleListener {
    context: Arc<SessionContext>,
    subscriber: Subscriber,
    machine: ListenerServer,
    accepted: Seq,
    removals_seen: u64,
    presence: PresenceGuard,
}

impl IdleListener {
    /// Returns the handle to its socket.
    pub(crate) fn subscriber(&self) -> &Subscriber {
        &self.subscriber
    }

    /// Goes on with the session on its stream.
    pub(crate) fn wake(self, stream: Arc<TcpStream>) -> ListenerSession<SharedStream> {
        let Self { context, subscriber, machine, accepted, removals_seen, presence } = self;
        ListenerSession {
            accepted,
            released: true,
            subscriber: Some(subscriber),
            // The cursor is with the fan-out.
            lent: true,
            // None that will ever be, so they are looked at again.
            actions_seen: u64::MAX,
            removals_seen,
            ..ListenerSession::at_rest(context, SharedStream::new(stream), machine, presence)
        }
    }
}

impl<IO> ListenerSession<IO> {
    /// Returns true if [`put_away`](Self::put_away) loses nothing.
    pub(super) fn is_idle(&self) -> bool {
        // A lent socket has everything, so no page and no write is under way.
        self.lent
            && self.released
            && self.input.is_empty()
            && self.replies.is_empty()
            && self.after_answer.is_empty()
            && self.deadline.is_none()
    }
}

impl ListenerSession<SharedStream> {
    /// Reduces an idle session to what it needs to go on; `None` if it has no socket that can be lent.
    pub(crate) fn put_away(self) -> Option<IdleListener> {
        let Self { context, machine, accepted, subscriber, removals_seen, presence, .. } = self;
        let subscriber = subscriber?;
        Some(IdleListener { context, subscriber, machine, accepted, removals_seen, presence })
    }
}
