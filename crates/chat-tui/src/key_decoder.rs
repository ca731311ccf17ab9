//! Decodes the bytes of a terminal into keys, pastes and reports.
//!
//! The decoder does no I/O and takes no time. It recognises every escape sequence as a whole, so an unknown one is
//! dropped completely, and no part of a key or of a terminal's answer becomes text.

mod csi;
mod input;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyModifiers};

pub(crate) use self::input::{Input, Report};
use self::input::{Step, key};
use crate::theme::Background;

/// How long a lone ESC may be the start of a sequence. A terminal sends a key at once, but a network may split it.
const ESCAPE_TIMEOUT: Duration = Duration::from_millis(40);

/// How long the rest of an answer may take; after that, keys are decoded normally. A paste is passed on after this time,
/// and its rest when it comes.
const STRING_TIMEOUT: Duration = Duration::from_millis(500);

/// The longest paste. What follows is a second paste.
const MAX_PASTE_BYTES: usize = 16 * 1024 * 1024;

const PASTE_END: &[u8] = b"\x1b[201~";

/// Ctrl+C, which ends a paste whose end is missing.
const INTERRUPT: u8 = 0x03;

/// A decoder with the bytes of an incomplete sequence.
#[derive(Debug, Default)]
pub(crate) struct KeyDecoder {
    buffer: Vec<u8>,
    /// The text of a bracketed paste so far.
    paste: Option<Vec<u8>>,
    /// The paste has paused. What comes is still a part of it, and never a key that sends it.
    stalled: bool,
}

impl KeyDecoder {
    /// Decodes bytes of the terminal.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Input> {
        self.buffer.extend_from_slice(bytes);
        let mut inputs = Vec::new();
        self.decode(&mut inputs);
        inputs
    }

    /// Returns how long to wait for the rest of a sequence; `None` if nothing is incomplete.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        match (&self.paste, self.buffer.as_slice()) {
            (Some(paste), _) => (!self.stalled || whole_characters(paste) > 0).then_some(STRING_TIMEOUT),
            // The next byte completes the character, or shows that it is none.
            (None, [] | [0xc2..=0xf4, ..]) if whole_characters(&self.buffer) == 0 => None,
            (None, [0x1b, 0xc2..=0xf4, ..]) if whole_characters(&self.buffer[1..]) == 0 => None,
            // Two bytes may be Alt and a letter; three are the start of a sequence.
            (None, [0x1b, b'[' | b']' | b'P' | b'X' | b'^' | b'_', _, ..]) => Some(STRING_TIMEOUT),
            (None, [0x1b, ..]) => Some(ESCAPE_TIMEOUT),
            (None, _) => Some(STRING_TIMEOUT),
        }
    }

    /// Ends an incomplete sequence, after [`KeyDecoder::timeout`] without another byte. A lone ESC is the key. Of a
    /// paste, returns the text so far; it continues until its end or Ctrl+C.
    pub(crate) fn expire(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        if let Some(paste) = &mut self.paste {
            self.stalled = true;
            let rest = paste.split_off(whole_characters(paste));
            inputs.extend(pasted(std::mem::replace(paste, rest)));
            return inputs;
        }
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.iter().all(|&byte| byte == 0x1b) {
            inputs.extend(buffer.iter().map(|_| key(KeyCode::Esc, KeyModifiers::NONE)));
        }
        inputs
    }

    fn decode(&mut self, inputs: &mut Vec<Input>) {
        loop {
            if self.paste.is_some() {
                if !self.continue_paste(inputs) {
                    return;
                }
                continue;
            }
            self.decode_keys(inputs);
            if self.paste.is_none() {
                return;
            }
        }
    }

    /// Decodes up to the start of a paste, or of something incomplete.
    fn decode_keys(&mut self, inputs: &mut Vec<Input>) {
        let mut at = 0;
        while at < self.buffer.len() && self.paste.is_none() {
            match step(&self.buffer[at..]) {
                Step::Done(used, input) => {
                    inputs.extend(input);
                    at += used.max(1);
                }
                Step::PasteStart(used) => {
                    at += used;
                    self.paste = Some(Vec::new());
                }
                Step::Incomplete => break,
            }
        }
        self.buffer.drain(..at);
    }

    /// Moves bytes from the buffer to the paste. Returns `false` if its end has not arrived.
    fn continue_paste(&mut self, inputs: &mut Vec<Input>) -> bool {
        let Some(paste) = &mut self.paste else { return true };
        let end = self.buffer.windows(PASTE_END.len()).position(|window| window == PASTE_END);
        let interrupt = self.buffer.iter().position(|&byte| byte == INTERRUPT).filter(|_| self.stalled);
        let interrupt = interrupt.filter(|&at| end.is_none_or(|end| at < end));
        if let Some(at) = interrupt.or(end) {
            paste.extend(self.buffer.drain(..at));
            if interrupt.is_none() {
                self.buffer.drain(..PASTE_END.len());
            }
            inputs.extend(pasted(std::mem::take(paste)));
            (self.paste, self.stalled) = (None, false);
            return true;
        }
        // The end mark itself may be split.
        let keep = (1..PASTE_END.len()).rev().find(|&length| self.buffer.ends_with(&PASTE_END[..length])).unwrap_or(0);
        paste.extend(self.buffer.drain(..self.buffer.len() - keep));
        if paste.len() >= MAX_PASTE_BYTES {
            let rest = paste.split_off(whole_characters(paste));
            inputs.extend(pasted(std::mem::replace(paste, rest)));
        }
        false
    }
}

