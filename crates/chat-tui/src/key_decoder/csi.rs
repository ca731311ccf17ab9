//! Control sequences of keys: those of xterm, rxvt, the Linux console and the kitty protocol.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::input::{Input, Report, Step, key};

/// Decodes a sequence that begins with `[`, after an ESC.
pub(super) fn control_sequence(rest: &[u8]) -> Step {
    match rest {
        // The function keys of the Linux console.
        [b'[', b'[', last, ..] => {
            let number = last.wrapping_sub(b'A');
            let function = (number < 5).then(|| key(KeyCode::F(number + 1), KeyModifiers::NONE));
            return Step::Done(3, function);
        }
        [b'[', b'['] => return Step::Incomplete,
        // A mouse report in its oldest form: three bytes follow.
        [b'[', b'M', tail @ ..] => {
            let [button, _, _, ..] = *tail else { return Step::Incomplete };
            return Step::Done(5, wheel(u32::from(button).saturating_sub(32)));
        }
        _ => {}
    }
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            // rxvt ends keys with Shift by a dollar sign, which in other sequences precedes the last byte.
            b'$' if at > 1 && rest[1..at].iter().all(u8::is_ascii_digit) => {
                return Step::Done(at + 1, rxvt(&rest[1..at], KeyModifiers::SHIFT));
            }
            0x20..=0x3f => at += 1,
            0x40..=0x7e => {
                let parameters = &rest[1..at];
                if byte == b'~' && parameters == b"200" {
                    return Step::PasteStart(at + 1);
                }
                return Step::Done(at + 1, decode(parameters, byte));
            }
            // A control inside of a sequence does not end it. Keys that everyone needs do, and what cancels it.
            0x00..=0x1f if at > 1 && !matches!(byte, 0x03 | b'\r' | 0x18 | 0x1a | 0x1b) => at += 1,
            // Not part of a sequence: drop what was read of it, and decode this byte separately.
            _ => return Step::Done(at, None),
        }
    }
    Step::Incomplete
}

/// Decodes a sequence that begins with `O`, after an ESC.
pub(super) fn single_shift(rest: &[u8]) -> Step {
    let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 2 {
        return Step::Done(1 + digits, None);
    }
    let Some(&last) = rest.get(1 + digits) else { return Step::Incomplete };
    if !(0x40..=0x7e).contains(&last) {
        return Step::Done(1 + digits, None);
    }
    let modifiers = modifiers(number(&rest[1..=digits]).unwrap_or(1));
    let code = match last {
        b'a'..=b'd' => {
            return Step::Done(
                2 + digits,
                arrow(last.to_ascii_uppercase()).map(|code| key(code, KeyModifiers::CONTROL)),
            );
        }
        b'M' => Some(KeyCode::Enter),
        // The keypad in its application mode.
        b'j'..=b'y' => Some(KeyCode::Char(char::from(last - b'j' + b'*'))),
        _ => arrow(last).or_else(|| function(last)),
    };
    Step::Done(2 + digits, code.map(|code| key(code, modifiers)))
}

