//! Plain lines of the listen port that arrived together, as one block: the fast path of a busy listener. Equivalent to
//! the messages of the single lines.

use bytes::Bytes;
use bytestring::ByteString;

use crate::line::Line;
use crate::message::Message;

/// Consecutive plain lines such as `Keen Bob: hello`, each of which is a message that needs no cleaning: without control
/// characters, extension lines, or white space that parsing would drop. Never empty.
///
/// Cloning is cheap.
///
/// ```
/// use chat_proto::PlainLines;
///
/// let lines = PlainLines::new("Keen Bob: one\nKeen Bob: two\n".into()).expect("simple lines");
/// assert_eq!(lines.count(), 2);
/// assert_eq!(lines.messages().last().map(|message| message.text.into_string()).as_deref(), Some("two"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PlainLines {
    /// The lines; the last byte is a line feed.
    text: ByteString,
    count: usize,
}

impl PlainLines {
    /// Checks whole lines, with the line feed of the last one.
    ///
    /// # Errors
    /// Returns the lines if one of them needs more than that. They must then be handled one by one.
    pub fn new(lines: Bytes) -> Result<Self, Bytes> {
        if lines.last() != Some(&b'\n') || !is_simple(&lines) {
            return Err(lines);
        }
        let Ok(text) = ByteString::try_from(lines.clone()) else { return Err(lines) };
        if !is_clean_at_a_glance(&lines) && !split(&text).all(needs_no_cleaning) {
            return Err(lines);
        }
        let count = memchr::memchr_iter(b'\n', &lines).count();
        Ok(Self { text, count })
    }

    /// Creates a block of that many lines that are known to be [simple](is_simple) and to need no cleaning. Returns `None` if
    /// they are not UTF-8.
    pub(crate) fn of_simple(lines: Bytes, count: usize) -> Option<Self> {
        Some(Self { text: ByteString::try_from(lines).ok()?, count })
    }

    /// Returns the lines as they arrived, each with its line feed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the number of messages.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns each line without its line feed.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        split(&self.text)
    }

    /// Returns each line as a message.
    pub fn messages(&self) -> impl Iterator<Item = Message> {
        self.lines().filter_map(|line| Message::from_plain(&Line::from_text(self.text.slice_ref(line))))
    }
}

/// Shows only the size: the content is text of other users.
impl std::fmt::Debug for PlainLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PlainLines({} lines, {} bytes)", self.count, self.text.len())
    }
}

/// How many bytes are checked without an early exit. Such a loop can be vectorized, which is several times faster.
const STRETCH: usize = 1024;

/// Returns whether there are only printable ASCII, Latin, Greek and Cyrillic letters, and line feeds.
pub(crate) fn is_simple(bytes: &[u8]) -> bool {
    bytes.chunks(STRETCH).all(|stretch| is_simple_ascii(stretch) || has_simple_letters(stretch))
}

/// Returns whether there is only printable ASCII, and line feeds.
fn is_simple_ascii(bytes: &[u8]) -> bool {
    // As a signed number a byte from 0x80 on is less than a space too, which makes one comparison of two.
    let odd = |b: u8| ((b.cast_signed() < 0x20) & (b != b'\n')) | (b == 0x7f);
    !bytes.iter().fold(false, |found, &byte| found | odd(byte))
}

fn has_simple_letters(bytes: &[u8]) -> bool {
    let odd = |b: u8| {
        // By lead byte: C0 controls and DEL; C1 and no-break space; combining marks; everything from Armenian on, which
        // includes line separators, direction marks and invisible characters.
        ((b < 0x20) & (b != b'\n'))
            | (b == 0x7f)
            | ((0xc0..=0xc2).contains(&b))
            | (b == 0xcc)
            | (b == 0xcd)
            | (b >= 0xd4)
    };
    !bytes.iter().fold(false, |found, &byte| found | odd(byte))
}

/// Returns whether no line can need cleaning: no space begins a line or precedes a colon, and no line is empty. Most blocks are
/// like that, and no line has to be found for it.
fn is_clean_at_a_glance(lines: &[u8]) -> bool {
    let odd = |(&a, &b): (&u8, &u8)| ((a == b'\n') & ((b == b' ') | (b == b'\n'))) | ((a == b' ') & (b == b':'));
    let pairs = lines.iter().zip(&lines[lines.len().min(1)..]);
    !matches!(lines.first(), None | Some(b' ' | b'\n')) && !pairs.fold(false, |found, pair| found | odd(pair))
}

/// Returns whether parsing would leave a line unchanged: nothing to trim around the sender, which ends at the first
/// colon and space.
fn needs_no_cleaning(line: &str) -> bool {
    let bytes = line.as_bytes();
    if bytes.first().is_none_or(|&first| first == b' ') {
        return false;
    }
    let end = memchr::memchr_iter(b':', bytes).find(|&colon| bytes.get(colon + 1) == Some(&b' '));
    end.is_none_or(|colon| colon == 0 || bytes[colon - 1] != b' ')
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', text.as_bytes()).map(move |feed| {
        let line = &text[start..feed];
        start = feed + 1;
        line
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(text: &str) -> Result<PlainLines, Bytes> {
        PlainLines::new(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn accepts_simple_lines() {
        let lines = block("Keen Bob: hello \nсмелая Аня: привет: да\nno sender\nx:y\n: z\n").unwrap();
        assert_eq!(lines.count(), 5);
        let messages: Vec<_> = lines.messages().collect();
        assert_eq!(messages[0].sender.as_ref().unwrap().as_str(), "Keen Bob");
        assert_eq!(messages[1].text.as_str(), "привет: да");
        assert_eq!(messages[2].sender, None);
    }

    #[test]
    fn returns_other_lines() {
        for odd in [
            "",
            "Bob: torn",
            "Bob: x\n\n",
            " Bob: x\n",
            "Bob : x\n",
            "\u{1}{\"seq\": 1}\n",
            "Bob: a\rb\n",
            "Bob: \u{1b}[31m\n",
            "Bob: \u{9b}\n",
            "Bob: a\u{2028}b\n",
            "\u{a0}Bob: x\n",
            "Bob: \u{202e}x\n",
            "Bob: e\u{301}\n",
        ] {
            assert_eq!(block(odd), Err(Bytes::copy_from_slice(odd.as_bytes())), "{odd:?}");
        }
        let torn = Bytes::from_static(b"Bob: \xd0\n");
        assert_eq!(PlainLines::new(torn.clone()), Err(torn));
    }

    proptest! {
        #[test]
        fn equals_the_lines_one_by_one(
            lines in prop::collection::vec("[ :a-cЖé\u{301}\u{a0}\u{9b}\r\u{1}\u{2028}]{0,8}", 1..6),
        ) {
            let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            if let Ok(block) = block(&text) {
                let one_by_one: Vec<_> = lines.iter().filter_map(|line| Message::from_plain(&Line::from(line.as_str()))).collect();
                prop_assert_eq!(block.messages().collect::<Vec<_>>(), one_by_one.clone());
                prop_assert_eq!((block.count(), block.lines().collect::<Vec<_>>()), (lines.len(), lines.iter().map(String::as_str).collect()));
                let written: String = one_by_one.iter().map(|message| format!("{}\n", message.to_plain().as_str())).collect();
                prop_assert_eq!(block.as_str(), written);
            }
        }
    }
}
