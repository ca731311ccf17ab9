//! The meaning of keys that arrive in one read: several lines at once are a paste, several equal arrows at once are the
//! wheel of a mouse. A user types neither that fast.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::event::AppEvent;
use crate::key_decoder::Input;

/// This many equal arrows in one read come from a wheel.
const WHEEL_ARROWS: usize = 3;

/// How far one step of a reported wheel scrolls.
const WHEEL_ROWS: i16 = 3;

/// A paste without brackets may arrive in pieces. Text that follows one within this time is its next piece: a user
/// cannot have read the question about it.
const PASTE_PAUSE: Duration = Duration::from_millis(300);

/// Turns inputs into events.
#[derive(Debug, Default)]
pub(super) struct Arranger {
    /// When the last piece of a paste without brackets was read.
    pasted_at: Option<Instant>,
}

impl Arranger {
    /// Returns the events of one read.
    pub(super) fn arrange(&mut self, inputs: &[Input], read_at: Instant) -> Vec<AppEvent> {
        let mut events = Vec::new();
        let mut pastes = self.pasted_at.is_some_and(|at| read_at.saturating_duration_since(at) < PASTE_PAUSE);
        let mut rest = inputs;
        while let Some(first) = rest.first() {
            let text = text_at_start(rest);
            pastes |= is_pasted(&text);
            if pastes && !text.is_empty() {
                self.pasted_at = Some(read_at);
                // Each input of it is one character.
                rest = &rest[text.chars().count()..];
                events.push(AppEvent::Paste(text));
                continue;
            }
            let equal = rest.iter().take_while(|input| *input == first).count();
            if let Some(direction) = plain_arrow(first).filter(|_| equal >= WHEEL_ARROWS) {
                events.push(AppEvent::Wheel(direction.saturating_mul(i16::try_from(equal).unwrap_or(i16::MAX))));
                rest = &rest[equal..];
                continue;
            }
            events.extend(match first.clone() {
                Input::Key(key) => Some(AppEvent::Key(key)),
                Input::Paste(text) => Some(AppEvent::Paste(text)),
                Input::Focus(focus) => Some(AppEvent::Focus(focus)),
                Input::Wheel { down } => Some(AppEvent::Wheel(if down { WHEEL_ROWS } else { -WHEEL_ROWS })),
                Input::Report(_) => None,
            });
            rest = &rest[1..];
        }
        events
    }
}

/// Returns the text at the start, with the control characters inside of it.
fn text_at_start(inputs: &[Input]) -> String {
    let text: String = inputs.iter().map_while(|input| as_text(input).or_else(|| as_control(input))).collect();
    text.trim_end_matches(is_control).to_owned()
}

