//! The plain message of a writer while its lines arrive: an empty line ends it (docs/protocol.md, section 2).

use crate::codec::MAX_POST_LINE;
use crate::text::{Text, TextError};

/// The lines of the plain message that no empty line has ended yet.
#[derive(Debug, Default)]
pub(super) struct PlainMessage {
    lines: String,
    /// It is too long: its lines are dropped up to the empty one.
    discarding: bool,
}

/// What an empty line ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EndOfMessage {
    /// No line, or only blanks.
    Nothing,
    /// A message that is too long. The plain protocol has no word for a refusal, so it is not confirmed.
    Discarded,
    Complete(Text),
}

impl PlainMessage {
    /// Appends a line. More than any text can have is not kept.
    pub(super) fn append(&mut self, line: &str) {
        if self.lines.len() + line.len() > MAX_POST_LINE {
            self.discard();
        }
        if self.discarding {
            return;
        }
        if !self.lines.is_empty() {
            self.lines.push('\n');
        }
        self.lines.push_str(line);
    }

    /// Drops the message up to its empty line.
    pub(super) fn discard(&mut self) {
        *self = Self { lines: String::new(), discarding: true };
    }

    /// Ends the message and begins the next one.
    pub(super) fn finish(&mut self) -> EndOfMessage {
        let Self { lines, discarding } = std::mem::take(self);
        match Text::new(&lines) {
            _ if discarding => EndOfMessage::Discarded,
            Err(TextError::TooLong { .. }) => EndOfMessage::Discarded,
            Err(_) => EndOfMessage::Nothing,
            Ok(text) => EndOfMessage::Complete(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_what_has_arrived() {
        let mut message = PlainMessage::default();
        assert_eq!(message.finish(), EndOfMessage::Nothing);
        message.append("one");
        message.append("two");
        assert_eq!(message.finish(), EndOfMessage::Complete(Text::new("one\ntwo").unwrap()));
        message.append("  ");
        assert_eq!(message.finish(), EndOfMessage::Nothing);
    }

    /// The message has no end, so that its length alone must stop it.
    #[test]
    fn endless_message_is_not_kept() {
        let mut message = PlainMessage::default();
        for _ in 0..1_000 {
            message.append(&"x".repeat(64));
            assert!(message.lines.len() <= MAX_POST_LINE, "{} bytes are kept", message.lines.len());
        }
        assert_eq!(message.finish(), EndOfMessage::Discarded);
        message.append("next");
        assert_eq!(message.finish(), EndOfMessage::Complete(Text::new("next").unwrap()));
    }
}
