//! Chooses the first screen, and enters the chat with an account.

use super::{App, Dialog, Screen};
use crate::effect::Effect;
use crate::event::{KnownAccount, Registered};
use crate::lang::Phrase;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::{Viewer, clean_name};

impl App {
    /// Decides where the program starts, once the accounts are loaded.
    pub(super) fn take_accounts(&mut self, accounts: Vec<KnownAccount>) -> Vec<Effect> {
        self.accounts.replace(accounts);
        let Some(start) = self.wanted.take() else { return Vec::new() };
        let mut effects = Vec::new();
        if start.register {
            self.screen = Screen::Registration;
        } else if let Some(token) = start.token {
            self.open_chat();
            effects.push(Effect::EnterWithToken(token));
        } else if let Some(name) = &start.nickname {
            let found = self.accounts.named(name).to_vec();
            match &found[..] {
                [known] => effects.extend(self.enter(known.clone())),
                [] => {
                    self.enters_when_registered = true;
                    effects.extend(self.register(name));
                }
                _ => self.screen = Screen::Accounts,
            }
        } else {
            match self.accounts.list() {
                [] => self.screen = Screen::Registration,
                [only] => {
                    let only = only.clone();
                    effects.extend(self.enter(only));
                }
                _ => self.screen = Screen::Accounts,
            }
        }
        effects
    }

    /// Enters the chat with this account.
    pub(crate) fn enter(&mut self, known: KnownAccount) -> Vec<Effect> {
        self.open_chat();
        self.set_me(known.clone());
        vec![Effect::Enter(known)]
    }

    /// Enters with an account that was registered for the name on the command line, and reports the result.
    pub(super) fn enter_new(&mut self, registered: Registered) -> Vec<Effect> {
        let nickname = clean_name(registered.known.account.nickname.as_str());
        let saved = match &registered.saved {
            Ok(path) => self.text(Phrase::SavedIn(path)),
            Err(error) => self.text(Phrase::NotSaved(error)),
        };
        let effects = self.enter(registered.known);
        // Notices from the time of the registration.
        for (text, error) in std::mem::take(&mut self.registration.notes) {
            self.notice(&text, error);
        }
        let text = self.text(Phrase::PlainRegistered { nickname: &nickname, saved: &saved });
        self.notice(&text, registered.saved.is_err());
        effects
    }

    fn open_chat(&mut self) {
        if matches!(self.screen, Screen::Starting | Screen::Accounts) {
            // Notices from before the first screen.
            for (text, error) in std::mem::take(&mut self.registration.notes) {
                self.notice(&text, error);
            }
        }
        self.screen = Screen::Chat;
        self.dialog = None;
        self.wrong_token_waits = false;
        self.hint = None;
        self.links.set(LinkSide::Writing, LinkState::Connecting { attempt: 1, after: None });
        self.chat.timeline.outgoing.clear();
        self.chat.timeline.read_again();
    }

    /// Handles the account that the server reported.
    pub(super) fn entered(&mut self, account: chat_client::Account) -> Vec<Effect> {
        if self.me.as_ref().is_some_and(|known| known.account == account) {
            return Vec::new();
        }
        let asked = self.me.as_ref().and_then(|known| known.asked.clone());
        self.set_me(KnownAccount { account, asked });
        // Own messages can only be recognised now, so the history is read again.
        self.chat.timeline.read_again();
        Vec::new()
    }

    fn set_me(&mut self, known: KnownAccount) {
        self.reader = Viewer::new(known.account.nickname.as_str(), known.asked.as_deref());
        self.chat.timeline.names.set_own(known.account.nickname.as_str());
        self.chat.timeline.outgoing.set_nickname(known.account.nickname.clone());
        self.me = Some(known);
    }

    pub(super) fn take_link(&mut self, side: LinkSide, state: LinkState) -> Vec<Effect> {
        let refused = matches!(&state, LinkState::Closed { cause: Some(LinkError::UnknownToken) });
        let gets_through = state.is_online() && !self.links.side(side).is_online();
        self.links.set(side, state);
        // The server is back: the other port must not wait for its own countdown.
        let effects = if gets_through && self.links.counts_down() { vec![Effect::RetryNow] } else { Vec::new() };
        if refused && side == LinkSide::Writing && self.screen == Screen::Chat {
            // A paste that waits for a decision must not be discarded for this.
            if matches!(self.dialog, Some(Dialog::Paste(_))) {
                self.wrong_token_waits = true;
            } else {
                self.ask(Dialog::WrongToken { choice: 0 });
            }
        } else if side == LinkSide::Writing {
            self.wrong_token_waits = false;
        }
        effects
    }

    /// Opens the question about a wrong token that a paste has delayed.
    pub(super) fn ask_what_waits(&mut self) {
        if self.dialog.is_none() && std::mem::take(&mut self.wrong_token_waits) {
            self.ask(Dialog::WrongToken { choice: 0 });
        }
    }
}
