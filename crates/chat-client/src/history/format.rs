//! One line of a history file, `[14.01.23 17:07] Vlad: text`: written and read side by side. No file is touched here.
//!
//! A line break inside a message is written `␊` and shown as a line break again. Other control characters become their
//! pictures, and what turns text around its number, so that `cat` is safe and a message stays one line.

use std::borrow::Cow;

use bytes::Bytes;
use chat_proto::{Line, Message, PlainLines};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::display;

/// The times that a stamp can say: its year has two digits, of this century, in any zone. In milliseconds since 1970.
const STAMPED: std::ops::Range<i64> = 946_857_600_000..4_102_272_000_000;

/// What stands for a line break inside a message.
pub(crate) const LINE_BREAK: char = '␊';

/// Length of `[14.01.23 17:07] `.
const STAMP_BYTES: usize = 17;

/// Writes stamps. The text is kept for as long as the minute lasts: a stamp per line costs nothing then.
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

    /// The stamp for a time in milliseconds since the Unix epoch.
    fn at(&mut self, at: i64) -> &str {
        let minute = at.div_euclid(60_000);
        if minute != self.minute {
            let time = Timestamp::from_millisecond(at).unwrap_or_else(|_| Timestamp::now());
            self.text = time.to_zoned(self.zone.clone()).strftime("[%d.%m.%y %H:%M] ").to_string();
            self.minute = minute;
        }
        &self.text
    }

    /// Appends the line of a message, its line feed included. `now` is the time of a message that brings none.
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
    /// Appends the lines of messages that read as they stand, so that nothing in them has to be looked at again.
    pub(crate) fn append_lines(&mut self, out: &mut Vec<u8>, lines: &PlainLines, now: i64) {
        let stamp = self.at(now).as_bytes();
        out.reserve(lines.as_str().len() + lines.count() * stamp.len());
        for line in lines.lines() {
            out.extend_from_slice(stamp);
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
    }
}

/// When a message counts as said, in milliseconds since 1970: at the time that the server gives, or `now` where it gives
/// none, or one outside this century, which is no time of a chat and would damage the line.
#[must_use]
pub fn said_at(message: &Message, now: i64) -> i64 {
    message.at.filter(|at| STAMPED.contains(at)).unwrap_or(now)
}

fn append_clean(out: &mut Vec<u8>, text: &str) {
    // These bytes begin the C1 controls and what turns text around, and some harmless characters that the slow way
    // lets through. Without an early way out the compiler looks at many bytes at once.
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

/// What would do something to a terminal that shows the file as it is.
fn must_show(c: char) -> bool {
    (c.is_control() && c != '\t') || display::turns_text(c)
}

/// One line of a history file, ours or an old one. Cloning is cheap.
///
/// All of it is what peers wrote: it has to pass through [`display`](crate::display) before a terminal sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    offset: u64,
    end: u64,
    line: Line,
    finished: bool,
}

impl HistoryLine {
    pub(crate) fn new(offset: u64, bytes: Bytes) -> Self {
        let end = offset + bytes.len() as u64;
        let finished = bytes.last() == Some(&b'\n');
        let content = if finished { bytes.slice(..bytes.len() - 1) } else { bytes };
        Self { offset, end, line: Line::from_bytes(content), finished }
    }

    /// Where the line starts in the file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the next line starts in the file.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Whether it ends with a line feed. The last line may still be being written.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// The line as it stands in the file; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn raw(&self) -> &str {
        self.line.as_str()
    }

    /// The local time of its stamp, to the minute; `None` where there is no stamp.
    #[must_use]
    pub fn at(&self) -> Option<DateTime> {
        parse_stamp(self.raw())
    }

    /// What follows the stamp: `Vlad: text`.
    #[must_use]
    pub fn body(&self) -> &str {
        if self.at().is_some() { &self.raw()[STAMP_BYTES..] } else { self.raw() }
    }

    /// Who wrote it: what stands before the first `": "`. `None` where there is no such thing.
    #[must_use]
    pub fn sender(&self) -> Option<&str> {
        self.split().map(|(sender, _)| sender)
    }

    /// What was written, inner line breaks as line feeds; the whole body where there is no sender.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        let text = self.split().map_or(self.body(), |(_, text)| text);
        if text.contains(LINE_BREAK) { Cow::Owned(text.replace(LINE_BREAK, "\n")) } else { Cow::Borrowed(text) }
    }

    fn split(&self) -> Option<(&str, &str)> {
        self.body().split_once(": ").filter(|(sender, text)| !sender.trim().is_empty() && !text.trim().is_empty())
    }
}

/// Reads the stamp that a line begins with. Two digits of a year are of this century.
fn parse_stamp(line: &str) -> Option<DateTime> {
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
    DateTime::new(2000 + i16::from(year), month, day, hour, minute, 0, 0).ok()
}

#[cfg(test)]
mod tests;
