//! The registration screen: takes a nickname and returns an account, any number of times.

use chat_client::Nickname;

use super::{App, Focus, RegistrationStep, Screen};
use crate::effect::Effect;
use crate::keymap::Action;
use crate::lang::Phrase;
use crate::line_editor::Edit;

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
            Action::Interrupt | Action::EndOrDelete => return self.ask_to_quit(),
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
            (RegistrationStep::Typing | RegistrationStep::Refused(_), _) => self.register_typed(),
        }
    }

    /// Registers the name in the field.
    fn register_typed(&mut self) -> Vec<Effect> {
        match Nickname::new(self.registration.field.text()) {
            Ok(nickname) => {
                self.registration.step = RegistrationStep::Asked;
                vec![Effect::Register { nickname, only_missing: self.enters_when_registered }]
            }
            Err(error) => {
                let text = self.text(Phrase::NicknameError(&error));
                self.registration.step = RegistrationStep::Refused(text);
                self.registration.focus = Focus::Nickname;
                Vec::new()
            }
        }
    }

    /// Opens the registration screen and registers `name`. An unusable name stays in the field, with the reason.
    pub(crate) fn register(&mut self, name: &str) -> Vec<Effect> {
        self.open_registration();
        self.registration.field.replace(name);
        self.register_typed()
    }
}
