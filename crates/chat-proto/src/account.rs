//! Who speaks: nickname and token, and the account that both make.

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

use crate::display::push_visible;
use crate::text::is_printable_ascii;

/// The longest nickname that is taken from a peer, in bytes of UTF-8. A server may set a lower limit
/// for new ones.
pub const MAX_NICKNAME_BYTES: usize = 256;

/// The longest token that is taken from a peer or a file, in bytes. Real ones have 36.
pub const MAX_TOKEN_BYTES: usize = 256;

/// The name that others see: one line, not blank, no white space at its ends, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Nickname(Box<str>);

impl Nickname {
    /// Cleans and checks a nickname: control characters and line separators are removed, white space
    /// at the ends is trimmed.
    ///
    /// # Errors
    /// [`NicknameError`] when nothing is left or when it is over [`MAX_NICKNAME_BYTES`].
    pub fn new(raw: &str) -> Result<Self, NicknameError> {
        if raw.len() > 4 * MAX_NICKNAME_BYTES {
            return Err(NicknameError::TooLong { bytes: raw.len() });
        }
        Self::cleaned(&clean(raw, |_, _| {}))
    }

    /// Takes a nickname that a server sent: the same, but what must not stand in it becomes visible, so that nobody
    /// is taken for somebody else.
    pub(crate) fn received(raw: &str) -> Result<Self, NicknameError> {
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

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What becomes of a character that must not stand in a nickname is up to `put`.
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

/// Why a text cannot be a nickname.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NicknameError {
    /// Nothing that can be seen.
    #[error("the nickname is empty")]
    Blank,
    /// Over [`MAX_NICKNAME_BYTES`].
    #[error("the nickname has {bytes} bytes; the limit is {MAX_NICKNAME_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
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

/// The secret that proves an account (`account_hash` on the wire). It is wiped when dropped and
/// `Debug` does not show it; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Takes a token as it was typed or read; white space around it is trimmed.
    ///
    /// # Errors
    /// [`TokenError`] when it is empty, too long, or holds a control character: it would break the
    /// dialogue, where one token is one line (protocol, section 2).
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

    /// The secret itself, for the wire and for the credential file, and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Why a text cannot be a token. The text itself is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Nothing in it.
    #[error("the token is empty")]
    Blank,
    /// Over [`MAX_TOKEN_BYTES`].
    #[error("the token has {bytes} bytes; the limit is {MAX_TOKEN_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// More than one line, or another control character.
    #[error("the token holds a control character")]
    Control,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// A nickname and the token that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name as the server gave it, which is not always the one that was asked for.
    pub nickname: Nickname,
    /// The secret.
    pub token: Token,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nickname_is_trimmed_and_cleaned() {
        assert_eq!(Nickname::new(" Bob\u{1b}\n ").unwrap().as_str(), "Bob");
        assert_eq!(Nickname::new("\t\n"), Err(NicknameError::Blank));
        assert!(Nickname::new(&"x".repeat(257)).is_err());
    }

    #[test]
    fn a_received_nickname_shows_what_must_not_stand_in_it() {
        assert_eq!(Nickname::received(" Bo\u{1b}b\u{9b}\u{2028}\t ").unwrap().as_str(), "Bo␛b<U+009B><U+2028>␉");
        assert_eq!(Nickname::received("\t\n"), Err(NicknameError::Blank));
        assert!(Nickname::received(&"x".repeat(257)).is_err());
    }

    #[test]
    fn a_token_is_one_line_and_never_printed() {
        let token = Token::new("9a08f44c\n").unwrap();
        assert_eq!(token.expose(), "9a08f44c");
        assert!(!format!("{token:?}").contains("9a08"));
        assert_eq!(Token::new("a\nb"), Err(TokenError::Control));
        assert_eq!(Token::new(" "), Err(TokenError::Blank));
    }
}
