//! Configuration and events of a [`ListenerClient`](crate::ListenerClient).

use std::time::Duration;

use crate::extension::{RemovedMessage, ResumeRequest};
use crate::ident::{Seq, StreamId};
use crate::keepalive::Keepalive;
use crate::message::Message;
use crate::numbered_lines::NumberedLines;
use crate::plain_lines::PlainLines;

/// The configuration of a listener.
///
/// ```
/// use chat_proto::{ListenerClientConfig, Nonce, ResumeFrom, ResumeRequest};
///
/// let request = ResumeRequest::new(ResumeFrom::Last(100), Nonce::new("8c1d")?);
/// let config = ListenerClientConfig::default().with_resume(Some(request));
/// assert_eq!(config.answer_timeout.as_secs(), 1);
/// # Ok::<(), chat_proto::IdError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListenerClientConfig {
    /// The request of the first line. `None` treats the server as plain and sends nothing.
    pub resume: Option<ResumeRequest>,
    /// How long lines are held while the answer to the request is outstanding. Default 1 s, so that an
    /// answer over a slow link is not mistaken for a missing one.
    pub answer_timeout: Duration,
    /// Finds a dead connection once the log is numbered; a plain server answers nothing on this port. `None` never
    /// probes. Default: [`Keepalive::default`].
    pub keepalive: Option<Keepalive>,
}

impl ListenerClientConfig {
    /// Sets the request of the first line.
    #[must_use]
    pub fn with_resume(self, resume: Option<ResumeRequest>) -> Self {
        Self { resume, ..self }
    }
}

impl Default for ListenerClientConfig {
    fn default() -> Self {
        Self { resume: None, answer_timeout: Duration::from_secs(1), keepalive: Some(Keepalive::default()) }
    }
}

/// The events of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenerClientEvent {
    /// The server sends plain lines. Messages follow from the moment when it accepted the connection.
    Plain,
    /// The server sends its numbered log.
    Numbered {
        /// The log.
        stream: StreamId,
        /// The number of the first message that follows.
        from: Seq,
        /// The number of the newest message at that moment.
        head: Seq,
    },
    /// A message.
    Message(Message),
    /// Several messages of a plain server that arrived together. Equal to one `Message` event for each of
    /// [`PlainLines::messages`], and faster.
    Lines(PlainLines),
    /// Several messages of the numbered log that arrived together. Equal to one `Message` event for each of
    /// [`NumberedLines::messages`], and faster.
    NumberedLines(NumberedLines),
    /// A message of the numbered log was removed. It may be told more than once.
    Removed(RemovedMessage),
    /// Messages are missing at this point.
    Gap {
        /// The number of missing messages, if the sequence numbers show it.
        missed: Option<u64>,
    },
    /// Messages at this point are missing because the server no longer keeps them. If others are missing for another
    /// reason, a `Gap` follows.
    Expired {
        /// Their number.
        missed: u64,
    },
    /// A plain line was over the limit of the codec: one message is missing at this point.
    TooLong,
}
