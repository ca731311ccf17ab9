//! A message as a listener receives it, numbered or plain.

use bytes::{BufMut, BytesMut};

use crate::account::Nickname;
use crate::ident::Position;
use crate::line::Line;
use crate::text::Text;

/// One post, as the listen port sends it.
///
/// ```
/// use chat_proto::{Line, Message};
///
/// let message = Message::from_plain(&Line::from("Keen Bob: hello")).expect("not blank");
/// assert_eq!(message.sender.as_ref().map(|sender| sender.as_str()), Some("Keen Bob"));
/// assert_eq!(message.to_plain().as_str(), "Keen Bob: hello");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The author. `None` for a plain line without `nickname: ` before its text.
    pub sender: Option<Nickname>,
    /// The content; for a line without a sender, the whole line.
    pub text: Text,
    /// The position in the server's log; `None` from a plain server.
    pub position: Option<Position>,
    /// When the server accepted it, in milliseconds since the Unix epoch; `None` from a plain server.
    pub at: Option<i64>,
}

impl Message {
    /// Creates a message without position and time, as a plain server sends it.
    #[must_use]
    pub const fn new(sender: Option<Nickname>, text: Text) -> Self {
        Self { sender, text, position: None, at: None }
    }

    /// Adds the position in the server's log.
    #[must_use]
    pub fn with_position(self, position: Position) -> Self {
        Self { position: Some(position), ..self }
    }

    /// Adds the time when the server accepted the message, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn with_time(self, at: i64) -> Self {
        Self { at: Some(at), ..self }
    }

    /// Parses a plain line of the listen port, such as `Keen Bob: hello` (docs/protocol.md, section 3). Returns `None` for
    /// a blank line, which public servers never send.
    ///
    /// A plain line cannot prove its author: the sender is what comes before the first `": "`.
    #[must_use]
    pub fn from_plain(line: &Line) -> Option<Self> {
        let whole = line.as_str();
        if let Some((name, rest)) = whole.split_once(": ")
            && let (Ok(sender), Ok(text)) = (Nickname::from_peer(name), Text::from_peer(rest))
        {
            return Some(Self { sender: Some(sender), text, position: None, at: None });
        }
        let text = Text::from_peer(whole).ok()?;
        Some(Self { sender: None, text, position: None, at: None })
    }

    /// Formats the message as a plain line, as servers send it and history files keep it.
    #[must_use]
    pub fn to_plain(&self) -> Line {
        let text = self.text.flattened();
        match &self.sender {
            Some(sender) => Line::from(format!("{sender}: {text}")),
            None => Line::from(text.into_owned()),
        }
    }
}

/// Appends a message as a plain line, with its line feed.
///
/// Equal to [`Message::to_plain`], without a [`Line`] in between: a server encodes a message once and sends the bytes to
/// all its listeners.
///
/// ```
/// use bytes::BytesMut;
/// use chat_proto::{Text, encode_plain};
///
/// let mut out = BytesMut::new();
/// encode_plain(&mut out, "Keen Bob", &Text::new("two\nlines")?);
/// assert_eq!(out, "Keen Bob: two lines\n");
/// # Ok::<(), chat_proto::TextError>(())
/// ```
pub fn encode_plain(out: &mut BytesMut, nickname: &str, text: &Text) {
    let flat = text.flattened();
    out.reserve(nickname.len() + flat.len() + 3);
    out.put_slice(nickname.as_bytes());
    out.put_slice(b": ");
    out.put_slice(flat.as_bytes());
    out.put_u8(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::MAX_OUTPUT_LINE;

    #[test]
    fn the_first_colon_and_space_end_the_sender() {
        let message = Message::from_plain(&Line::from("Keen Bob: a: b ")).unwrap();
        assert_eq!(message.sender.as_ref().unwrap().as_str(), "Keen Bob");
        assert_eq!(message.text.as_str(), "a: b ");
        assert_eq!(message.to_plain().as_str(), "Keen Bob: a: b ");
    }

    #[test]
    fn shows_control_characters_of_the_server() {
        let message = Message::from_plain(&Line::from("E\u{1b}ve: a\u{1b}]0;pwn\u{7}")).unwrap();
        assert_eq!((message.sender.unwrap().as_str(), message.text.as_str()), ("E␛ve", "a␛]0;pwn␇"));
    }

    #[test]
    fn accepts_a_text_that_is_too_long_to_post() {
        let long = "x".repeat(MAX_OUTPUT_LINE - 10);
        let message = Message::from_plain(&Line::from(format!("Keen Bob: {long}"))).unwrap();
        assert_eq!((message.sender.unwrap().as_str(), message.text.as_str()), ("Keen Bob", long.as_str()));
        // Bytes that are not UTF-8 become three each.
        let bytes = [b"Keen Bob: ", &[0xff; MAX_OUTPUT_LINE - 10][..]].concat();
        assert!(Message::from_plain(&Line::from_bytes(bytes.into())).is_some());
    }

    #[test]
    fn keeps_a_line_without_a_sender_whole() {
        let message = Message::from_plain(&Line::from("no colon here")).unwrap();
        assert_eq!((message.sender, message.text.as_str()), (None, "no colon here"));
        assert_eq!(Message::from_plain(&Line::from("Bob: ")).unwrap().text.as_str(), "Bob: ");
        assert_eq!(Message::from_plain(&Line::from("  ")), None);
    }
}
