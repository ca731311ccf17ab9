//! The errors of a dialogue by cause: the peer broke the rules, refused, or did not answer.

use std::fmt;
use std::time::Duration;

use crate::line::Line;

/// The reason why a dialogue cannot continue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The peer broke the rules.
    #[error("expected {expected}, got {got}")]
    Violation {
        /// The step that the rules allow here.
        expected: Expected,
        /// The beginning of the line that arrived.
        got: Excerpt,
    },
    /// The peer refused, and the same request will be refused again.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The peer did not answer in time.
    #[error("no reply for {} (waiting for {waiting_for})", duration(*after))]
    TimedOut {
        /// The missing answer.
        waiting_for: Expected,
        /// The deadline that passed.
        after: Duration,
    },
    /// The peer ended the stream in the middle of the dialogue.
    #[error("the connection ended before {waiting_for}")]
    EndedEarly {
        /// The missing answer.
        waiting_for: Expected,
    },
    /// A plain message is longer than [`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES), or a line of it longer than
    /// [`MAX_INPUT_LINE`](crate::MAX_INPUT_LINE).
    #[error("a message is longer than the limit of {limit} bytes")]
    MessageTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The driver passed a line although [`wants_input`](crate::StateMachine::wants_input) was `false`.
    #[error("a line was passed to the state machine before the decision about the previous one")]
    Overrun,
}

/// Formats a duration in units for people: `500 ms`, `10 s`, `10 min`.
pub(crate) fn duration(time: Duration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    match (seconds, millis) {
        (0, millis) => format!("{millis} ms"),
        (seconds, 0) if seconds >= 120 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        (seconds, 0) => format!("{seconds} s"),
        (seconds, millis) => format!("{seconds}.{} s", millis / 100),
    }
}

/// The server's refusal (`null`; docs/protocol.md, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The token belongs to no account of this server.
    #[error("the server does not know this token")]
    UnknownToken,
    /// The nickname is not usable, or the server accepts no registrations at present.
    #[error("the server refused this nickname")]
    Nickname,
}

/// A step of the dialogue. `Display` names it for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// `Hello %username%! …`
    Greeting,
    /// A token, or an empty line.
    Token,
    /// `Enter preferred nickname below:`
    NicknamePrompt,
    /// A nickname.
    Nickname,
    /// The account record, or `null`.
    Account,
    /// `Welcome to chat! …`
    Welcome,
    /// `Message send. …`, or an answer to an extension line.
    Confirmation,
    /// Any line of a numbered log.
    NumberedLine,
    /// The answer to a probe of an idle connection.
    Pong,
    /// A line of this protocol, not of another one.
    Chat,
    /// A message of a listen port.
    Message,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "the greeting",
            Self::Token => "a token",
            Self::NicknamePrompt => "the nickname prompt",
            Self::Nickname => "a nickname",
            Self::Account => "the account record",
            Self::Welcome => "the welcome",
            Self::Confirmation => "a confirmation",
            Self::NumberedLine => "a numbered line",
            Self::Pong => "an answer to a keepalive probe",
            Self::Chat => "a line of the chat",
            Self::Message => "a message",
        })
    }
}

/// The beginning of a line of the peer, safe to show and to log: shortened, without control characters, and without
/// anything that looks like a token.
///
/// ```
/// use chat_proto::{Excerpt, Line};
///
/// assert_eq!(Excerpt::of(&Line::from("SSH-2.0-x")).to_string(), "\"SSH-2.0-x\"");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

/// The length of an excerpt, enough to recognise the banner of another protocol.
const EXCERPT_CHARS: usize = 48;

/// The longest run of token characters that is shown. A token has 36, a word seldom 20.
const LONGEST_WORD: usize = 20;

impl Excerpt {
    /// Creates an excerpt of a line.
    #[must_use]
    pub fn of(line: &Line) -> Self {
        let mut shown = String::new();
        for word in line.as_str().split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
            if shown.chars().count() >= EXCERPT_CHARS {
                break;
            }
            if word.len() > LONGEST_WORD {
                shown.push('…');
            } else {
                shown.extend(word.chars().filter(|c| !c.is_control()));
            }
        }
        let cut: String = shown.chars().take(EXCERPT_CHARS).collect();
        Self(cut.into())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.trim().is_empty() { f.write_str("an empty line") } else { write!(f, "{:?}", self.0) }
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_in_units_for_people() {
        let shown = [80, 1_000, 1_500, 10_000, 90_000, 600_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(shown, ["80 ms", "1 s", "1.5 s", "10 s", "90 s", "10 min"]);
        let error = ProtocolError::TimedOut { waiting_for: Expected::Greeting, after: Duration::from_secs(10) };
        assert_eq!(error.to_string(), "no reply for 10 s (waiting for the greeting)");
    }

    #[test]
    fn an_excerpt_is_short_and_has_no_token() {
        let line = Line::from(
            r#"{"nickname": "Bob", "account_hash": "9a08f44c-c541-41eb-8c47-0242ac110002", "more": "than fits on it"}"#,
        );
        let shown = Excerpt::of(&line).to_string();
        assert!(!shown.contains("9a08"), "{shown}");
        assert!(shown.chars().count() < 70, "{shown}");
        assert_eq!(Excerpt::of(&Line::from("")).to_string(), "an empty line");
        assert_eq!(Excerpt::of(&Line::from("SSH-2.0-x")).to_string(), "\"SSH-2.0-x\"");
    }
}
