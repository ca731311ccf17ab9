//! Who may create an account.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::accounts::TokenHash;

/// Who may create an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationPolicy {
    /// Every client.
    #[default]
    Open,
    /// No client; accounts that exist can log in.
    Closed,
    /// Clients that send the invitation code.
    Invite(Invitation),
}

/// An invitation code. It precedes the nickname in the line that requests an account, so a user can type it in every
/// client, also in those of the original. It is valid for any number of accounts until it is replaced.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation(Box<str>);

/// The longest code in characters: longer than random ones, and it leaves room for a nickname in one line.
const MAX_CHARS: usize = 64;

impl Invitation {
    /// Creates an invitation from its code. Returns `None` if the code is empty, has more than 64 characters, or
    /// contains white space or control characters.
    #[must_use]
    pub fn new(code: &str) -> Option<Self> {
        let valid = |c: char| !c.is_whitespace() && !c.is_control();
        let fits = (1..=MAX_CHARS).contains(&code.chars().count()) && code.chars().all(valid);
        fits.then(|| Self(code.into()))
    }

    /// Returns the nickname after the code, or `None` if a request does not start with the code. The time does not
    /// depend on where a wrong code differs.
    pub(crate) fn nickname<'a>(&self, asked: &'a str) -> Option<&'a str> {
        let asked = asked.trim();
        let (code, nickname) = asked.split_once(char::is_whitespace).unwrap_or((asked, ""));
        let hash = |code: &str| TokenHash::from_bytes(Sha256::digest(code.as_bytes()).into());
        hash(code).matches(&hash(&self.0)).then(|| nickname.trim_start())
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invitation(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_precedes_the_nickname() {
        let invitation = Invitation::new("k3f9-Wq").unwrap();
        assert_eq!(invitation.nickname("k3f9-Wq Keen Bob"), Some("Keen Bob"));
        assert_eq!(invitation.nickname(" k3f9-Wq   Bob "), Some("Bob"));
        assert_eq!(invitation.nickname("k3f9-Wq"), Some(""));
        for wrong in ["", "Bob", "Bob k3f9-Wq", "k3f9-wq Bob", "k3f9-WqBob", "k3f9-W Bob"] {
            assert_eq!(invitation.nickname(wrong), None, "{wrong:?}");
        }
        assert_eq!(format!("{invitation:?}"), "Invitation(hidden)");
    }

    #[test]
    fn refuses_codes_that_cannot_be_typed() {
        for code in ["", "a b", "a\u{a0}b", "a\tb", &"x".repeat(65)] {
            assert!(Invitation::new(code).is_none(), "{code:?}");
        }
    }
}
