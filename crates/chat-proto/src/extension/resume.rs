//! The request of a listener to resume the log at a position, and the server's answer.

use crate::extension::fields::{ExtensionFields, ResumeFields};
use crate::extension::json::JsonObjectWriter;
use crate::ident::{IdError, Position, PostId, Seq, StreamId};

/// An unpredictable value that a listener adds to its request and that the server repeats in the answer, so that no
/// message can forge the answer.
///
/// ```
/// let nonce = chat_proto::Nonce::new("8c1d")?;
/// assert_eq!(nonce.as_str(), "8c1d");
/// # Ok::<(), chat_proto::IdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(Box<str>);

impl Nonce {
    /// Checks a nonce: 1 to 64 ASCII letters, digits, `-` or `_`.
    ///
    /// # Errors
    /// [`IdError`] for anything else.
    pub fn new(raw: &str) -> Result<Self, IdError> {
        PostId::new(raw).map(|id| Self(id.as_str().into()))
    }

    /// Returns the nonce as it is on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Nonce {
    type Err = IdError;

    fn from_str(raw: &str) -> Result<Self, IdError> {
        Self::new(raw)
    }
}

/// The position at which a listener requests the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResumeFrom {
    /// Everything after this position.
    After(Position),
    /// The last messages, as many as given, then what follows. 0 is allowed.
    Last(u64),
    /// Everything that the server accepted after this time, in milliseconds since the Unix epoch.
    AfterTime(i64),
}

/// The first line of a listener that wants a numbered log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResumeRequest {
    /// The requested start.
    pub from: ResumeFrom,
    /// The value that the answer must repeat.
    pub nonce: Nonce,
}

impl ResumeRequest {
    /// Creates a request. The nonce must be unpredictable, and new for each connection.
    #[must_use]
    pub const fn new(from: ResumeFrom, nonce: Nonce) -> Self {
        Self { from, nonce }
    }

    pub(super) fn from_fields(fields: &ExtensionFields<'_>) -> Option<Self> {
        let from = match fields.resume.as_ref()? {
            ResumeFields { stream: Some(stream), after: Some(seq), .. } => {
                ResumeFrom::After(Position { stream: StreamId::new(stream).ok()?, seq: *seq })
            }
            ResumeFields { last: Some(count), .. } => ResumeFrom::Last(*count),
            ResumeFields { after_time: Some(at), .. } => ResumeFrom::AfterTime(*at),
            ResumeFields { .. } => return None,
        };
        Some(Self { from, nonce: Nonce::new(fields.nonce.as_deref()?).ok()? })
    }

    pub(super) fn write(&self, out: &mut JsonObjectWriter) {
        let mut from = JsonObjectWriter::nested();
        match &self.from {
            ResumeFrom::After(position) => {
                from.text("stream", position.stream.as_str());
                from.value("after", position.seq);
            }
            ResumeFrom::Last(count) => from.value("last", count),
            ResumeFrom::AfterTime(at) => from.value("after_time", at),
        }
        out.raw("resume", &from.finish());
        out.text("nonce", self.nonce.as_str());
    }
}

/// The server's answer to a [`ResumeRequest`], before the first numbered line.
///
/// ```
/// use chat_proto::{ResumeAnswer, StreamId};
///
/// let answer = ResumeAnswer::new(StreamId::new("k3f9")?, 1043, 2000);
/// assert_eq!((answer.from, answer.head, answer.plain), (1043, 2000, None));
/// # Ok::<(), chat_proto::IdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResumeAnswer {
    /// The server's current log.
    pub stream: StreamId,
    /// The number of the first message that follows.
    pub from: Seq,
    /// The number of the newest message at this moment.
    pub head: Seq,
    /// The range that this connection already received as plain lines, because its request came late. The listener
    /// drops the repetition.
    pub plain: Option<SeqRange>,
    /// The newest of the requested messages that the server has removed because of their age or the size of its log.
    pub expired: Option<Seq>,
}

impl ResumeAnswer {
    /// Creates an answer for a listener that received no plain lines.
    #[must_use]
    pub const fn new(stream: StreamId, from: Seq, head: Seq) -> Self {
        Self { stream, from, head, plain: None, expired: None }
    }

    /// Sets the range that was already sent as plain lines.
    #[must_use]
    pub fn with_plain(self, plain: Option<SeqRange>) -> Self {
        Self { plain, ..self }
    }

    /// Sets the newest of the requested messages that have expired.
    #[must_use]
    pub fn with_expired(self, expired: Option<Seq>) -> Self {
        Self { expired, ..self }
    }
}

/// Consecutive sequence numbers of one stream.
///
/// Exhaustive, because a range consists of exactly its two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeqRange {
    /// The first number.
    pub first: Seq,
    /// The last number.
    pub last: Seq,
}

/// The line of an answer, with the nonce of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResumeReply {
    pub(crate) answer: ResumeAnswer,
    pub(crate) nonce: Nonce,
}

impl ResumeReply {
    pub(super) fn from_fields(fields: &ExtensionFields<'_>) -> Option<Self> {
        let stream = StreamId::new(fields.stream.as_deref()?).ok()?;
        let plain = fields.plain.map(|(first, last)| SeqRange { first, last });
        let answer = ResumeAnswer::new(stream, fields.from?, fields.head?).with_plain(plain);
        let answer = answer.with_expired(fields.expired);
        Some(Self { answer, nonce: Nonce::new(fields.nonce.as_deref()?).ok()? })
    }

    pub(super) fn write(&self, out: &mut JsonObjectWriter) {
        out.text("stream", self.answer.stream.as_str());
        out.value("from", self.answer.from);
        out.value("head", self.answer.head);
        if let Some(SeqRange { first, last }) = self.answer.plain {
            out.raw("plain", format!("[{first}, {last}]").as_bytes());
        }
        if let Some(expired) = self.answer.expired {
            out.value("expired", expired);
        }
        out.text("nonce", self.nonce.as_str());
    }
}
