//! A message as a listener gets it, numbered or plain.

use crate::{Line, Nickname, Position, Text};

/// One post as it reached the listen port.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Who wrote it. `None` where a plain line has no `nickname: ` before its text.
    pub sender: Option<Nickname>,
    /// What was written; for a line without a sender, the whole line.
    pub text: Text,
    /// Where it stands in the server's log; `None` from a server that does not number.
    pub position: Option<Position>,
    /// When the server took it, in milliseconds since the Unix epoch; `None` from a plain server.
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

    /// Adds the time when the server took the message, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn with_time(self, at: i64) -> Self {
        Self { at: Some(at), ..self }
    }

    /// Reads a plain line of the listen port, `Keen Bob: hello` (protocol, section 3). `None` for a
    /// blank line, which public servers never send.
    ///
    /// A plain line cannot prove who wrote it: on such a server a sender is what stands before the
    /// first `": "`.
    #[must_use]
    pub fn from_plain(line: &Line) -> Option<Self> {
        let whole = line.as_str();
        if let Some((name, rest)) = whole.split_once(": ")
            && let (Ok(sender), Ok(text)) = (Nickname::received(name), Text::received(rest))
        {
            return Some(Self { sender: Some(sender), text, position: None, at: None });
        }
        let text = Text::received(whole).ok()?;
        Some(Self { sender: None, text, position: None, at: None })
    }

    /// The message as a plain line, as the server sends it and as history files keep it.
    #[must_use]
    pub fn to_plain(&self) -> Line {
        let text = self.text.flattened();
        match &self.sender {
            Some(sender) => Line::from(format!("{sender}: {text}")),
            None => Line::from(text.into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_ends_at_the_first_colon_and_space() {
        let message = Message::from_plain(&Line::from("Keen Bob: a: b ")).unwrap();
        assert_eq!(message.sender.as_ref().unwrap().as_str(), "Keen Bob");
        assert_eq!(message.text.as_str(), "a: b ");
        assert_eq!(message.to_plain().as_str(), "Keen Bob: a: b ");
    }

    #[test]
    fn a_hostile_servers_control_characters_are_seen() {
        let message = Message::from_plain(&Line::from("E\u{1b}ve: a\u{1b}]0;pwn\u{7}")).unwrap();
        assert_eq!((message.sender.unwrap().as_str(), message.text.as_str()), ("E␛ve", "a␛]0;pwn␇"));
    }

    #[test]
    fn a_text_that_is_too_long_to_post_is_heard_all_the_same() {
        let long = "x".repeat(crate::MAX_OUTPUT_LINE - 10);
        let message = Message::from_plain(&Line::from(format!("Keen Bob: {long}"))).unwrap();
        assert_eq!((message.sender.unwrap().as_str(), message.text.as_str()), ("Keen Bob", long.as_str()));
        // Bytes that are not UTF-8 become three each.
        let bytes = [b"Keen Bob: ", &[0xff; crate::MAX_OUTPUT_LINE - 10][..]].concat();
        assert!(Message::from_plain(&Line::from_bytes(bytes.into())).is_some());
    }

    #[test]
    fn a_line_without_a_sender_is_kept_whole() {
        let message = Message::from_plain(&Line::from("no colon here")).unwrap();
        assert_eq!((message.sender, message.text.as_str()), (None, "no colon here"));
        assert_eq!(Message::from_plain(&Line::from("Bob: ")).unwrap().text.as_str(), "Bob: ");
        assert_eq!(Message::from_plain(&Line::from("  ")), None);
    }
}
