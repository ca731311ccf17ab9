//! Parses one line of a history file of the original, `[14.01.23 17:07] Vlad: text`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The length of `[14.01.23 17:07] `.
const STAMP_BYTES: usize = 17;

/// Represents a line break inside a message, in files that `chat` has written.
const LINE_BREAK: char = '␊';

/// One stamped line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedHistoryLine<'a> {
    /// The date and time, in the time zone of the computer that wrote it.
    pub at: DateTime,
    /// The part before the first `": "`; `None` if there is none.
    pub sender: Option<&'a str>,
    /// The text, with inner line breaks as line feeds.
    pub text: String,
}

impl<'a> ParsedHistoryLine<'a> {
    /// Parses a line without its line feed. `None` without a valid stamp. Two-digit years are in this century.
    #[must_use]
    pub fn parse(line: &'a str) -> Option<Self> {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let at = parse_stamp(line.as_bytes().first_chunk()?)?;
        let body = line.get(STAMP_BYTES..)?;
        let split = body.split_once(": ").filter(|(sender, text)| !sender.trim().is_empty() && !text.trim().is_empty());
        let (sender, text) = split.map_or((None, body), |(sender, text)| (Some(sender), text));
        Some(Self { at, sender, text: text.replace(LINE_BREAK, "\n") })
    }

    /// Returns the time in milliseconds since the Unix epoch. A time that a change of clocks has skipped or repeated is
    /// taken as a program of that zone would take it.
    #[must_use]
    pub fn at_ms(&self, zone: &TimeZone) -> i64 {
        zone.to_timestamp(self.at).map_or(0, |at| at.as_millisecond())
    }
}

fn parse_stamp(stamp: &[u8; STAMP_BYTES]) -> Option<DateTime> {
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
mod tests {
    use super::*;

    #[test]
    fn parses_stamp_sender_and_text() {
        let line = ParsedHistoryLine::parse("[14.01.23 17:07] Vlad: two␊lines: here\r").unwrap();
        assert_eq!((line.sender, line.text.as_str()), (Some("Vlad"), "two\nlines: here"));
        assert_eq!(line.at_ms(&TimeZone::UTC), 1_673_716_020_000);
        assert_eq!(ParsedHistoryLine::parse("[14.01.23 17:07] connected").unwrap().sender, None);
        for wrong in
            ["", "[", "[14.01.23 17:07]", "[31.02.23 17:07] Vlad: x", "14.01.23 17:07 Vlad: x", "[14.01.23 17:07]й"]
        {
            assert_eq!(ParsedHistoryLine::parse(wrong), None, "{wrong}");
        }
    }
}