/// Returns the length without the start of a character at the end, whose rest has not arrived.
fn whole_characters(bytes: &[u8]) -> usize {
    let last = bytes.len().saturating_sub(3);
    let start = bytes[last..].iter().rposition(|byte| *byte >= 0xc2).map(|at| last + at);
    let incomplete = |start: &usize| str::from_utf8(&bytes[*start..]).is_err_and(|error| error.error_len().is_none());
    start.filter(incomplete).unwrap_or(bytes.len())
}

fn pasted(bytes: Vec<u8>) -> Option<Input> {
    let text = String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    (!text.is_empty()).then_some(Input::Paste(text))
}

/// Decodes the start of a buffer that is not empty.
fn step(buffer: &[u8]) -> Step {
    match buffer {
        [0x1b, rest @ ..] => escape(rest),
        [0x00, ..] => Step::Done(1, Some(key(KeyCode::Char(' '), KeyModifiers::CONTROL))),
        [byte @ (0x01..=0x1f | 0x7f), ..] => Step::Done(1, Some(control_key(*byte, KeyModifiers::NONE))),
        [0xc2, byte @ 0x80..=0x9f, rest @ ..] => eight_bit(*byte, rest, 2),
        [byte @ 0x80..=0x9f, rest @ ..] => eight_bit(*byte, rest, 1),
        _ => character(buffer, KeyModifiers::NONE),
    }
}

/// Decodes what follows a C1 control, which is an ESC and a letter in one byte, or in the two of its UTF-8. Only those
/// that begin a sequence are more than themselves.
fn eight_bit(control: u8, rest: &[u8], size: usize) -> Step {
    /// Longer ones are not keys, and end by time.
    const LONGEST: usize = 4096;
    let letter = control - 0x40;
    if !b"[O]PX^_".contains(&letter) {
        return Step::Done(size, None);
    }
    let sequence: Vec<u8> = std::iter::once(letter).chain(rest.iter().copied().take(LONGEST)).collect();
    match escape(&sequence) {
        // The letter counts as the control, and the ESC does not exist.
        Step::Done(used, input) => Step::Done(used + size - 2, input),
        Step::PasteStart(used) => Step::PasteStart(used + size - 2),
        Step::Incomplete => Step::Incomplete,
    }
}

