//! The registration form: the nickname, the current step, and the focused element.

use crate::event::Registered;
use crate::lang::{Lang, Phrase};
use crate::line_editor::{Edit, LineEditor};
use crate::link::LinkError;

/// The state of the screen.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) field: LineEditor,
    pub(crate) step: RegistrationStep,
    pub(crate) focus: Focus,
    /// Whether the token is shown in full.
    pub(crate) revealed: bool,
    /// Notices about the room and the files, and whether each is an error.
    pub(crate) notes: Vec<(String, bool)>,
}

/// The current step of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RegistrationStep {
    Typing,
    /// What is wrong with the nickname, or why there is no account.
    Refused(String),
    Asked,
    Done(Box<Registered>),
}

/// The element that Enter activates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Focus {
    Nickname,
    Register,
    EnterChat,
    Again,
}

impl Registration {
    pub(crate) fn new(nickname: &str) -> Self {
        let mut field = LineEditor::default();
        if !nickname.is_empty() {
            field.replace(nickname);
        }
        Self { field, step: RegistrationStep::Typing, focus: Focus::Nickname, revealed: false, notes: Vec::new() }
    }

    /// Returns the elements that can have the focus now, from top to bottom.
    pub(crate) fn focusable(&self) -> &'static [Focus] {
        match self.step {
            RegistrationStep::Done(_) => &[Focus::EnterChat, Focus::Again],
            _ => &[Focus::Nickname, Focus::Register],
        }
    }

    pub(super) fn take(&mut self, result: Result<Registered, LinkError>, lang: Lang) {
        match result {
            Ok(registered) => {
                self.step = RegistrationStep::Done(Box::new(registered));
                self.focus = Focus::EnterChat;
                self.revealed = false;
            }
            Err(cause) => {
                self.step = RegistrationStep::Refused(lang.text(Phrase::Cause(&cause)));
                self.focus = Focus::Nickname;
            }
        }
    }

    pub(super) fn go(&mut self, back: bool) {
        let all = self.focusable();
        let at = all.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        self.focus = all[(at + if back { all.len() - 1 } else { 1 }) % all.len()];
    }

    pub(super) fn edit(&mut self, edit: Edit) {
        if self.focus == Focus::Nickname && self.step != RegistrationStep::Asked {
            self.field.apply(edit);
            self.step = RegistrationStep::Typing;
        }
    }

    /// Inserts pasted text as one line, because a nickname is one line.
    pub(super) fn paste(&mut self, text: &str) {
        let line = text.lines().next().unwrap_or("").to_owned();
        self.edit(Edit::Insert(line));
    }
}
