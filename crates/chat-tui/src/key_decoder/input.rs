//! The results of decoding: inputs of the program, and steps of the decoder.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::theme::Background;

/// One decoded input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    Key(KeyEvent),
    /// A bracketed paste.
    Paste(String),
    /// The terminal has gained or lost the focus.
    Focus(bool),
    /// The wheel of the mouse, one step down, or up.
    Wheel {
        down: bool,
    },
    /// An answer of the terminal.
    Report(Report),
}

/// An answer to a question of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    Background(Background),
    /// The column of the cursor in the second row: a report for the first row could be a key.
    Column(u32),
    /// What the terminal is. It answers the last question, so no further answer follows.
    Attributes,
}

/// The decoded start of the buffer.
pub(super) enum Step {
    /// This many bytes are one input, or nothing that the program needs.
    Done(usize, Option<Input>),
    /// This many bytes begin a bracketed paste.
    PasteStart(usize),
    Incomplete,
}

/// Returns the input of a key press.
pub(super) fn key(code: KeyCode, modifiers: KeyModifiers) -> Input {
    Input::Key(KeyEvent::new(code, modifiers))
}
