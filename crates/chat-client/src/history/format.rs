//! Parses and formats one line of a history file, `[14.01.23 17:07] Vlad: text`.
//!
//! A line break inside a message is written as `␊` and read as a line break. Other control characters are written as
//! control pictures, and bidirectional controls as their code point, so that `cat` is safe and a message stays on one
//! line. A `␊` in a text is written as its code point too: a history never contains it for anything but a line break.
//! What is written as a code point is read as that text.

use std::borrow::Cow;

use bytes::Bytes;
use chat_proto::{Line, Message, NumberedLines, PlainLines};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::display;

/// The times that a stamp can represent, in milliseconds since 1970: its year has two digits, of this century, in any
/// time zone.
const STAMPED: std::ops::Range<i64> = 946_857_600_000..4_102_272_000_000;

/// Represents a line break inside a message.
pub(crate) const LINE_BREAK: char = '␊';

/// The length of `[14.01.23 17:07] `.
const STAMP_BYTES: usize = 17;

/// Formats stamps. The text is cached for the current minute, so that a stamp per line costs nothing.
#[derive(Debug)]
pub(crate) struct Stamp {
    zone: TimeZone,
    minute: i64,
    text: String,
}

impl Stamp {
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self { zone, minute: i64::MIN, text: String::new() }
    }

    /// Returns the stamp for a time in milliseconds since the Unix epoch.
    fn at(&mut self, at: i64) -> &str {
        let minute = at.div_euclid(60_000);
        if minute != self.minute {
            let time = Timestamp::from_millisecond(at).unwrap_or_else(|_| Timestamp::now());
            self.text = time.to_zoned(self.zone.clone()).strftime("[%d.%m.%y %H:%M] ").to_string();
            self.minute = minute;
        }
        &self.text
    }

    /// Appends the line of a message, with its line feed. `now` is the time of a message that has none.
    pub(crate) fn append(&mut self, out: &mut Vec<u8>, message: &Message, now: i64) {
        out.extend_from_slice(self.at(said_at(message, now)).as_bytes());
        if let Some(sender) = &message.sender {
            append_clean(out, sender.as_str());
            out.extend_from_slice(b": ");
        }
        append_clean(out, message.text.as_str());
        out.push(b'\n');
    }
}

impl Stamp {
    /// Appends the lines of messages that need no change, without inspecting them again.
    pub(crate) fn append_lines(&mut self, out: &mut Vec<u8>, lines: &PlainLines, now: i64) {
        let stamp = self.at(now).as_bytes();
        let text = lines.as_str().as_bytes();
        out.reserve(text.len() + lines.count() * stamp.len());
        // A copy of a constant length needs no call, and the line feed comes with its line.
        let usual = <&[u8; STAMP_BYTES]>::try_from(stamp);
        let mut start = 0;
        for feed in memchr::memchr_iter(b'\n', text) {
            match usual {
                Ok(stamp) => out.extend_from_slice(stamp),
                Err(_) => out.extend_from_slice(stamp),
            }
            out.extend_from_slice(&text[start..=feed]);
            start = feed + 1;
        }
    }
}

impl Stamp {
    /// Appends the lines of numbered messages, each with its own time, as [`Stamp::append_lines`] does.
    pub(crate) fn append_numbered(&mut self, out: &mut Vec<u8>, lines: &NumberedLines, now: i64) {
        out.reserve(lines.plain().as_str().len() + lines.count() * STAMP_BYTES);
        for (at, line) in lines.timed_lines() {
            let at = if STAMPED.contains(&at) { at } else { now };
            out.extend_from_slice(self.at(at).as_bytes());
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
    }
}

/// Returns the time of a message in milliseconds since 1970: the server's, or `now` if it gives none, or one outside
/// this century, which would damage the line.
#[must_use]
pub fn said_at(message: &Message, now: i64) -> i64 {
    message.at.filter(|at| STAMPED.contains(at)).unwrap_or(now)
}

pub(super) fn append_clean(out: &mut Vec<u8>, text: &str) {
    // These bytes start the C1 controls, the bidirectional controls, and some harmless characters that the slow path
    // passes. There is no early exit, so that the compiler can vectorize the loop.
    let odd = |b: u8| (b < 0x20) | (b == 0x7f) | (b == 0xc2) | (b == 0xd8) | (b == 0xe2);
    if !text.bytes().fold(false, |found, b| found | odd(b)) {
        return out.extend_from_slice(text.as_bytes());
    }
    let (mut rest, mut shown) = (text, String::new());
    while let Some((at, c)) = rest.char_indices().find(|&(_, c)| must_show(c)) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        shown.clear();
        display::push_visible(&mut shown, c);
        out.extend_from_slice(shown.as_bytes());
        rest = &rest[at + c.len_utf8()..];
    }
    out.extend_from_slice(rest.as_bytes());
}

