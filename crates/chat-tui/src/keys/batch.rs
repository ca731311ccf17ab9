//! The meaning of keys that arrive in one read: several lines at once are a paste, several equal arrows at once are the
//! wheel of a mouse. A user types neither that fast.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::event::AppEvent;
use crate::key_decoder::Input;

/// This many equal arrows in one read come from a wheel.
const WHEEL_ARROWS: usize = 3;

/// Turns the inputs of one read into events.
pub(super) fn arrange(inputs: Vec<Input>) -> Vec<AppEvent> {
    let mut events = Vec::new();
    let mut rest = inputs.as_slice();
    while let Some(first) = rest.first() {
        if let Some((text, used)) = pasted_lines(rest) {
            events.push(AppEvent::Paste(text));
            rest = &rest[used..];
            continue;
        }
        let equal = rest.iter().take_while(|input| *input == first).count();
        if let Some(direction) = plain_arrow(first).filter(|_| equal >= WHEEL_ARROWS) {
            events.push(AppEvent::Wheel(direction.saturating_mul(i16::try_from(equal).unwrap_or(i16::MAX))));
            rest = &rest[equal..];
            continue;
        }
        events.push(match first.clone() {
            Input::Key(key) => AppEvent::Key(key),
            Input::Paste(text) => AppEvent::Paste(text),
            Input::Focus(focus) => AppEvent::Focus(focus),
        });
        rest = &rest[1..];
    }
    events
}

/// Returns the text at the start that was pasted without brackets, and the number of its inputs: typed characters with
/// a line break among them that is not the last.
fn pasted_lines(inputs: &[Input]) -> Option<(String, usize)> {
    let text: String = inputs.iter().map_while(as_text).collect();
    let broken = text.trim_end_matches('\n').contains('\n');
    // Each of them is one character.
    (broken && !text.starts_with('\n')).then(|| {
        let used = text.chars().count();
        (text, used)
    })
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
        arrange(KeyDecoder::default().feed(bytes.as_bytes()))
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
