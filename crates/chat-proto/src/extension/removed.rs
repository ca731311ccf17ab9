//! A message whose text an operator has removed from a numbered log.

use bytes::{BufMut, BytesMut};

use crate::account::Nickname;
use crate::extension::fields::ExtensionFields;
use crate::extension::json::JsonObjectWriter;
use crate::ident::{Position, Seq};
use crate::text::Text;

/// `{"removed": …, "at": …, "by": …, "reason": …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemovedLine {
    pub(crate) seq: Seq,
    pub(crate) at: i64,
    pub(crate) by: Option<Nickname>,
    pub(crate) reason: Option<Text>,
}

impl RemovedLine {
    /// The line is worth its number even if a name or a reason cannot be used.
    pub(super) fn from_fields(fields: &ExtensionFields<'_>) -> Option<Self> {
        let by = fields.by.as_deref().and_then(|by| Nickname::from_peer(by).ok());
        let reason = fields.reason.as_deref().and_then(|reason| Text::from_peer(reason).ok());
        Some(Self { seq: fields.removed?, at: fields.at?, by, reason })
    }

    pub(super) fn write(&self, out: &mut JsonObjectWriter) {
        write(out, self.seq, self.at, self.by.as_ref(), self.reason.as_ref());
    }
}

/// What a listener learns about a message that was removed from the server's log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovedMessage {
    /// The position of the message.
    pub position: Position,
    /// When it was removed, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Who removed it.
    pub by: Option<Nickname>,
    /// Why.
    pub reason: Option<Text>,
    /// Whether the message was removed before this listener received it. It stands in the place of the message then;
    /// otherwise the listener has the message and learns that it is removed now.
    pub in_place: bool,
}

impl RemovedMessage {
    /// Creates the removal of a message that the listener has received, at a time in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn new(position: Position, at: i64) -> Self {
        Self { position, at, by: None, reason: None, in_place: false }
    }

    /// Sets who removed it and why.
    #[must_use]
    pub fn with_details(self, by: Option<Nickname>, reason: Option<Text>) -> Self {
        Self { by, reason, ..self }
    }
}

/// Appends the line that says that a message of a numbered log was removed, with its line feed. `at` is the time of the
/// removal in milliseconds since the Unix epoch.
///
/// ```
/// use bytes::BytesMut;
/// use chat_proto::{Nickname, Text, encode_removed};
///
/// let mut out = BytesMut::new();
/// encode_removed(&mut out, 7, 1_700_000_000_123, Some(&Nickname::new("root")?), Some(&Text::new("spam")?));
/// assert_eq!(out, "\u{1}{\"removed\": 7, \"at\": 1700000000123, \"by\": \"root\", \"reason\": \"spam\"}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode_removed(out: &mut BytesMut, seq: Seq, at: i64, by: Option<&Nickname>, reason: Option<&Text>) {
    // Splitting and joining moves no bytes, as for a message.
    let mut object = JsonObjectWriter::append_line(out.split_off(out.len()));
    write(&mut object, seq, at, by, reason);
    let mut line = object.finish();
    line.put_u8(b'\n');
    out.unsplit(line);
}

/// Appends the line that says that all messages of a numbered log up to `last` have expired, with its line feed.
///
/// ```
/// let mut out = bytes::BytesMut::new();
/// chat_proto::encode_expired(&mut out, 1499);
/// assert_eq!(out, "\u{1}{\"expired\": 1499}\n");
/// ```
pub fn encode_expired(out: &mut BytesMut, last: Seq) {
    let mut object = JsonObjectWriter::append_line(out.split_off(out.len()));
    object.value("expired", last);
    let mut line = object.finish();
    line.put_u8(b'\n');
    out.unsplit(line);
}

fn write(out: &mut JsonObjectWriter, seq: Seq, at: i64, by: Option<&Nickname>, reason: Option<&Text>) {
    out.value("removed", seq);
    out.value("at", at);
    if let Some(by) = by {
        out.text("by", by.as_str());
    }
    if let Some(reason) = reason {
        out.text("reason", reason.as_str());
    }
}
