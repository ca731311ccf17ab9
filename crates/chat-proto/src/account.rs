//! The nickname and the token of an account.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::display::push_visible;
use crate::text::is_printable_ascii;

/// The longest nickname that is accepted from a peer, in bytes of UTF-8. A server may set a lower limit for new ones.
pub const MAX_NICKNAME_BYTES: usize = 256;

/// The longest token that is accepted from a peer or a file, in bytes. Real ones have 36.
pub const MAX_TOKEN_BYTES: usize = 256;

/// The name that other users see: one line, not blank, without white space at its ends and without control characters.
///
/// ```
/// use chat_proto::{Nickname, NicknameError};
///
/// let nickname: Nickname = " Keen Bob\n".parse()?;
/// assert_eq!(nickname.as_str(), "Keen Bob");
/// assert_eq!(Nickname::new("\t"), Err(NicknameError::Blank));
/// # Ok::<(), NicknameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Nickname(Box<str>);

impl Nickname {
    /// Cleans and checks a nickname. Control characters and line separators are removed, and white space at the ends is
    /// trimmed.
    ///
    /// # Errors
    /// [`NicknameError::Blank`] if nothing is left, [`NicknameError::TooLong`] over [`MAX_NICKNAME_BYTES`].
    pub fn new(raw: &str) -> Result<Self, NicknameError> {
        if raw.len() > 4 * MAX_NICKNAME_BYTES {
            return Err(NicknameError::TooLong { bytes: raw.len() });
        }
        Self::cleaned(&clean(raw, |_, _| {}))
    }

    /// Cleans a nickname that a server sent. As [`new`](Self::new), but forbidden characters become visible instead of
    /// being removed, so that two different names do not look the same.
    pub(crate) fn from_peer(raw: &str) -> Result<Self, NicknameError> {
        if raw.trim().is_empty() {
            return Err(NicknameError::Blank);
        }
        Self::cleaned(&clean(raw, push_visible))
    }

    fn cleaned(clean: &str) -> Result<Self, NicknameError> {
        let name = clean.trim();
        if name.is_empty() {
            return Err(NicknameError::Blank);
        }
        if name.len() > MAX_NICKNAME_BYTES {
            return Err(NicknameError::TooLong { bytes: name.len() });
        }
        Ok(Self(name.into()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Passes each forbidden character to `put`.
fn clean(raw: &str, put: fn(&mut String, char)) -> Cow<'_, str> {
    if is_printable_ascii(raw) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len() + 16);
    for c in raw.chars() {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            put(&mut out, c);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The error of a text that cannot be a nickname.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NicknameError {
    /// It has no visible character.
    #[error("the nickname is empty")]
    Blank,
    /// It is longer than [`MAX_NICKNAME_BYTES`].
    #[error("the nickname has {bytes} bytes; the limit is {MAX_NICKNAME_BYTES}")]
    TooLong {
        /// The length.
        bytes: usize,
    },
}

impl FromStr for Nickname {
    type Err = NicknameError;

    fn from_str(raw: &str) -> Result<Self, NicknameError> {
        Self::new(raw)
    }
}

impl TryFrom<&str> for Nickname {
    type Error = NicknameError;

    fn try_from(raw: &str) -> Result<Self, NicknameError> {
        Self::new(raw)
    }
}

impl AsRef<str> for Nickname {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Nickname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The secret that proves an account (`account_hash` on the wire). Its memory is wiped when it is dropped, `Debug` does
/// not show it, and there is no `Display`.
///
/// ```
/// use chat_proto::{Token, TokenError};
///
/// let token: Token = "9a08f44c-c541-41eb-8c47-0242ac110002\n".parse()?;
/// assert_eq!(token.expose(), "9a08f44c-c541-41eb-8c47-0242ac110002");
/// assert_eq!(format!("{token:?}"), "Token(hidden)");
/// # Ok::<(), TokenError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Checks a token as it was typed or read. White space around it is trimmed.
    ///
    /// # Errors
    /// [`TokenError`] if it is empty, too long, or has a control character, which would break the dialogue: a token is
    /// one line (docs/protocol.md, section 2).
    pub fn new(raw: &str) -> Result<Self, TokenError> {
        let token = raw.trim();
        if token.is_empty() {
            Err(TokenError::Blank)
        } else if token.len() > MAX_TOKEN_BYTES {
            Err(TokenError::TooLong { bytes: token.len() })
        } else if token.chars().any(char::is_control) {
            Err(TokenError::Control)
        } else {
            Ok(Self(Zeroizing::new(token.to_owned())))
        }
    }

    /// Returns the secret. Use it for the wire and for the accounts file only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The error of a text that cannot be a token. It does not contain the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is empty.
    #[error("the token is empty")]
    Blank,
    /// It is longer than [`MAX_TOKEN_BYTES`].
    #[error("the token has {bytes} bytes; the limit is {MAX_TOKEN_BYTES}")]
    TooLong {
        /// The length.
        bytes: usize,
    },
    /// It has a line feed or another control character.
    #[error("the token has a control character")]
    Control,
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(raw: &str) -> Result<Self, TokenError> {
        Self::new(raw)
    }
}

impl TryFrom<&str> for Token {
    type Error = TokenError;

    fn try_from(raw: &str) -> Result<Self, TokenError> {
        Self::new(raw)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// A nickname and the token that proves it.
///
/// Exhaustive, because an account consists of exactly these two values and programs construct it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name as the server assigned it, which may differ from the requested one.
    pub nickname: Nickname,
    /// The secret that proves it.
    pub token: Token,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_and_cleans_nicknames() {
        assert_eq!(Nickname::new(" Bob\u{1b}\n ").unwrap().as_str(), "Bob");
        assert_eq!(Nickname::new("\t\n"), Err(NicknameError::Blank));
        assert!(Nickname::new(&"x".repeat(257)).is_err());
    }

    #[test]
    fn shows_controls_in_a_peers_name() {
        assert_eq!(Nickname::from_peer(" Bo\u{1b}b\u{9b}\u{2028}\t ").unwrap().as_str(), "Bo␛b<U+009B><U+2028>␉");
        assert_eq!(Nickname::from_peer("\t\n"), Err(NicknameError::Blank));
        assert!(Nickname::from_peer(&"x".repeat(257)).is_err());
    }

    #[test]
    fn token_is_one_line_and_never_printed() {
        let token = Token::new("9a08f44c\n").unwrap();
        assert_eq!(token.expose(), "9a08f44c");
        assert!(!format!("{token:?}").contains("9a08"));
        assert_eq!(Token::new("a\nb"), Err(TokenError::Control));
        assert_eq!(Token::new(" "), Err(TokenError::Blank));
    }
}
