//! One line of the wire, as UTF-8 text without its line feed.

use bytes::Bytes;
use bytestring::ByteString;

/// The first byte of an extension line (SOH). A text cannot contain it, because control characters are removed from texts.
pub const EXTENSION_MARK: char = '\u{1}';

/// One line, without its line feed and without one trailing carriage return.
///
/// The content is valid UTF-8: other bytes are replaced by U+FFFD when the line is created. Cloning is cheap; a line shares
/// the buffer from which it was cut.
///
/// ```
/// use chat_proto::Line;
///
/// assert_eq!(Line::from("hello\r").as_str(), "hello");
/// assert_eq!(Line::from("\u{1}{\"ping\": 1}").extension(), Some("{\"ping\": 1}"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Line(ByteString);

impl Line {
    /// Creates a line from the bytes before a line feed. One trailing CR is removed, and bytes that are not UTF-8 become
    /// U+FFFD (docs/protocol.md, section 1). A line feed inside becomes a space, because on the wire it would end the line.
    #[must_use]
    pub fn from_bytes(mut bytes: Bytes) -> Self {
        if bytes.last() == Some(&b'\r') {
            bytes.truncate(bytes.len() - 1);
        }
        if memchr::memchr(b'\n', &bytes).is_some() {
            let flat: Vec<u8> = bytes.iter().map(|&b| if b == b'\n' { b' ' } else { b }).collect();
            bytes = flat.into();
        }
        match ByteString::try_from(bytes.clone()) {
            Ok(text) => Self(text),
            Err(_) => Self(String::from_utf8_lossy(&bytes).into_owned().into()),
        }
    }

    /// Creates a line from a text that has no line feed and no trailing carriage return.
    pub(crate) fn from_text(text: ByteString) -> Self {
        Self(text)
    }

    /// Creates a line from a constant of the protocol without an allocation. The text must have no line feed.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(ByteString::from_static(text))
    }

    /// Returns the text of the line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the line counts as empty: it has only white space (docs/protocol.md, section 1).
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// Returns the JSON of an extension line, without the mark; `None` for a plain line.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.0.strip_prefix(EXTENSION_MARK)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::from_bytes(text.into())
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

/// Shows only the length: a line may be a token.
impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_one_trailing_carriage_return() {
        assert_eq!(Line::from("hi\r").as_str(), "hi");
        assert_eq!(Line::from("hi\r\r").as_str(), "hi\r");
    }

    #[test]
    fn a_line_has_no_line_feed() {
        assert_eq!(Line::from("a\nb").as_str(), "a b");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(Line::from_bytes(Bytes::from_static(b"a\xffb")).as_str(), "a\u{fffd}b");
    }

    #[test]
    fn debug_does_not_show_the_content() {
        assert_eq!(format!("{:?}", Line::from("secret")), "Line(6 bytes)");
    }
}
