//! The six lines of the server on the write port, parsed and formatted side by side (docs/protocol.md, section 2).

use serde::Deserialize;

use crate::account::{Account, Nickname, Token};
use crate::line::Line;

/// The first line of the write port.
pub const GREETING: &str = "Hello %username%! Enter your personal hash or leave it empty to create new account.";
/// Asks for a nickname.
pub const NICKNAME_PROMPT: &str = "Enter preferred nickname below:";
/// The answer to a token that belongs to no account.
pub const UNKNOWN_TOKEN: &str = "null";
/// The line that opens the chat.
pub const WELCOME: &str = "Welcome to chat! Post your message below. End it with an empty line.";
/// The confirmation of a message, and the answer to a ping.
pub const CONFIRMATION: &str = "Message send. Write more, end message with an empty line.";

/// The extensions that a server offers (docs/protocol.md, section 5).
///
/// ```
/// use chat_proto::Extensions;
///
/// assert!(Extensions::ALL.id);
/// assert_eq!(Extensions::NONE.with_id(true).with_resume(true), Extensions::ALL);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Extensions {
    /// Posts that can be repeated safely.
    pub id: bool,
    /// A numbered log that can be continued from any position.
    pub resume: bool,
}

impl Extensions {
    /// All extensions that this version knows.
    pub const ALL: Self = Self { id: true, resume: true };

    /// The plain protocol, as the original server speaks it.
    pub const NONE: Self = Self { id: false, resume: false };

    /// Returns what a welcome offers by the white space at its end: a space offers ids, a tab offers the numbered log.
    fn offered_by(welcome: &str) -> Self {
        let end = &welcome[welcome.trim_end_matches([' ', '\t']).len()..];
        Self { id: end.contains(' '), resume: end.contains('\t') }
    }

    /// Returns everything that either of the two offers.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self { id: self.id || other.id, resume: self.resume || other.resume }
    }

    /// Adds or removes posts that can be repeated safely.
    #[must_use]
    pub const fn with_id(self, id: bool) -> Self {
        Self { id, ..self }
    }

    /// Adds or removes the numbered log.
    #[must_use]
    pub const fn with_resume(self, resume: bool) -> Self {
        Self { resume, ..self }
    }
}

/// A line of the server on the write port, as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ServerLine {
    Greeting,
    NicknamePrompt,
    UnknownToken,
    Account(Account, Extensions),
    /// With what it offers.
    Welcome(Extensions),
    Confirmation,
    Other,
}

impl ServerLine {
    /// Recognises a line by its beginning, which is the same in all public logs.
    pub(crate) fn parse(line: &Line) -> Self {
        let text = line.as_str();
        if text.starts_with("Hello") {
            Self::Greeting
        } else if text.starts_with("Enter preferred nickname") {
            Self::NicknamePrompt
        } else if text.trim() == UNKNOWN_TOKEN {
            Self::UnknownToken
        } else if text.starts_with("Welcome to chat!") {
            Self::Welcome(Extensions::offered_by(text))
        } else if text.starts_with("Message send.") {
            Self::Confirmation
        } else {
            parse_account(text).map_or(Self::Other, |(account, extensions)| Self::Account(account, extensions))
        }
    }
}

#[derive(Deserialize)]
struct AccountRecordFields {
    nickname: String,
    account_hash: String,
    #[serde(default)]
    extensions: Vec<String>,
}

fn parse_account(text: &str) -> Option<(Account, Extensions)> {
    let record: AccountRecordFields = serde_json::from_str(text).ok()?;
    let account = Account {
        nickname: Nickname::from_peer(&record.nickname).ok()?,
        token: Token::new(&record.account_hash).ok()?,
    };
    let offers = |name: &str| record.extensions.iter().any(|e| e == name);
    Some((account, Extensions { id: offers("id"), resume: offers("resume") }))
}

/// Formats the account record as the public server does: in this order of keys, with a space after each colon and comma,
/// and everything outside ASCII as `\u` escapes.
pub(crate) fn account_record(account: &Account) -> Line {
    let mut out = String::from("{\"nickname\": ");
    push_ascii_json(&mut out, account.nickname.as_str());
    out.push_str(", \"account_hash\": ");
    push_ascii_json(&mut out, account.token.expose());
    out.push('}');
    Line::from(out)
}

/// Formats the welcome. What it offers is white space at its end, which no known client compares: the account record, of
/// which some clients read at most 200 bytes, stays as long as the public one.
pub(crate) fn welcome(offer: Extensions) -> Line {
    Line::from_static(match offer {
        Extensions { id: true, resume: true } => {
            "Welcome to chat! Post your message below. End it with an empty line. \t"
        }
        Extensions { id: true, resume: false } => {
            "Welcome to chat! Post your message below. End it with an empty line. "
        }
        Extensions { id: false, resume: true } => {
            "Welcome to chat! Post your message below. End it with an empty line.\t"
        }
        Extensions { id: false, resume: false } => WELCOME,
    })
}

fn push_ascii_json(out: &mut String, text: &str) {
    use std::fmt::Write as _;

    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account(nickname: &str) -> Account {
        Account {
            nickname: Nickname::new(nickname).unwrap(),
            token: Token::new("9a08f44c-c541-41eb-8c47-0242ac110002").unwrap(),
        }
    }

    #[test]
    fn the_record_equals_the_public_one() {
        assert_eq!(
            account_record(&account("Keen Bob")).as_str(),
            r#"{"nickname": "Keen Bob", "account_hash": "9a08f44c-c541-41eb-8c47-0242ac110002"}"#
        );
        assert!(
            account_record(&account("Жук 😀"))
                .as_str()
                .starts_with(r#"{"nickname": "\u0416\u0443\u043a \ud83d\ude00", "account_hash": "#)
        );
    }

    #[test]
    fn null_is_a_refusal() {
        assert_eq!(ServerLine::parse(&Line::from("null")), ServerLine::UnknownToken);
        assert_eq!(ServerLine::parse(&Line::from("{\"nickname\": null}")), ServerLine::Other);
    }

    proptest! {
        #[test]
        fn record_and_welcome_read_back(name in "\\PC{1,30}", id: bool, resume: bool) {
            prop_assume!(Nickname::new(&name).is_ok());
            let (account, offer) = (account(&name), Extensions { id, resume });
            let line = account_record(&account);
            prop_assert!(line.as_str().is_ascii());
            prop_assert_eq!(ServerLine::parse(&line), ServerLine::Account(account, Extensions::NONE));
            let line = welcome(offer);
            prop_assert_eq!(line.as_str().trim_end(), WELCOME);
            prop_assert_eq!(ServerLine::parse(&line), ServerLine::Welcome(offer));
        }
    }

    #[test]
    fn earlier_offers_are_in_the_record() {
        let line = Line::from(r#"{"nickname": "Bob", "account_hash": "9a08", "extensions": ["id", "new"]}"#);
        let ServerLine::Account(_, offer) = ServerLine::parse(&line) else { panic!("no account") };
        assert_eq!(offer, Extensions::NONE.with_id(true));
    }
}
