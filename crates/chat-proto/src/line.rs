//! One line of the wire: UTF-8 text without its line feed. It knows nothing of what the line means.

use bytes::Bytes;
use bytestring::ByteString;

/// The first byte of an extension line (SOH). Legacy text cannot contain it, because control
/// characters are removed from text.
pub const EXTENSION_MARK: char = '\u{1}';

/// One line, without its line feed and without one trailing carriage return.
///
/// The content is valid UTF-8: bytes that were not are replaced by U+FFFD when the line is built.
/// Cloning is cheap; a line shares the buffer it was cut from.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Line(ByteString);

impl Line {
    /// Builds a line from what stood before a line feed. One trailing CR is stripped and bytes that
    /// are not UTF-8 become U+FFFD (protocol, section 2).
    ///
    /// A line feed inside would make two lines of one on the wire, so it becomes a space here.
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

    /// A line whose text is known to hold no line feed and no trailing carriage return.
    pub(crate) fn from_text(text: ByteString) -> Self {
        Self(text)
    }

    /// A line that is part of the protocol itself; no allocation.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(ByteString::from_static(text))
    }

    /// The text of the line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the line counts as empty: nothing in it but white space (protocol, section 2).
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// The JSON of an extension line, without its mark; `None` for a plain line.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.0.strip_prefix(EXTENSION_MARK)
    }

    /// The shared text, for a caller that keeps it.
    #[must_use]
    pub fn into_text(self) -> ByteString {
        self.0
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

/// Says the length only: a line may carry a token.
impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trailing_carriage_return_goes_and_a_second_stays() {
        assert_eq!(Line::from("hi\r").as_str(), "hi");
        assert_eq!(Line::from("hi\r\r").as_str(), "hi\r");
    }

    #[test]
    fn a_line_never_holds_a_line_feed() {
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
