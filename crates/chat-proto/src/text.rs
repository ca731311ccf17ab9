//! The content of a message: text that is safe on the wire. For a terminal it must be cleaned with
//! [`display`](crate::display) first.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use bytestring::ByteString;

use crate::display::push_visible;

/// The longest text of one message, in bytes of UTF-8.
///
/// With its sender and every character escaped, the line stays below the 64 KiB that end public listeners
/// (docs/protocol.md, section 3).
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// The content of a message. It is never blank and has no control characters except tab, and line feed for an inner line
/// break. To post, it has at most [`MAX_TEXT_BYTES`]; a text that another server sent may be longer.
///
/// Cloning is cheap.
///
/// ```
/// use chat_proto::{Text, TextError};
///
/// let text = Text::new("two\r\nlines\n")?;
/// assert_eq!(text.as_str(), "two\nlines");
/// assert_eq!(text.flattened(), "two lines");
/// assert_eq!(Text::new(" "), Err(TextError::Blank));
/// # Ok::<(), TextError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(ByteString);

impl Text {
    /// Cleans and checks a text. CR LF, U+2028 and U+2029 become line feeds; other control characters except tab are
    /// removed. Line breaks at the ends are removed. Spaces are data and are kept.
    ///
    /// # Errors
    /// [`TextError::Blank`] if only white space is left, [`TextError::TooLong`] if it is over the limit.
    pub fn new(raw: &str) -> Result<Self, TextError> {
        if raw.len() > 4 * MAX_TEXT_BYTES {
            // Cleaning never shrinks a real text to a quarter, so it is refused without cleaning.
            return Err(TextError::TooLong { bytes: raw.len() });
        }
        let text = Self::cleaned(&clean(raw, |_, _| {}))?;
        if text.0.len() > MAX_TEXT_BYTES {
            return Err(TextError::TooLong { bytes: text.0.len() });
        }
        Ok(text)
    }

    /// Cleans a text that a server sent. As [`new`](Self::new), but control characters become visible: a server that
    /// forwards them is hostile or careless, and the reader should see that. Another server may accept longer texts, so
    /// only the length of the line is limited.
    pub(crate) fn from_peer(raw: &str) -> Result<Self, TextError> {
        if raw.trim().is_empty() {
            return Err(TextError::Blank);
        }
        Self::cleaned(&clean(raw, push_visible))
    }

    fn cleaned(clean: &str) -> Result<Self, TextError> {
        let text = clean.trim_matches('\n');
        if text.trim().is_empty() {
            return Err(TextError::Blank);
        }
        Ok(Self(ByteString::from(text)))
    }

    /// Returns the text. Inner line breaks are line feeds.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text as an owned string.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0.to_string()
    }

    /// Returns the text as plain listeners receive it: each inner line break is one space.
    #[must_use]
    pub fn flattened(&self) -> Cow<'_, str> {
        if self.0.contains('\n') { Cow::Owned(self.0.replace('\n', " ")) } else { Cow::Borrowed(&self.0) }
    }
}

/// The error of a text that cannot be a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// It has only white space: on the wire that would be a ping.
    #[error("the message is empty")]
    Blank,
    /// It is longer than [`MAX_TEXT_BYTES`].
    #[error("the message has {bytes} bytes; the limit is {MAX_TEXT_BYTES}")]
    TooLong {
        /// The length after cleaning.
        bytes: usize,
    },
}

impl FromStr for Text {
    type Err = TextError;

    fn from_str(raw: &str) -> Result<Self, TextError> {
        Self::new(raw)
    }
}

impl TryFrom<&str> for Text {
    type Error = TextError;

    fn try_from(raw: &str) -> Result<Self, TextError> {
        Self::new(raw)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.into_string()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({:?})", &*self.0)
    }
}

/// Replaces all line breaks by line feeds, and passes other control characters to `put`.
fn clean(raw: &str, put: fn(&mut String, char)) -> Cow<'_, str> {
    if is_printable_ascii(raw) || !raw.chars().any(|c| is_refused_control(c) || is_separator(c)) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len() + 16);
    for c in raw.replace("\r\n", "\n").chars() {
        if is_refused_control(c) {
            put(&mut out, c);
        } else {
            out.push(if is_separator(c) { '\n' } else { c });
        }
    }
    Cow::Owned(out)
}

/// Returns whether a text has only printable ASCII, as most texts have. Checking all bytes without an early exit can be
/// vectorized, and is several times faster than checking characters.
pub(crate) fn is_printable_ascii(raw: &str) -> bool {
    raw.bytes().fold(true, |all, byte| all & (0x20..0x7f).contains(&byte))
}

fn is_refused_control(c: char) -> bool {
    c.is_control() && c != '\t' && c != '\n'
}

/// Returns whether a character is LINE SEPARATOR or PARAGRAPH SEPARATOR. Public clients split lines at them, so they could
/// forge a second line.
fn is_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_spaces_and_removes_controls() {
        let text = Text::new("\u{1}a\tb\u{1b}[31m \r\n").unwrap();
        assert_eq!(text.as_str(), "a\tb[31m ");
    }

    #[test]
    fn shows_everything_a_server_sent() {
        let text = Text::from_peer("\u{1}a\tb\u{1b}[31m\u{9b}\u{7f} \r\n\u{2028}c\rd\n").unwrap();
        assert_eq!(text.as_str(), "␁a\tb␛[31m<U+009B>␡ \n\nc␍d");
        for blank in ["", "\t \n", "\r\n\u{2028}", "\u{85}\u{b}"] {
            assert_eq!(Text::from_peer(blank), Err(TextError::Blank), "{blank:?}");
        }
    }

    #[test]
    fn refuses_blank_texts() {
        for blank in ["", " ", "\t \n", "\u{1}", "\r\n\u{2028}", "\u{a0}"] {
            assert_eq!(Text::new(blank), Err(TextError::Blank), "{blank:?}");
        }
    }

    #[test]
    fn flattens_line_breaks_to_spaces() {
        assert_eq!(Text::new("a\u{2028}b\r\nc").unwrap().flattened(), "a b c");
    }

    #[test]
    fn the_limit_is_on_the_cleaned_text() {
        assert!(Text::new(&"x".repeat(MAX_TEXT_BYTES)).is_ok());
        let over = Text::new(&"x".repeat(MAX_TEXT_BYTES + 1));
        assert_eq!(over, Err(TextError::TooLong { bytes: MAX_TEXT_BYTES + 1 }));
    }

    proptest! {
        #[test]
        fn shows_all_control_characters_of_a_peer(raw in any::<String>()) {
            if let Ok(text) = Text::from_peer(&raw) {
                prop_assert!(!text.as_str().chars().any(|c| c.is_control() && c != '\t' && c != '\n'));
                prop_assert_eq!(&Text::new(text.as_str()).unwrap(), &text);
                let unified = raw.replace("\r\n", "\n");
                let inner = unified.trim_matches(|c| c == '\n' || is_separator(c));
                prop_assert!(text.as_str().chars().count() >= inner.chars().count());
            }
        }

        #[test]
        fn cleaning_twice_changes_nothing(raw in any::<String>()) {
            if let Ok(text) = Text::new(&raw) {
                prop_assert_eq!(&Text::new(text.as_str()).unwrap(), &text);
                prop_assert!(!text.flattened().chars().any(|c| c.is_control() && c != '\t'));
                prop_assert!(!text.flattened().trim().is_empty());
            }
        }
    }
}
