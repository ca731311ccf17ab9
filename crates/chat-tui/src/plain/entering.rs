//! The questions before the chat: accounts, registration, a wrong token.

use super::mode::{PlainMode, PlainOutcome};
use crate::app::{Dialog, RegistrationStep, Screen};
use crate::effect::Effect;
use crate::keymap::Action;
use crate::lang::Phrase;
use crate::timeline::clean_name;

impl PlainMode {
    /// Decides where the program starts.
    pub(super) fn begin(&mut self) -> Vec<Effect> {
        match self.app.screen {
            Screen::Registration => {
                let name = clean_name(self.app.registration.field.text());
                match &self.app.registration.step {
                    RegistrationStep::Asked => {
                        self.report(Phrase::PlainRegistering(&name));
                        return Vec::new();
                    }
                    RegistrationStep::Refused(why) => {
                        self.report_text(&why.clone());
                        if !self.interactive {
                            self.worst = self.worst.max(PlainOutcome::Usage);
                            return self.app.quit();
                        }
                    }
                    _ => {}
                }
                if self.interactive {
                    self.report(Phrase::PlainAskNickname);
                    return Vec::new();
                }
                self.fail(Phrase::PlainNoAccount, PlainOutcome::Usage)
            }
            Screen::Accounts => {
                self.list_accounts();
                if self.interactive { Vec::new() } else { self.fail(Phrase::PlainWhichAccount, PlainOutcome::Usage) }
            }
            _ => {
                self.report_entering();
                Vec::new()
            }
        }
    }

    pub(super) fn wrong_token(&mut self) -> Vec<Effect> {
        if self.interactive {
            self.report(Phrase::PlainWrongToken);
            return Vec::new();
        }
        self.fail(Phrase::WrongToken, PlainOutcome::Refused)
    }

    /// Handles a command that works at every question; returns `None` for an answer.
    pub(super) fn command_at_question(&mut self, line: &str) -> Option<Vec<Effect>> {
        match line {
            "" => return Some(self.back()),
            "/quit" => return Some(self.app.quit()),
            "/help" => self.report(Phrase::PlainHelp),
            _ if line.starts_with('/') => self.report(Phrase::PlainNotHere),
            _ => return None,
        }
        self.ask_again();
        Some(Vec::new())
    }

    /// Returns to the chat if there is one, or else to the accounts.
    fn back(&mut self) -> Vec<Effect> {
        let at_wrong_token = matches!(self.app.dialog, Some(Dialog::WrongToken { .. }));
        if at_wrong_token || self.app.me.is_some() {
            let mut effects = self.press(Action::Cancel);
            self.report(Phrase::PlainBack);
            effects.extend(self.send_early());
            return effects;
        }
        let effects = match self.app.screen {
            // Goes to the accounts, if there are any.
            Screen::Registration => self.press(Action::Cancel),
            _ => Vec::new(),
        };
        self.ask_again();
        effects
    }

    fn ask_again(&mut self) {
        match self.app.screen {
            _ if self.app.dialog.is_some() => self.report(Phrase::PlainWrongToken),
            Screen::Accounts => self.list_accounts(),
            _ => self.report(Phrase::PlainAskNickname),
        }
    }

    pub(super) fn decide_on_wrong_token(&mut self, line: &str) -> Vec<Effect> {
        match line {
            "1" | "2" => {
                let effects = self.press(Action::Type(if line == "1" { '1' } else { '2' }));
                self.ask_again();
                effects
            }
            "3" => self.press(Action::Type('3')),
            _ => {
                self.report(Phrase::PlainWrongToken);
                Vec::new()
            }
        }
    }

    pub(super) fn register(&mut self, name: &str) -> Vec<Effect> {
        let effects = self.app.register(name);
        match &self.app.registration.step {
            RegistrationStep::Refused(why) => self.report_text(&why.clone()),
            _ => self.report(Phrase::PlainRegistering(&clean_name(name))),
        }
        effects
    }

    pub(super) fn choose_account(&mut self, line: &str) -> Vec<Effect> {
        if line == "n" || line == "т" {
            self.app.open_registration();
            self.report(Phrase::PlainAskNickname);
            return Vec::new();
        }
        let number = line.parse::<usize>();
        if number.is_err() {
            // The line may have been meant for the chat.
            self.early.push_back(line.to_owned());
            self.report(Phrase::PlainKept);
            return Vec::new();
        }
        let number = number.ok().and_then(|number| number.checked_sub(1));
        let known = number.and_then(|number| self.app.accounts.list().get(number)).cloned();
        match known {
            Some(known) => {
                let effects = self.app.enter(known);
                self.report_entering();
                effects
            }
            None => {
                self.report(Phrase::PlainNoSuchAccount);
                Vec::new()
            }
        }
    }

    pub(super) fn list_accounts(&mut self) {
        let names: Vec<String> =
            self.app.accounts.list().iter().map(|known| clean_name(known.account.nickname.as_str())).collect();
        for (number, nickname) in names.iter().enumerate() {
            self.report(Phrase::PlainAccount { number: number + 1, nickname });
        }
        if self.interactive {
            self.report(Phrase::PlainChooseAccount);
        }
    }

    pub(super) fn report_entering(&mut self) {
        if let Some(nickname) = self.app.nickname() {
            self.report(Phrase::PlainEntering(&nickname));
        }
    }

    fn fail(&mut self, why: Phrase<'_>, outcome: PlainOutcome) -> Vec<Effect> {
        self.report(why);
        self.worst = self.worst.max(outcome);
        self.app.quit()
    }
}
