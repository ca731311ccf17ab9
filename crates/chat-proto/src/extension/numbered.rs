//! A message of a numbered log.

use bytes::{BufMut, BytesMut};

use crate::account::Nickname;
use crate::extension::fields::ExtensionFields;
use crate::extension::json::JsonObjectWriter;
use crate::ident::Seq;
use crate::message::Message;
use crate::text::Text;

/// `{"seq": …, "at": …, "nick": …, "text": …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NumberedMessage {
    pub(crate) seq: Seq,
    pub(crate) at: i64,
    pub(crate) sender: Nickname,
    pub(crate) text: Text,
}

impl NumberedMessage {
    /// Returns the numbered form of a message; `None` for a message without position or sender.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        Some(Self {
            seq: message.position.as_ref()?.seq,
            at: message.at.unwrap_or_default(),
            sender: message.sender.clone()?,
            text: message.text.clone(),
        })
    }

    pub(super) fn from_fields(fields: &ExtensionFields<'_>) -> Option<Self> {
        let sender = Nickname::from_peer(fields.nick.as_deref()?).ok()?;
        let text = Text::from_peer(fields.text.as_deref()?).ok()?;
        Some(Self { seq: fields.seq?, at: fields.at?, sender, text })
    }

    pub(super) fn write(&self, out: &mut JsonObjectWriter) {
        write(out, self.seq, self.at, self.sender.as_str(), &self.text);
    }
}

/// Appends a message as a line of a numbered log, with its line feed. `at` is in milliseconds since the Unix epoch.
///
/// Equal to what [`ListenerServer`](crate::ListenerServer) sends for the message, without a [`Line`](crate::Line) in
/// between: a server encodes a message once and sends the bytes to all its listeners.
///
/// ```
/// use bytes::BytesMut;
/// use chat_proto::{Text, encode_numbered};
///
/// let mut out = BytesMut::new();
/// encode_numbered(&mut out, 7, 1_700_000_000_123, "Keen Bob", &Text::new("hello")?);
/// assert_eq!(out, "\u{1}{\"seq\": 7, \"at\": 1700000000123, \"nick\": \"Keen Bob\", \"text\": \"hello\"}\n");
/// # Ok::<(), chat_proto::TextError>(())
/// ```
pub fn encode_numbered(out: &mut BytesMut, seq: Seq, at: i64, nickname: &str, text: &Text) {
    // Splitting and joining moves no bytes: the line is written after the existing content of `out`.
    let mut object = JsonObjectWriter::append_line(out.split_off(out.len()));
    write(&mut object, seq, at, nickname, text);
    let mut line = object.finish();
    line.put_u8(b'\n');
    out.unsplit(line);
}

fn write(out: &mut JsonObjectWriter, seq: Seq, at: i64, nickname: &str, text: &Text) {
    out.value("seq", seq);
    out.value("at", at);
    out.text("nick", nickname);
    out.text("text", text.as_str());
}
