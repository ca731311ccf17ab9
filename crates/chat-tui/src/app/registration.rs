//! The registration screen: a nickname goes in, an account comes out, as often as wanted.

use chat_client::Nickname;

use super::{App, Screen};
use crate::effect::Effect;
use crate::event::Registered;
use crate::keymap::Action;
use crate::lang::{Lang, Phrase};
use crate::line_editor::{Edit, LineEditor};
use crate::link::LinkError;

/// The state of the screen.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) field: LineEditor,
    pub(crate) step: RegistrationStep,
    pub(crate) focus: Focus,
    /// The token is shown in full.
    pub(crate) revealed: bool,
    /// Lines about the room and the files, and whether each is an error.
    pub(crate) notes: Vec<(String, bool)>,
}

/// How far a registration has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RegistrationStep {
    Typing,
    /// What is wrong with the nickname, or why there is no account.
    Refused(String),
    Asked,
    Done(Box<Registered>),
}

/// What Enter acts on.
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

    /// What can have the focus now, from top to bottom.
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

    fn go(&mut self, back: bool) {
        let all = self.focusable();
        let at = all.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        self.focus = all[(at + if back { all.len() - 1 } else { 1 }) % all.len()];
    }

    fn edit(&mut self, edit: Edit) {
        if self.focus == Focus::Nickname && self.step != RegistrationStep::Asked {
            self.field.apply(edit);
            self.step = RegistrationStep::Typing;
        }
    }

    /// Text that was pasted: a nickname is one line.
    pub(super) fn paste(&mut self, text: &str) {
        let line = text.lines().next().unwrap_or("").to_owned();
        self.edit(Edit::Insert(line));
    }
}

impl App {
    pub(super) fn act_in_registration(&mut self, action: Action) -> Vec<Effect> {
        self.hint = None;
        match action {
            Action::Type(letter) => self.registration.edit(Edit::Insert(letter.to_string())),
            Action::Edit(Edit::Up) | Action::Previous => self.registration.go(true),
            Action::Edit(Edit::Down) | Action::Next => self.registration.go(false),
            Action::Edit(edit) => self.registration.edit(edit),
            Action::Submit => return self.submit_registration(),
            Action::RevealToken => self.registration.revealed = !self.registration.revealed,
            Action::CopyToken => {
                if let RegistrationStep::Done(registered) = &self.registration.step {
                    return vec![Effect::CopyToken(registered.known.account.token.clone())];
                }
            }
            Action::Interrupt
                if !self.registration.field.is_empty() && self.registration.step == RegistrationStep::Typing =>
            {
                self.registration.field.clear();
            }
            Action::Cancel if self.me.is_some() => self.screen = Screen::Chat,
            Action::Cancel if !self.accounts.list().is_empty() => self.screen = Screen::Accounts,
            Action::EndOrDelete if !self.registration.field.is_empty() => self.registration.edit(Edit::Delete),
            Action::Interrupt | Action::EndOrDelete => return self.quit(),
            _ => {}
        }
        Vec::new()
    }

    fn submit_registration(&mut self) -> Vec<Effect> {
        match (&self.registration.step, self.registration.focus) {
            (RegistrationStep::Done(registered), Focus::EnterChat) => {
                let known = registered.known.clone();
                self.enter(known)
            }
            (RegistrationStep::Done(_), _) => {
                self.open_registration();
                Vec::new()
            }
            (RegistrationStep::Asked, _) => Vec::new(),
            (RegistrationStep::Typing | RegistrationStep::Refused(_), _) => {
                match Nickname::new(self.registration.field.text()) {
                    Ok(nickname) => {
                        self.registration.step = RegistrationStep::Asked;
                        vec![Effect::Register(nickname)]
                    }
                    Err(error) => {
                        let text = self.text(Phrase::NicknameError(&error));
                        self.registration.step = RegistrationStep::Refused(text);
                        self.registration.focus = Focus::Nickname;
                        Vec::new()
                    }
                }
            }
        }
    }
}