/// Returns whether a character would affect a terminal that shows the file unchanged, or would be read as another one.
fn must_show(c: char) -> bool {
    (c.is_control() && c != '\t') || display::turns_text(c) || c == LINE_BREAK
}

/// A date and time to the minute, in the time zone of the computer that wrote it. Later times are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct LocalMinute {
    /// The year; a stamp has only those of this century.
    pub year: i16,
    /// The month, from 1.
    pub month: i8,
    /// The day of the month, from 1.
    pub day: i8,
    /// The hour, from 0 to 23.
    pub hour: i8,
    /// The minute, from 0 to 59.
    pub minute: i8,
}

/// One line of a history file, possibly written by another program. Cloning is cheap.
///
/// Its content was written by peers: pass it through [`display`] before it reaches a terminal.
///
/// ```
/// use chat_client::History;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("history.txt");
/// std::fs::write(&path, "[14.01.26 17:07] Ann: hello\n")?;
/// let line = History::open(&path)?.tail(1)?.remove(0);
/// assert_eq!((line.sender(), &*line.text()), (Some("Ann"), "hello"));
/// assert_eq!(line.at().map(|at| (at.hour, at.minute)), Some((17, 7)));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    offset: u64,
    end: u64,
    line: Line,
    finished: bool,
}

impl HistoryLine {
    pub(crate) fn new(offset: u64, bytes: Bytes) -> Self {
        // Lossless: `usize` has at most 64 bits.
        let end = offset + bytes.len() as u64;
        let finished = bytes.last() == Some(&b'\n');
        let content = if finished { bytes.slice(..bytes.len() - 1) } else { bytes };
        // Editors on Windows put a byte-order mark in front of the first line.
        let mark = offset == 0 && content.starts_with(b"\xef\xbb\xbf");
        let content = if mark { content.slice(3..) } else { content };
        Self { offset, end, line: Line::from_bytes(content), finished }
    }

    /// Returns the file offset at which the line starts.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the file offset at which the next line starts.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Returns whether the line ends with a line feed. The last line may still be incomplete.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Returns the line as it is in the file; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn raw(&self) -> &str {
        self.line.as_str()
    }

    /// Returns the local time of its stamp; `None` without a valid stamp.
    #[must_use]
    pub fn at(&self) -> Option<LocalMinute> {
        parse_stamp(self.raw())
    }

    /// Returns the part after the stamp: `Vlad: text`.
    #[must_use]
    pub fn body(&self) -> &str {
        if self.at().is_some() { &self.raw()[STAMP_BYTES..] } else { self.raw() }
    }

    /// Returns the sender, which is the part before the first `": "`; `None` if there is none.
    #[must_use]
    pub fn sender(&self) -> Option<&str> {
        self.split().map(|(sender, _)| sender)
    }

    /// Returns the text, with inner line breaks as line feeds; the whole body if there is no sender.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        let text = self.split().map_or(self.body(), |(_, text)| text);
        if text.contains(LINE_BREAK) { Cow::Owned(text.replace(LINE_BREAK, "\n")) } else { Cow::Borrowed(text) }
    }

    fn split(&self) -> Option<(&str, &str)> {
        self.body().split_once(": ").filter(|(sender, text)| !sender.trim().is_empty() && !text.trim().is_empty())
    }
}

/// Parses the stamp at the start of a line. Two-digit years are in this century.
fn parse_stamp(line: &str) -> Option<LocalMinute> {
    let stamp: &[u8; STAMP_BYTES] = line.as_bytes().first_chunk()?;
    let marks = [(0, b'['), (3, b'.'), (6, b'.'), (9, b' '), (12, b':'), (15, b']'), (16, b' ')];
    if marks.iter().any(|&(place, mark)| stamp[place] != mark) {
        return None;
    }
    let two = |place: usize| {
        let (tens, ones) = (stamp[place], stamp[place + 1]);
        (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| ((tens - b'0') * 10 + ones - b'0') as i8)
    };
    let (day, month, year, hour, minute) = (two(1)?, two(4)?, two(7)?, two(10)?, two(13)?);
    let year = 2000 + i16::from(year);
    // Checks that there is such a day.
    DateTime::new(year, month, day, hour, minute, 0, 0).ok()?;
    Some(LocalMinute { year, month, day, hour, minute })
}

#[cfg(test)]
mod tests;
