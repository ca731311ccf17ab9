//! The way to the chat as questions and answers: accounts, registration, a wrong token.

use chat_client::Nickname;

use super::{Outcome, Plain};
use crate::{
    app::{Screen, Step},
    effect::Effect,
    lang::Phrase,
    timeline::clean_name,
};

impl Plain {
    /// Where the program begins.
    pub(super) fn begin(&mut self) -> Vec<Effect> {
        match self.app.screen {
            Screen::Registration => {
                let name = self.app.registration.field.text().to_owned();
                if !name.is_empty() {
                    return self.register(&name);
                }
                if self.interactive {
                    self.talk(Phrase::PlainAskNickname);
                    return Vec::new();
                }
                self.fail(Phrase::PlainAskNickname, Outcome::Usage)
            }
            Screen::Accounts => {
                self.list_accounts();
                if self.interactive { Vec::new() } else { self.fail(Phrase::PlainChooseAccount, Outcome::Usage) }
            }
            _ => {
                self.say_entering();
                Vec::new()
            }
        }
    }

    pub(super) fn wrong_token(&mut self) -> Vec<Effect> {
        if self.interactive {
            self.talk(Phrase::PlainWrongToken);
            return Vec::new();
        }
        self.fail(Phrase::WrongToken, Outcome::Refused)
    }

    pub(super) fn decide_on_wrong_token(&mut self, line: &str) -> Vec<Effect> {
        match line {
            "1" | "2" => {
                self.app.dialog = None;
                if line == "1" && !self.app.accounts.list().is_empty() {
                    self.app.screen = Screen::Accounts;
                    self.list_accounts();
                } else {
                    self.app.open_registration();
                    self.talk(Phrase::PlainAskNickname);
                }
                Vec::new()
            }
            "3" => self.app.quit(),
            _ => {
                self.talk(Phrase::PlainWrongToken);
                Vec::new()
            }
        }
    }

    pub(super) fn register(&mut self, name: &str) -> Vec<Effect> {
        match Nickname::new(name) {
            Ok(nickname) => {
                self.app.registration.step = Step::Asked;
                self.talk(Phrase::PlainRegistering(&clean_name(name)));
                vec![Effect::Register(nickname)]
            }
            Err(error) => {
                self.talk(Phrase::NicknameError(&error));
                Vec::new()
            }
        }
    }

    pub(super) fn choose_account(&mut self, line: &str) -> Vec<Effect> {
        if line == "n" {
            self.app.open_registration();
            self.talk(Phrase::PlainAskNickname);
            return Vec::new();
        }
        let number = line.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let known = number.and_then(|number| self.app.accounts.list().get(number)).cloned();
        match known {
            Some(known) => {
                let effects = self.app.enter(known);
                self.say_entering();
                effects
            }
            None => {
                self.talk(Phrase::PlainNoSuchAccount);
                Vec::new()
            }
        }
    }

    pub(super) fn list_accounts(&mut self) {
        let names: Vec<String> =
            self.app.accounts.list().iter().map(|known| clean_name(known.account.nickname.as_str())).collect();
        for (number, nickname) in names.iter().enumerate() {
            self.talk(Phrase::PlainAccount { number: number + 1, nickname });
        }
        if self.interactive {
            self.talk(Phrase::PlainChooseAccount);
        }
    }

    pub(super) fn say_entering(&mut self) {
        if let Some(nickname) = self.app.nickname() {
            self.talk(Phrase::PlainEntering(&nickname));
        }
    }

    fn fail(&mut self, why: Phrase<'_>, outcome: Outcome) -> Vec<Effect> {
        self.talk(why);
        self.worst = self.worst.max(outcome);
        self.app.quit()
    }
}