/// Returns whether text was pasted without brackets: it has a line break between two lines.
fn is_pasted(text: &str) -> bool {
    let lines = text.trim_end_matches(|c| c == '\n' || is_control(c));
    lines.contains('\n') && !lines.starts_with(|c| c == '\n' || is_control(c))
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

/// Returns a key of one control character, which a paste may contain. Ctrl+C remains a key.
fn as_control(input: &Input) -> Option<char> {
    let Input::Key(KeyEvent { code, modifiers, .. }) = input else { return None };
    match (*code, *modifiers) {
        (KeyCode::Backspace, KeyModifiers::NONE) => Some('\x7f'),
        (KeyCode::Char('c'), _) => None,
        (KeyCode::Char(letter @ 'a'..='z'), KeyModifiers::CONTROL) => Some(char::from(letter as u8 - b'a' + 1)),
        _ => None,
    }
}

fn as_text(input: &Input) -> Option<char> {
    let Input::Key(KeyEvent { code, modifiers, .. }) = input else { return None };
    match (*code, *modifiers) {
        (KeyCode::Char(c), KeyModifiers::NONE | KeyModifiers::SHIFT) => Some(c),
        (KeyCode::Tab, KeyModifiers::NONE) => Some('\t'),
        (KeyCode::Enter, KeyModifiers::NONE) | (KeyCode::Char('j'), KeyModifiers::CONTROL) => Some('\n'),
        _ => None,
    }
}

fn plain_arrow(input: &Input) -> Option<i16> {
    match input {
        Input::Key(KeyEvent { code: KeyCode::Up, modifiers: KeyModifiers::NONE, .. }) => Some(-1),
        Input::Key(KeyEvent { code: KeyCode::Down, modifiers: KeyModifiers::NONE, .. }) => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_decoder::KeyDecoder;

    fn read(bytes: &str) -> Vec<AppEvent> {
        Arranger::default().arrange(&KeyDecoder::default().feed(bytes.as_bytes()), Instant::now())
    }

    fn pastes(events: &[AppEvent]) -> Vec<&str> {
        events
            .iter()
            .filter_map(|event| if let AppEvent::Paste(text) = event { Some(&text[..]) } else { None })
            .collect()
    }

    #[test]
    fn several_lines_are_a_paste() {
        assert_eq!(pastes(&read("one\r\ttwo\r")), ["one\n\ttwo\n"]);
        assert_eq!(pastes(&read("one\ntwo")), ["one\ntwo"]);
        let after = read("\x01one\rtwo\x1b[A");
        assert_eq!((pastes(&after), after.len()), (vec!["one\ntwo"], 3));
    }

    #[test]
    fn controls_do_not_break_a_paste() {
        for (bytes, text) in [
            ("one\x07\rtwo\r", "one\x07\ntwo\n"),
            ("o\x7fne\rtwo", "o\x7fne\ntwo"),
            ("one\x04\r\x11two\r", "one\x04\n\x11two\n"),
        ] {
            let events = read(bytes);
            assert_eq!((pastes(&events), events.len()), (vec![text], 1), "{bytes:?}");
        }
        let events = read("one\rtwo\r\x01");
        assert_eq!((pastes(&events), events.len()), (vec!["one\ntwo\n"], 2), "a key after it");
        for bytes in ["hello\r\x01", "hel\x7flo\r", "one\x03\rtwo\r"] {
            assert_eq!(pastes(&read(bytes)), Vec::<&str>::new(), "{bytes:?}");
        }
    }

    #[test]
    fn pieces_of_a_paste_are_pastes() {
        let (mut arranger, start) = (Arranger::default(), Instant::now());
        let mut read = |bytes: &str, after: u64| {
            arranger.arrange(&KeyDecoder::default().feed(bytes.as_bytes()), start + Duration::from_millis(after))
        };
        assert_eq!(pastes(&read("one\rtwo\r", 0)), ["one\ntwo\n"]);
        assert_eq!(pastes(&read("three\r", 60)), ["three\n"]);
        let events = read("2 eggs\x1b[A\r", 300);
        assert_eq!((pastes(&events), events.len()), (vec!["2 eggs", "\n"], 3), "not an answer");
        assert!(matches!(read("\x1b", 320)[..], [] | [AppEvent::Key(_)]), "a key that is no text");
        assert!(matches!(read("1", 700)[..], [AppEvent::Key(_)]), "an answer");
        assert!(matches!(read("2", 701)[..], [AppEvent::Key(_)]));
    }

    #[test]
    fn a_line_and_enter_are_keys() {
        for bytes in ["hello\r", "\r", "\r\r", "\rhello", "a\tb\r", "hello\r\x1b[A"] {
            assert_eq!(pastes(&read(bytes)), Vec::<&str>::new(), "{bytes:?}");
        }
    }

    #[test]
    fn many_arrows_at_once_are_the_wheel() {
        for (bytes, rows) in [("\x1b[A\x1b[A\x1b[A", -3), ("\x1bOB\x1bOB\x1bOB\x1bOB", 4)] {
            assert!(matches!(read(bytes)[..], [AppEvent::Wheel(by)] if by == rows), "{bytes:?}");
        }
        assert!(read("\x1b[A\x1b[A").iter().all(|event| matches!(event, AppEvent::Key(_))));
        assert!(read("\x1b[1;5A\x1b[1;5A\x1b[1;5A").iter().all(|event| matches!(event, AppEvent::Key(_))));
    }
}
