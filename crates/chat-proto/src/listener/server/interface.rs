//! Configuration, commands and events of a [`ListenerServer`](crate::ListenerServer).

use std::time::Duration;

use crate::extension::{RemovedMessage, ResumeAnswer, ResumeRequest};
use crate::ident::Seq;
use crate::message::Message;

/// The configuration for a new listener.
///
/// ```
/// use std::time::Duration;
///
/// let config = chat_proto::ListenerServerConfig::default();
/// assert_eq!(config.request_timeout, Duration::ZERO);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListenerServerConfig {
    /// How long plain lines are held back while a request may arrive. Default zero: a reader that opens a new connection
    /// for each line would lose what is held for it, and the answer to a later request names what was sent.
    pub request_timeout: Duration,
}

impl ListenerServerConfig {
    /// Sets how long plain lines are held back while a request may arrive.
    #[must_use]
    pub const fn with_request_timeout(self, request_timeout: Duration) -> Self {
        Self { request_timeout }
    }
}

impl Default for ListenerServerConfig {
    fn default() -> Self {
        Self { request_timeout: Duration::ZERO }
    }
}

/// The decisions of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenerServerCommand {
    /// Answers the request. Messages are sent numbered from here on.
    Answer(ResumeAnswer),
    /// Sends a message, plain or numbered as the listener has asked.
    Deliver(Message),
    /// Tells a numbered listener that a message was removed: one that it has, or the next one, in whose place it stands.
    Remove(RemovedMessage),
    /// Tells a numbered listener that the messages up to this number have expired. The next message follows.
    Expire(Seq),
}

/// The events of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenerServerEvent {
    /// No request has arrived in time: send plain lines, starting with those held back.
    Plain,
    /// The listener requests the log. A request that arrives late comes after `Plain`. Must be answered with
    /// [`ListenerServerCommand::Answer`].
    Resume(ResumeRequest),
}
