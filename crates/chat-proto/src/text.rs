//! What a message says: text that is safe to put on the wire. It is not yet safe for a terminal;
//! that is the business of whoever shows it.

use std::borrow::Cow;

use bytestring::ByteString;

use crate::display::push_visible;

/// The longest text of one message, in bytes of UTF-8.
///
/// With its sender and every character escaped it still stays well below the 64 KiB line that kills
/// public listeners (protocol, section 3).
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// The content of a message: never blank, no control characters but tab, and line feed for an inner
/// line break. At most [`MAX_TEXT_BYTES`] to post; what another server sent may be longer.
///
/// Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(ByteString);

impl Text {
    /// Cleans `raw` and checks it. CR LF, U+2028 and U+2029 become line feeds; other control
    /// characters but tab are removed. Line breaks at either end are dropped, spaces are kept: they
    /// are data.
    ///
    /// # Errors
    /// [`TextError::Blank`] when nothing but white space is left, [`TextError::TooLong`] when it is
    /// over the limit.
    pub fn new(raw: &str) -> Result<Self, TextError> {
        if raw.len() > 4 * MAX_TEXT_BYTES {
            // Not worth cleaning: no honest text shrinks to a quarter.
            return Err(TextError::TooLong { bytes: raw.len() });
        }
        let text = Self::cleaned(&clean(raw, |_, _| {}))?;
        if text.0.len() > MAX_TEXT_BYTES {
            return Err(TextError::TooLong { bytes: text.0.len() });
        }
        Ok(text)
    }

    /// Cleans what a server sent: the same, but control characters become visible. A server that lets them through
    /// is hostile or careless, and whoever reads should see that. Another server may take longer texts than ours, so
    /// only the line that it came in bounds its length.
    pub(crate) fn received(raw: &str) -> Result<Self, TextError> {
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

    /// The text; inner line breaks are line feeds.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as plain listeners get it: each inner line break is one space.
    #[must_use]
    pub fn flattened(&self) -> Cow<'_, str> {
        if self.0.contains('\n') { Cow::Owned(self.0.replace('\n', " ")) } else { Cow::Borrowed(&self.0) }
    }
}

/// Why a text cannot be a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// Nothing but white space: on the wire that would be a ping, not a message.
    #[error("the message is empty")]
    Blank,
    /// Over [`MAX_TEXT_BYTES`].
    #[error("the message has {bytes} bytes; the limit is {MAX_TEXT_BYTES}")]
    TooLong {
        /// Its length after cleaning.
        bytes: usize,
    },
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({:?})", &*self.0)
    }
}

/// Makes all line breaks line feeds. What becomes of a control character is up to `put`.
fn clean(raw: &str, put: fn(&mut String, char)) -> Cow<'_, str> {
    if is_printable_ascii(raw) || !raw.chars().any(|c| must_go(c) || is_separator(c)) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len() + 16);
    for c in raw.replace("\r\n", "\n").chars() {
        if must_go(c) {
            put(&mut out, c);
        } else {
            out.push(if is_separator(c) { '\n' } else { c });
        }
    }
    Cow::Owned(out)
}

/// Whether a text is nothing but printable ASCII, as most are: looking at bytes without stopping at
/// the first odd one is several times faster than looking at characters.
pub(crate) fn is_printable_ascii(raw: &str) -> bool {
    raw.bytes().fold(true, |all, byte| all & (0x20..0x7f).contains(&byte))
}

fn must_go(c: char) -> bool {
    c.is_control() && c != '\t' && c != '\n'
}

/// LINE SEPARATOR and PARAGRAPH SEPARATOR: public clients split at them, so kept as they are they
/// would forge a second line.
fn is_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_tabs_and_trailing_spaces_and_drops_controls() {
        let text = Text::new("\u{1}a\tb\u{1b}[31m \r\n").unwrap();
        assert_eq!(text.as_str(), "a\tb[31m ");
    }

    #[test]
    fn what_a_server_sent_loses_nothing_unseen() {
        let text = Text::received("\u{1}a\tb\u{1b}[31m\u{9b}\u{7f} \r\n\u{2028}c\rd\n").unwrap();
        assert_eq!(text.as_str(), "␁a\tb␛[31m<U+009B>␡ \n\nc␍d");
        for blank in ["", "\t \n", "\r\n\u{2028}", "\u{85}\u{b}"] {
            assert_eq!(Text::received(blank), Err(TextError::Blank), "{blank:?}");
        }
    }

    #[test]
    fn blank_is_refused() {
        for blank in ["", " ", "\t \n", "\u{1}", "\r\n\u{2028}", "\u{a0}"] {
            assert_eq!(Text::new(blank), Err(TextError::Blank), "{blank:?}");
        }
    }

    #[test]
    fn separators_are_line_breaks_and_flatten_to_one_space() {
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
        fn a_received_text_holds_no_control_character_and_hides_none(raw in any::<String>()) {
            if let Ok(text) = Text::received(&raw) {
                prop_assert!(!text.as_str().chars().any(|c| c.is_control() && c != '\t' && c != '\n'));
                prop_assert_eq!(&Text::new(text.as_str()).unwrap(), &text);
                let unified = raw.replace("\r\n", "\n");
                let inner = unified.trim_matches(|c| c == '\n' || is_separator(c));
                prop_assert!(text.as_str().chars().count() >= inner.chars().count());
            }
        }

        #[test]
        fn cleaning_is_idempotent_and_flattening_is_one_line(raw in any::<String>()) {
            if let Ok(text) = Text::new(&raw) {
                prop_assert_eq!(&Text::new(text.as_str()).unwrap(), &text);
                prop_assert!(!text.flattened().chars().any(|c| c.is_control() && c != '\t'));
                prop_assert!(!text.flattened().trim().is_empty());
            }
        }
    }
}
