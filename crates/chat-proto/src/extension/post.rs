//! A post that can be repeated safely, and its two answers.

use std::fmt;
use std::time::Duration;

use crate::extension::fields::ExtensionFields;
use crate::extension::json::JsonObjectWriter;
use crate::ident::{Position, PostId, StreamId};
use crate::text::{Text, TextError};

/// The reason why a server did not store a post.
///
/// ```
/// use chat_proto::DeclineCode;
///
/// assert_eq!(DeclineCode::from("rate"), DeclineCode::Rate);
/// assert!(DeclineCode::Rate.is_transient());
/// assert_eq!(DeclineCode::from("slow_mode").as_str(), "slow_mode");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeclineCode {
    /// Too many posts in a short time; the answer says when to try again.
    Rate,
    /// The text is over the server's limit.
    TooLong,
    /// The text contains only white space.
    Blank,
    /// The line had an id and was not a post.
    Malformed,
    /// The account was revoked.
    Revoked,
    /// An operator has muted the account; the answer says until when, if it ends.
    Muted,
    /// An operator has banned the account; the server closes.
    Banned,
    /// The store failed, for example because the disk is full.
    Storage,
    /// The log that several nodes share cannot be reached; it is waited for without counting attempts.
    Unavailable,
    /// The server is shutting down.
    Draining,
    /// A code that this version does not know.
    Other(Box<str>),
}

/// The longest unknown code that is kept, in characters. The known ones have at most eleven.
const MAX_CODE_CHARS: usize = 32;

impl DeclineCode {
    /// Returns the code as it is on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Rate => "rate",
            Self::TooLong => "too_long",
            Self::Blank => "blank",
            Self::Malformed => "malformed",
            Self::Revoked => "revoked",
            Self::Muted => "muted",
            Self::Banned => "banned",
            Self::Storage => "storage",
            Self::Unavailable => "unavailable",
            Self::Draining => "draining",
            Self::Other(code) => code,
        }
    }

    /// Returns whether the same post may succeed later although nothing about it has changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Rate | Self::Storage | Self::Unavailable | Self::Draining)
    }
}

/// Parses a code of the wire. At most 32 characters of an unknown one are kept, and no control characters.
impl From<&str> for DeclineCode {
    fn from(code: &str) -> Self {
        match code {
            "rate" => Self::Rate,
            "too_long" => Self::TooLong,
            "blank" => Self::Blank,
            "malformed" => Self::Malformed,
            "revoked" => Self::Revoked,
            "muted" => Self::Muted,
            "banned" => Self::Banned,
            "storage" => Self::Storage,
            "unavailable" => Self::Unavailable,
            "draining" => Self::Draining,
            other => Self::Other(other.chars().filter(|c| !c.is_control()).take(MAX_CODE_CHARS).collect()),
        }
    }
}

impl From<TextError> for DeclineCode {
    fn from(error: TextError) -> Self {
        match error {
            TextError::TooLong { .. } => Self::TooLong,
            TextError::Blank => Self::Blank,
        }
    }
}

impl fmt::Display for DeclineCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rate => "too many messages in a short time",
            Self::TooLong => "the message is too long",
            Self::Blank => "the message is empty",
            Self::Malformed => "the server could not read the message",
            Self::Revoked => "the account was revoked",
            Self::Muted => "the account is muted",
            Self::Banned => "the account is banned",
            Self::Storage => "the server cannot store messages now",
            Self::Unavailable => "the log of the room is away",
            Self::Draining => "the server is shutting down",
            Self::Other(code) => code,
        })
    }
}

/// `{"id": …, "text": …}`. The text is an error if it cannot be a message; the post is answered nevertheless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RepeatablePost {
    pub(crate) id: PostId,
    pub(crate) text: Result<Text, TextError>,
}

impl RepeatablePost {
    pub(super) fn from_fields(fields: &ExtensionFields<'_>) -> Option<Self> {
        let text = Text::new(fields.text.as_deref()?);
        Some(Self { id: PostId::new(fields.id.as_deref()?).ok()?, text })
    }

    pub(super) fn write(&self, out: &mut JsonObjectWriter) {
        out.text("id", self.id.as_str());
        out.text("text", self.text.as_ref().map_or("", Text::as_str));
    }
}

/// `{"ok": …, "stream": …, "seq": …}`: the server has stored the post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredPost {
    pub(crate) id: PostId,
    pub(crate) position: Position,
}

impl StoredPost {
    pub(super) fn from_fields(fields: &ExtensionFields<'_>) -> Option<Self> {
        let stream = StreamId::new(fields.stream.as_deref()?).ok()?;
        let position = Position { stream, seq: fields.seq? };
        Some(Self { id: PostId::new(fields.ok.as_deref()?).ok()?, position })
    }

    pub(super) fn write(&self, out: &mut JsonObjectWriter) {
        out.text("ok", self.id.as_str());
        out.text("stream", self.position.stream.as_str());
        out.value("seq", self.position.seq);
    }
}

/// `{"no": …, "code": …, "retry_after_ms": …, "reason": …}`: this attempt was not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeclinedPost {
    pub(crate) id: PostId,
    pub(crate) code: DeclineCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) reason: Option<Text>,
}

impl DeclinedPost {
    pub(super) fn from_fields(fields: &ExtensionFields<'_>) -> Option<Self> {
        let code = DeclineCode::from(fields.code.as_deref()?);
        let retry_after = fields.retry_after_ms.map(Duration::from_millis);
        // The answer is worth its code even if the reason cannot be used.
        let reason = fields.reason.as_deref().and_then(|reason| Text::from_peer(reason).ok());
        Some(Self { id: PostId::new(fields.no.as_deref()?).ok()?, code, retry_after, reason })
    }

    pub(super) fn write(&self, out: &mut JsonObjectWriter) {
        out.text("no", self.id.as_str());
        out.text("code", self.code.as_str());
        if let Some(after) = self.retry_after {
            // More milliseconds than fit are 500 million years, so the largest number is good enough.
            out.value("retry_after_ms", u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        }
        if let Some(reason) = &self.reason {
            out.text("reason", reason.as_str());
        }
    }
}
