//! The list of accounts, and the dialogs about a refused token and about quitting.

use super::{App, Dialog, Registration, Screen};
use crate::effect::Effect;
use crate::keymap::Action;
use crate::lang::Phrase;
use crate::line_editor::Edit;

impl App {
    pub(super) fn act_in_accounts(&mut self, action: Action) -> Vec<Effect> {
        // Any key answers the question.
        let removing = std::mem::take(&mut self.accounts.removing);
        match action {
            Action::Edit(Edit::Up) | Action::Previous => self.accounts.go(-1),
            Action::Edit(Edit::Down) | Action::Next => self.accounts.go(1),
            Action::Type(digit @ '1'..='9') if !removing => {
                let number = usize::try_from(digit.to_digit(10).unwrap_or(1)).unwrap_or(1) - 1;
                if let Some(known) = self.accounts.list.get(number).cloned() {
                    return self.enter(known);
                }
            }
            Action::Type('y' | 'н') if removing => {
                let gone = self.accounts.list.remove(self.accounts.chosen);
                return vec![Effect::ForgetAccount(gone.account)];
            }
            Action::Submit | Action::Cancel | Action::Interrupt | Action::EndOrDelete | Action::Type(_) if removing => {
            }
            Action::Type('n' | 'т') => self.open_registration(),
            Action::Type('d' | 'в') | Action::Edit(Edit::Delete) if self.accounts.chosen < self.accounts.list.len() => {
                self.accounts.removing = true;
                self.questions += 1;
            }
            Action::Submit => match self.accounts.list.get(self.accounts.chosen).cloned() {
                Some(known) => return self.enter(known),
                None => self.open_registration(),
            },
            Action::Cancel if self.me.is_some() => self.screen = Screen::Chat,
            Action::Interrupt | Action::EndOrDelete | Action::Cancel => return self.ask_to_quit(),
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn act_on_wrong_token(&mut self, action: Action) -> Vec<Effect> {
        let Some(Dialog::WrongToken { choice }) = &mut self.dialog else { return Vec::new() };
        match action {
            Action::Edit(Edit::Up) | Action::Previous => *choice = choice.saturating_sub(1),
            Action::Edit(Edit::Down) | Action::Next => *choice = (*choice + 1).min(2),
            Action::Type(digit @ '1'..='3') => {
                let digit = usize::try_from(digit.to_digit(10).unwrap_or(1)).unwrap_or(1);
                return self.decide_on_wrong_token(digit - 1);
            }
            Action::Submit => {
                let choice = *choice;
                return self.decide_on_wrong_token(choice);
            }
            Action::Interrupt | Action::EndOrDelete => return self.ask_to_quit(),
            // Reading is possible without an account.
            Action::Cancel => self.dialog = None,
            _ => {}
        }
        Vec::new()
    }

    /// Carries out the choice: another account, a new account, or the end.
    fn decide_on_wrong_token(&mut self, choice: usize) -> Vec<Effect> {
        self.dialog = None;
        match choice {
            0 if self.accounts.list.is_empty() => self.open_registration(),
            0 => self.screen = Screen::Accounts,
            1 => self.open_registration(),
            _ => return self.ask_to_quit(),
        }
        Vec::new()
    }

    /// Stay, or quit although others are connected.
    pub(super) fn act_on_leave(&mut self, action: &Action) -> Vec<Effect> {
        let Some(Dialog::Leave { choice }) = &mut self.dialog else { return Vec::new() };
        match action {
            Action::Edit(Edit::Up) | Action::Previous => *choice = 0,
            Action::Edit(Edit::Down) | Action::Next => *choice = 1,
            Action::Type('2') | Action::Interrupt => return self.quit(),
            Action::Submit if *choice == 1 => return self.quit(),
            Action::Submit | Action::Type('1') | Action::Cancel => self.dialog = None,
            _ => {}
        }
        Vec::new()
    }

    pub(crate) fn open_registration(&mut self) {
        let notes = std::mem::take(&mut self.registration.notes);
        self.registration = Registration::new("");
        self.registration.notes = notes;
        self.screen = Screen::Registration;
        self.hint = None;
    }

    pub(crate) fn open_accounts(&mut self) {
        if self.accounts.list.is_empty() {
            self.hint(Phrase::NoAccounts, false);
        } else {
            self.screen = Screen::Accounts;
        }
    }
}
