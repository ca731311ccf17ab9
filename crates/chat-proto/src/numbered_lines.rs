//! Lines of a numbered log that arrived together, as one block: the fast path of a listener that catches up. Equivalent to
//! the messages of the single lines.

use std::fmt;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};

use crate::account::MAX_NICKNAME_BYTES;
use crate::ident::{Position, Seq, StreamId};
use crate::message::Message;
use crate::plain_lines::{PlainLines, is_simple};

/// Consecutive messages of a numbered log, each of which needs no cleaning, as for [`PlainLines`], and whose line is spelled
/// as [`encode_numbered`](crate::encode_numbered) does it. Never empty.
///
/// Cloning is cheap.
///
/// ```
/// use std::time::Instant;
/// use chat_proto::{Line, ListenerClient, ListenerClientConfig, ListenerClientEvent, Nonce, Output, StateMachine};
/// use chat_proto::{ResumeFrom, ResumeRequest};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (request, now) = (ResumeRequest::new(ResumeFrom::Last(9), Nonce::new("8c1d")?), Instant::now());
/// let mut client = ListenerClient::new(ListenerClientConfig::default().with_resume(Some(request)), now);
/// let answer = "\u{1}{\"stream\": \"k3f9\", \"from\": 1, \"head\": 2, \"nonce\": \"8c1d\"}";
/// client.handle_input(Line::from(answer), now)?;
/// let message = |seq| format!("\u{1}{{\"seq\": {seq}, \"at\": 5, \"nick\": \"Bob\", \"text\": \"hi\"}}\n");
/// client.handle_lines((message(1) + &message(2)).into(), now).expect("a numbered log");
/// let block = loop {
///     if let Output::Event(ListenerClientEvent::NumberedLines(block)) = client.poll_output() {
///         break block;
///     }
/// };
/// assert_eq!((block.count(), block.last().seq, block.plain().as_str()), (2, 2, "Bob: hi\nBob: hi\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct NumberedLines {
    stream: StreamId,
    first: Seq,
    times: Arc<[i64]>,
    lines: PlainLines,
}

impl NumberedLines {
    /// Takes the messages at the beginning of a block of whole lines, of which `next` is the first. Returns `None`, and
    /// takes nothing, if the first line has to be parsed in the general way.
    pub(crate) fn take_from(block: &mut Bytes, stream: &StreamId, next: Seq) -> Option<Self> {
        let (mut plain, mut times, mut used) = (Vec::new(), Vec::new(), 0);
        let mut seq = next;
        while let Some(length) = memchr::memchr(b'\n', &block[used..]) {
            let Some(line) = SimpleLine::parse(&block[used..used + length]).filter(|line| line.seq == seq) else {
                break;
            };
            if times.is_empty() {
                plain.reserve(block.len());
            }
            for piece in [line.nick, b": ", line.text, b"\n"] {
                plain.extend_from_slice(piece);
            }
            times.push(line.at);
            used += length + 1;
            seq += 1;
        }
        if times.is_empty() {
            return None;
        }
        // `None` for bytes that are not UTF-8.
        let lines = PlainLines::of_simple(plain.into(), times.len())?;
        block.advance(used);
        Some(Self { stream: stream.clone(), first: next, times: times.into(), lines })
    }

    /// Returns the number of messages.
    #[must_use]
    pub fn count(&self) -> usize {
        self.times.len()
    }

    /// Returns the position of the message before the first.
    #[must_use]
    pub fn after(&self) -> Position {
        Position { stream: self.stream.clone(), seq: self.first.saturating_sub(1) }
    }

    /// Returns the position of the last message.
    #[must_use]
    pub fn last(&self) -> Position {
        // Lossless: `usize` has at most 64 bits.
        Position { stream: self.stream.clone(), seq: self.first.saturating_sub(1) + self.count() as u64 }
    }

    /// Returns the messages as plain lines.
    #[must_use]
    pub fn plain(&self) -> &PlainLines {
        &self.lines
    }

    /// Returns each message as a plain line without its line feed, with its time in milliseconds since the Unix epoch.
    pub fn timed_lines(&self) -> impl Iterator<Item = (i64, &str)> {
        self.times.iter().copied().zip(self.lines.lines())
    }

    /// Returns the messages one by one.
    pub fn messages(&self) -> impl Iterator<Item = Message> {
        self.times.iter().zip(self.lines.messages()).zip(self.first..).map(|((at, message), seq)| {
            message.with_position(Position { stream: self.stream.clone(), seq }).with_time(*at)
        })
    }
}

/// Shows only the size: the content is text of other users.
impl fmt::Debug for NumberedLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NumberedLines({} from {})", self.count(), self.first)
    }
}

/// A line in exactly the spelling of a server of this project. Every other spelling is left to the parser of JSON.
struct SimpleLine<'a> {
    seq: Seq,
    at: i64,
    nick: &'a [u8],
    text: &'a [u8],
}

impl<'a> SimpleLine<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let (seq, rest) = number(line.strip_prefix(b"\x01{\"seq\": ")?)?;
        let (at, rest) = number(rest.strip_prefix(b", \"at\": ")?)?;
        let (nick, rest) = string(rest.strip_prefix(b", \"nick\": \"")?)?;
        let (text, rest) = string(rest.strip_prefix(b", \"text\": \"")?)?;
        let is_plain = rest == b"}" && is_plain_name(nick) && text.iter().any(|&byte| byte != b' ') && is_simple(text);
        is_plain.then_some(Self { seq, at: at.try_into().ok()?, nick, text })
    }
}