/// Decodes the bytes after an ESC.
fn escape(rest: &[u8]) -> Step {
    let step = match rest {
        [] => return Step::Incomplete,
        [b'[', ..] => csi::control_sequence(rest),
        [b'O', ..] => csi::single_shift(rest),
        [b']' | b'P' | b'X' | b'^' | b'_', ..] => control_string(rest),
        // Alt and a key that is a sequence itself.
        [0x1b, b'[' | b'O', ..] => with_alt(escape(&rest[1..])),
        [0x1b] => return Step::Incomplete,
        // The first ESC is a key of its own.
        [0x1b, ..] => return Step::Done(1, Some(key(KeyCode::Esc, KeyModifiers::NONE))),
        [byte @ (0x00..=0x1f | 0x7f), ..] => Step::Done(1, Some(control_key(*byte, KeyModifiers::ALT))),
        _ => character(rest, KeyModifiers::ALT),
    };
    match step {
        Step::Done(used, input) => Step::Done(used + 1, input),
        Step::PasteStart(used) => Step::PasteStart(used + 1),
        Step::Incomplete => Step::Incomplete,
    }
}

fn with_alt(step: Step) -> Step {
    match step {
        Step::Done(used, Some(Input::Key(mut key))) => {
            key.modifiers |= KeyModifiers::ALT;
            Step::Done(used, Some(Input::Key(key)))
        }
        other => other,
    }
}

fn control_key(byte: u8, more: KeyModifiers) -> Input {
    match byte {
        b'\r' => key(KeyCode::Enter, more),
        b'\t' => key(KeyCode::Tab, more),
        0x7f => key(KeyCode::Backspace, more),
        0x00 => key(KeyCode::Char(' '), more | KeyModifiers::CONTROL),
        0x01..=0x1a => key(KeyCode::Char(char::from(byte - 1 + b'a')), more | KeyModifiers::CONTROL),
        // Ctrl+4 to Ctrl+7; Ctrl+_ has the same code.
        _ => key(KeyCode::Char(char::from(byte.saturating_sub(0x1c) + b'4')), more | KeyModifiers::CONTROL),
    }
}

/// Decodes one character of UTF-8.
fn character(buffer: &[u8], modifiers: KeyModifiers) -> Step {
    let length = match buffer[0] {
        0x00..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        // No character begins with this byte.
        _ => return Step::Done(1, None),
    };
    let bytes = &buffer[..length.min(buffer.len())];
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            // C1 controls are encoded in two bytes, and are not text either.
            let typed = text.chars().next().filter(|c| !c.is_control());
            Step::Done(length, typed.map(|c| key(KeyCode::Char(c), modifiers)))
        }
        Err(error) if error.error_len().is_none() => Step::Incomplete,
        Err(error) => Step::Done(error.error_len().unwrap_or(1), None),
    }
}

/// Skips a string that a terminal sends as an answer: OSC, DCS, SOS, PM or APC, up to ST or BEL.
fn control_string(rest: &[u8]) -> Step {
    for (at, &byte) in rest.iter().enumerate().skip(1) {
        match byte {
            0x07 => return Step::Done(at + 1, report(&rest[..at])),
            0x18 | 0x1a => return Step::Done(at + 1, None),
            // ST as one character. As one byte it can be a part of another character.
            0xc2 if rest.get(at + 1) == Some(&0x9c) => return Step::Done(at + 2, report(&rest[..at])),
            0x9c if str::from_utf8(&rest[..=at]).is_err_and(|error| error.error_len().is_some()) => {
                return Step::Done(at + 1, report(&rest[..at]));
            }
            0x1b => match rest.get(at + 1) {
                Some(b'\\') => return Step::Done(at + 2, report(&rest[..at])),
                // The string was cut off; another sequence begins.
                Some(_) => return Step::Done(at, None),
                None => return Step::Incomplete,
            },
            _ => {}
        }
    }
    // Bounded by time, not by length: otherwise the rest of a long answer would become typed text.
    Step::Incomplete
}

/// Returns the answer in a control string without its end, if the program has asked for it.
fn report(string: &[u8]) -> Option<Input> {
    let colour = string.strip_prefix(b"]11;")?;
    Background::parse(colour).map(|background| Input::Report(Report::Background(background)))
}
