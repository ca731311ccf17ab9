//! The events of a listener: messages, gaps, and its position in the log.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use chat_proto::{Message, NumberedLines, PlainLines, Position, RemovedMessage, StreamId};

use super::gap::Gap;
use crate::net::error::ConnectError;

/// One item of a [`Listener`](crate::Listener)'s stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenerEvent {
    /// A message.
    Message(Message),
    /// Messages may have been missed here.
    Gap(Gap),
    /// The server numbers its messages, and the listener receives those after this position. It is sent before the
    /// messages of a connection, if no position was known or the server has another log. A program that stores its
    /// position must store this one too: otherwise the next run does not know what it missed if no message arrives
    /// before this one ends.
    Joined(Position),
    /// All messages that the server had when the connection was made are delivered: the replay is complete, and live
    /// messages follow. Sent once per connection to a server that numbers its messages.
    CaughtUp(Position),
    /// An operator has removed a message: one that this listener has delivered, or, if it is
    /// [`in_place`](RemovedMessage::in_place), one that it never received. A removal may be told more than once.
    Removed(RemovedMessage),
    /// The listener has ended for good, with the reason. It is the last item of the stream; it is not sent after
    /// [`Listener::close`](crate::Listener::close).
    Closed(ClosedCause),
}

impl ListenerEvent {
    /// Returns the log that the event shows the room to have, which names the room in a user's files.
    #[must_use]
    pub fn log(&self) -> Option<&StreamId> {
        match self {
            Self::Message(message) => message.position.as_ref().map(|position| &position.stream),
            Self::Joined(position) | Self::CaughtUp(position) => Some(&position.stream),
            Self::Removed(removed) => Some(&removed.position.stream),
            Self::Gap(_) | Self::Closed(_) => None,
        }
    }
}

/// The reason why a service has ended for good; it dereferences to the [`ConnectError`].
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

/// Compares by identity: equal if both are the same error of the same service.
impl PartialEq for ClosedCause {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ClosedCause {}

/// Events that arrived together, for programs that process many at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventBatch {
    /// Some events, in order.
    Events(Vec<ListenerEvent>),
    /// Messages of a plain server as one block; [`PlainLines::messages`] returns them one by one.
    Lines(PlainLines),
    /// Messages of a server that numbers them as one block; [`NumberedLines::messages`] returns them one by one.
    Numbered(NumberedLines),
}

impl EventBatch {
    /// Returns the number of messages.
    pub(super) fn messages(&self) -> usize {
        match self {
            Self::Events(events) => events.iter().filter(|event| matches!(event, ListenerEvent::Message(_))).count(),
            Self::Lines(lines) => lines.count(),
            Self::Numbered(lines) => lines.count(),
        }
    }

    /// Returns the events one by one.
    #[must_use]
    pub fn into_events(self) -> Vec<ListenerEvent> {
        match self {
            Self::Events(events) => events,
            Self::Lines(lines) => lines.messages().map(ListenerEvent::Message).collect(),
            Self::Numbered(lines) => lines.messages().map(ListenerEvent::Message).collect(),
        }
    }
}