/// Returns the key, or `None` for an answer of the terminal and for an unused key.
fn decode(parameters: &[u8], last: u8) -> Option<Input> {
    if last == b'c' && parameters.starts_with(b"?") {
        return Some(Input::Report(Report::Attributes));
    }
    if let (b'M', Some(report)) = (last, parameters.strip_prefix(b"<")) {
        return wheel(number(report.split(|&byte| byte == b';').next().unwrap_or_default())?);
    }
    if !parameters.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')) {
        return None;
    }
    if last == b'R'
        && let Some(column) = parameters.strip_prefix(b"2;")
    {
        return number(column).map(|column| Input::Report(Report::Column(column)));
    }
    let mut fields = parameters.split(|&byte| byte == b';');
    let first = fields.next().unwrap_or_default();
    let second = fields.next().unwrap_or_default();
    let third = fields.next().unwrap_or_default();
    // After a colon follows the kind of event: 3 is the release of a key.
    let mut second = second.split(|&byte| byte == b':');
    let modifiers = modifiers(number(second.next().unwrap_or_default()).unwrap_or(1));
    if number(second.next().unwrap_or_default()) == Some(3) {
        return None;
    }
    let first = number(first.split(|&byte| byte == b':').next().unwrap_or_default());
    let code = match last {
        b'I' if parameters.is_empty() => return Some(Input::Focus(true)),
        b'O' if parameters.is_empty() => return Some(Input::Focus(false)),
        b'a'..=b'd' if parameters.is_empty() => {
            return arrow(last.to_ascii_uppercase()).map(|code| key(code, KeyModifiers::SHIFT));
        }
        b'Z' => KeyCode::BackTab,
        // The report of the cursor position also ends with R.
        b'R' if !matches!(first, None | Some(1)) => return None,
        b'A'..=b'D' | b'F' | b'H' => arrow(last)?,
        b'P'..=b'S' => function(last)?,
        b'^' => return rxvt(parameters, KeyModifiers::CONTROL),
        b'@' if !parameters.is_empty() => return rxvt(parameters, KeyModifiers::CONTROL | KeyModifiers::SHIFT),
        b'u' => return unicode(first?, modifiers),
        b'~' if first == Some(27) => return unicode(number(third)?, modifiers),
        b'~' => numbered(first?)?,
        _ => return None,
    };
    Some(key(code, modifiers))
}

/// Returns a step of the wheel. The button is a sum of bits: 64 and 65 are the wheel, 4, 8 and 16 the keys held with it.
fn wheel(button: u32) -> Option<Input> {
    matches!(button & !0b1_1100, 64 | 65).then_some(Input::Wheel { down: button & 1 == 1 })
}

fn rxvt(parameters: &[u8], modifiers: KeyModifiers) -> Option<Input> {
    Some(key(numbered(number(parameters)?)?, modifiers))
}

/// Returns a key by its code point, as the kitty protocol and xterm's modifyOtherKeys send it.
fn unicode(code: u32, modifiers: KeyModifiers) -> Option<Input> {
    let code = match code {
        9 if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        9 => KeyCode::Tab,
        13 | 57414 => KeyCode::Enter,
        27 => KeyCode::Esc,
        8 | 127 => KeyCode::Backspace,
        // The digits of the keypad.
        57399..=57408 => KeyCode::Char(char::from_digit(code - 57399, 10)?),
        // Other keys of the keypad, lock and media keys.
        57344..=63743 => return None,
        _ => KeyCode::Char(char::from_u32(code).filter(|c| !c.is_control())?),
    };
    // With Shift a terminal sends the unshifted key; only letters have one capital in every layout.
    let code = match code {
        KeyCode::Char(c) if modifiers.contains(KeyModifiers::SHIFT) => {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(only), None) => KeyCode::Char(only),
                _ => code,
            }
        }
        code => code,
    };
    Some(Input::Key(KeyEvent::new(code, modifiers)))
}

fn arrow(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        _ => return None,
    })
}

fn function(last: u8) -> Option<KeyCode> {
    matches!(last, b'P'..=b'S').then(|| KeyCode::F(last - b'P' + 1))
}

fn numbered(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        // 16 and 22 are not assigned to keys.
        11..=15 => KeyCode::F(u8::try_from(number - 10).ok()?),
        17..=21 => KeyCode::F(u8::try_from(number - 11).ok()?),
        23..=26 => KeyCode::F(u8::try_from(number - 12).ok()?),
        _ => return None,
    })
}

/// Decodes the modifiers of a sequence: one more than the sum of their bits.
fn modifiers(number: u32) -> KeyModifiers {
    let bits = number.saturating_sub(1);
    let all = [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
        (16, KeyModifiers::HYPER),
        (32, KeyModifiers::META),
    ];
    all.into_iter().filter(|(bit, _)| bits & bit != 0).fold(KeyModifiers::NONE, |sum, (_, modifier)| sum | modifier)
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
