//! Tests of writing and reading lines, with hostile texts and times.

use chat_proto::{Nickname, Text};
use proptest::prelude::*;

use super::*;

fn message(sender: Option<&str>, text: &str, at: Option<i64>) -> Message {
    let sender = sender.map(|name| Nickname::new(name).unwrap());
    let mut message = Message::new(sender, Text::new(text).unwrap());
    message.at = at;
    message
}

fn written(message: &Message) -> String {
    let mut out = Vec::new();
    Stamp::new(TimeZone::UTC).append(&mut out, message, 1_673_716_020_000);
    String::from_utf8(out).unwrap()
}

fn read(line: &str) -> HistoryLine {
    HistoryLine::new(0, Bytes::copy_from_slice(line.as_bytes()))
}

#[test]
fn matches_the_original_format() {
    assert_eq!(written(&message(Some("Vlad"), "text", None)), "[14.01.23 17:07] Vlad: text\n");
    let line = read("[14.01.23 17:07] Vlad: text: more \n");
    let minute = LocalMinute { year: 2023, month: 1, day: 14, hour: 17, minute: 7 };
    assert_eq!(line.at(), Some(minute));
    assert_eq!((line.sender(), &*line.text()), (Some("Vlad"), "text: more "));
}

#[test]
fn keeps_line_breaks_as_pictures() {
    let line = written(&message(Some("Bob"), "two\nlines", None));
    assert_eq!(line, "[14.01.23 17:07] Bob: two␊lines\n");
    assert_eq!(read(&line).text(), "two\nlines");
}

/// A picture in a text is not a line break, so it is written in another way and stays what it is.
#[test]
fn a_picture_is_not_a_line_break() {
    let line = written(&message(Some("Bob"), "the key ␊\nnow ␛", None));
    assert_eq!(line, "[14.01.23 17:07] Bob: the key <U+240A>␊now ␛\n");
    assert_eq!(read(&line).text(), "the key <U+240A>\nnow ␛");
    // A block of plain lines, which is written unchanged, cannot contain it.
    assert!(PlainLines::new(Bytes::from_static("Bob: the key ␊\n".as_bytes())).is_err());
}

#[test]
fn replaces_controls_by_pictures() {
    let mut out = Vec::new();
    append_clean(&mut out, "a\u{1b}[0m\tb\u{9b}é\u{7f}");
    assert_eq!(String::from_utf8(out).unwrap(), "a␛[0m\tb<U+009B>é␡");
}

#[test]
fn writes_bidi_controls_as_code_points() {
    let evil = "a\u{202e}b\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}";
    let line = written(&message(Some("E\u{202b}ve"), evil, None));
    assert_eq!(line, "[14.01.23 17:07] E<U+202B>ve: a<U+202E>b<U+2066><U+2069><U+200E><U+200F><U+061C>\n");
    // Characters that only hide, or are needed for spelling, are kept.
    let kept = "«a\u{200b}b» می\u{200c}خواهم ❤️ …";
    assert_eq!(written(&message(Some("Bob"), kept, None)), format!("[14.01.23 17:07] Bob: {kept}\n"));
}

#[test]
fn reads_foreign_lines_unchanged() {
    for odd in
        ["", "no stamp at all", "[99.99.99 99:99] x", "[14.01.23 17:07]", "[aa.bb.cc dd:ee] x", "[1é.01.23 17:0] x"]
    {
        let line = read(odd);
        assert_eq!((line.at(), line.body(), &*line.text()), (None, odd, odd));
    }
    assert_eq!(read("[14.01.23 17:07] Установлено соединение").sender(), None);
}

#[test]
fn stamp_follows_the_minute() {
    let mut stamp = Stamp::new(TimeZone::UTC);
    assert_eq!(stamp.at(1_673_716_079_999), "[14.01.23 17:07] ");
    assert_eq!(stamp.at(1_673_716_080_000), "[14.01.23 17:08] ");
}

#[test]
fn replaces_times_outside_the_century() {
    const NOW: i64 = 1_673_716_020_000;
    let years = [-9999, -1, 0, 1970, 1999, 2100, 2150, 9999];
    let hostile = years.map(|year| {
        let date = jiff::civil::date(year, 7, 1);
        date.to_zoned(TimeZone::UTC).unwrap().timestamp().as_millisecond()
    });
    for at in hostile.into_iter().chain([i64::MIN, i64::MAX, 0]) {
        for zone in [TimeZone::UTC, TimeZone::fixed(jiff::tz::offset(-12)), TimeZone::fixed(jiff::tz::offset(14))] {
            let (mut stamp, mut out) = (Stamp::new(zone.clone()), Vec::new());
            stamp.append(&mut out, &message(Some("Eve"), "hi", Some(at)), NOW);
            let line = read(std::str::from_utf8(&out).unwrap());
            let now = Timestamp::from_millisecond(NOW).unwrap().to_zoned(zone).datetime();
            let LocalMinute { year, month, day, hour, minute } = line.at().unwrap();
            let at_line = DateTime::new(year, month, day, hour, minute, 0, 0).unwrap();
            assert_eq!(at_line, now, "{at}");
            assert_eq!((line.sender(), &*line.text()), (Some("Eve"), "hi"), "{at}");
        }
    }
    // At the turn of a century the result depends on the zone; no line may be damaged by it.
    for (at, zone) in [(946_684_800_000, -12), (4_102_444_799_999, 14)] {
        let (mut stamp, mut out) = (Stamp::new(TimeZone::fixed(jiff::tz::offset(zone))), Vec::new());
        stamp.append(&mut out, &message(Some("Eve"), "hi", Some(at)), NOW);
        assert!(read(std::str::from_utf8(&out).unwrap()).at().is_some_and(|at| at.year == 2023), "{at}");
    }
}

proptest! {
    #[test]
    fn round_trips_as_one_line(sender in any::<String>(), text in any::<String>()) {
        if let (Ok(sender), Ok(text)) = (Nickname::new(&sender), Text::new(&text)) {
            let message = Message::new(Some(sender.clone()), text.clone());
            let line = written(&message);
            prop_assert_eq!(line.matches('\n').count(), 1);
            let unsafe_to_show = |c: char| (c.is_control() && c != '\t') || display::turns_text(c);
            prop_assert!(!line.trim_end_matches('\n').chars().any(unsafe_to_show));
            let kept = !format!("{sender}{text}").contains(|c| display::turns_text(c) || c == LINE_BREAK);
            if kept && !sender.as_str().contains(": ") && !sender.as_str().ends_with(':') {
                let read = read(&line);
                prop_assert_eq!(read.sender(), Some(sender.as_str()));
                prop_assert_eq!(&*read.text(), text.as_str());
            }
        }
    }

    #[test]
    fn writes_batches_like_single_lines(
        lines in prop::collection::vec("[ :a-cЖ␊\u{9b}\u{1b}\u{202e}]{0,8}", 1..6),
    ) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        if let Ok(block) = PlainLines::new(text.into()) {
            let mut together = Vec::new();
            Stamp::new(TimeZone::UTC).append_lines(&mut together, &block, 1_673_716_020_000);
            let each: String = block.messages().map(|message| written(&message)).collect();
            prop_assert_eq!(String::from_utf8(together).unwrap(), each);
        }
    }

    #[test]
    fn parses_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60), stamp in any::<bool>()) {
        let mut all = if stamp { b"[14.01.23 17:07] ".to_vec() } else { Vec::new() };
        all.extend(bytes);
        let line = HistoryLine::new(0, all.into());
        let _ = (line.at(), line.body(), line.sender(), line.text());
    }
}
