//! What a listener delivers: messages, gaps, and its position in the log.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use chat_proto::{Message, PlainLines, Position};

use super::gap::Gap;
use crate::net::error::ConnectError;

/// One item of a [`Listener`](crate::Listener)'s stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenerEvent {
    /// A message.
    Message(Message),
    /// Something may have been missed here.
    Gap(Gap),
    /// The server numbers its messages, and the room is received from behind this position on. It comes when no
    /// position was known or the server has another log, before the messages of that connection; there is no message in
    /// it. A program that keeps its position keeps this one, or it would not know what it missed if nothing is sent
    /// before it ends.
    Joined(Position),
    /// All messages that the server had when the connection was made are delivered: the replay is over, and what
    /// follows is live. Comes once per connection to a server that numbers its messages.
    CaughtUp(Position),
    /// The listener has ended for good, and why. The last item of the stream; it does not come after
    /// [`Listener::close`](crate::Listener::close).
    Closed(ClosedCause),
}

/// Why a service has ended for good; it dereferences to the [`ConnectError`].
#[derive(Clone, Debug)]
pub struct ClosedCause(pub(crate) Arc<ConnectError>);

impl ClosedCause {
    /// Returns the shared error.
    #[must_use]
    pub fn into_inner(self) -> Arc<ConnectError> {
        self.0
    }
}

impl Deref for ClosedCause {
    type Target = ConnectError;

    fn deref(&self) -> &ConnectError {
        &self.0
    }
}

impl fmt::Display for ClosedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The same error of the same service.
impl PartialEq for ClosedCause {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ClosedCause {}

/// Events that arrived together, for programs that process much at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventBatch {
    /// Some events, in order.
    Events(Vec<ListenerEvent>),
    /// Messages of a plain server in one piece; [`PlainLines::messages`] returns them one by one.
    Lines(PlainLines),
}

impl EventBatch {
    /// Returns the events one by one.
    #[must_use]
    pub fn into_events(self) -> Vec<ListenerEvent> {
        match self {
            Self::Events(events) => events,
            Self::Lines(lines) => lines.messages().map(ListenerEvent::Message).collect(),
        }
    }
}