/// Returns whether a name can be written unchanged before `": "`, and be found there again.
fn is_plain_name(nick: &[u8]) -> bool {
    let ends = [nick.first(), nick.last()];
    let trimmed = ends.into_iter().all(|end| end.is_some_and(|&byte| byte != b' '));
    trimmed && nick.len() <= MAX_NICKNAME_BYTES && memchr::memchr(b':', nick).is_none() && is_simple(nick)
}

/// Parses a number of JSON that is neither negative nor longer than it needs to be.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at_checked(length)?;
    // Nineteen digits fit into 64 bits.
    if digits.is_empty() || digits.len() > 19 || (digits.len() > 1 && digits.first() == Some(&b'0')) {
        return None;
    }
    Some((digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')), rest))
}

/// Splits a string without escapes off, whose first quotation mark was read already.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr2(b'"', b'\\', bytes)?;
    let (content, rest) = bytes.split_at_checked(end)?;
    Some((content, rest.strip_prefix(b"\"")?))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;
    use crate::extension::{Extension, encode_numbered};
    use crate::line::Line;
    use crate::text::Text;

    fn stream() -> StreamId {
        StreamId::new("k3f9").unwrap()
    }

    fn take(block: &mut Bytes, next: Seq) -> Option<NumberedLines> {
        NumberedLines::take_from(block, &stream(), next)
    }

    /// Parses a line in the general way.
    fn message(line: &str) -> Option<Message> {
        let line = Line::from(line);
        let Some(Extension::Numbered(found)) = Extension::parse(line.extension()?) else { return None };
        let position = Position { stream: stream(), seq: found.seq };
        Some(Message::new(Some(found.sender), found.text).with_position(position).with_time(found.at))
    }

    fn encoded(messages: &[(Seq, &str, &str)]) -> Bytes {
        let mut out = BytesMut::new();
        for (seq, nick, text) in messages {
            encode_numbered(&mut out, *seq, 1_700_000_000_123, nick, &Text::new(text).unwrap());
        }
        out.freeze()
    }

    #[test]
    fn takes_simple_messages_up_to_another() {
        let mut block = encoded(&[(7, "Keen Bob", "a: b"), (8, "смелая Аня", " привет "), (9, "Bob", "\"quoted\"")]);
        let rest = encoded(&[(9, "Bob", "\"quoted\"")]);
        let lines = take(&mut block, 7).unwrap();
        assert_eq!((lines.count(), lines.after().seq, lines.last().seq, block.clone()), (2, 6, 8, rest));
        assert_eq!(lines.plain().as_str(), "Keen Bob: a: b\nсмелая Аня:  привет \n");
        assert_eq!(take(&mut block, 9), None);
    }

    #[test]
    fn leaves_other_lines_to_the_parser() {
        for odd in [
            r#"{"seq": 8, "at": 1, "nick": "Bob", "text": "x"}"#,
            r#"{"seq": 07, "at": 1, "nick": "Bob", "text": "x"}"#,
            r#"{"seq":7, "at": 1, "nick": "Bob", "text": "x"}"#,
            r#"{"seq": 7, "at": -1, "nick": "Bob", "text": "x"}"#,
            r#"{"seq": 7, "at": 99999999999999999999, "nick": "Bob", "text": "x"}"#,
            r#"{"seq": 7, "at": 9999999999999999999, "nick": "Bob", "text": "x"}"#,
            r#"{"seq": 7, "at": 1, "nick": "B: b", "text": "x"}"#,
            r#"{"seq": 7, "at": 1, "nick": " Bob", "text": "x"}"#,
            r#"{"seq": 7, "at": 1, "nick": "", "text": "x"}"#,
            r#"{"seq": 7, "at": 1, "nick": "Bob", "text": "  "}"#,
            r#"{"seq": 7, "at": 1, "nick": "Bob", "text": "\u0041"}"#,
            r#"{"seq": 7, "at": 1, "nick": "Bob", "text": "x", "new": 1}"#,
            r#"{"seq": 7, "at": 1, "nick": "Bob", "text": "x"} "#,
            r#"{"removed": 7, "at": 1}"#,
            "{",
            "",
        ] {
            let mut block = Bytes::from(format!("\u{1}{odd}\n"));
            assert_eq!(take(&mut block, 7), None, "{odd}");
        }
        let torn = Bytes::from_static(b"\x01{\"seq\": 7, \"at\": 1, \"nick\": \"Bob\", \"text\": \"\xd0\"}\n");
        let mut block = torn.clone();
        assert_eq!((take(&mut block, 7), block), (None, torn));
    }

    proptest! {
        #[test]
        fn equals_the_lines_one_by_one(
            lines in prop::collection::vec(("[ :a-cЖé\u{301}\u{a0}\u{2028}\"\\\\]{0,4}", "[ :a-cЖé\u{301}\u{9b}\u{2028}\"\\\\/n]{0,5}"), 1..6),
        ) {
            // Written as they are, so that quotation marks and backslashes become anything.
            let line = |(seq, (nick, text)): (usize, &(String, String))| {
                format!("\u{1}{{\"seq\": {}, \"at\": 5, \"nick\": \"{nick}\", \"text\": \"{text}\"}}\n", seq + 1)
            };
            let lines: Vec<String> = lines.iter().enumerate().map(line).collect();
            let mut block = Bytes::from(lines.concat());
            let taken = take(&mut block, 1);
            let count = taken.as_ref().map_or(0, NumberedLines::count);
            let fast: Vec<_> = taken.iter().flat_map(NumberedLines::messages).map(Some).collect();
            let slow: Vec<_> = lines[..count].iter().map(|line| message(line.trim_end_matches('\n'))).collect();
            prop_assert_eq!(fast, slow);
            prop_assert_eq!(block, Bytes::from(lines[count..].concat()));
        }
    }
}
