//! Handles lines that are typed in the chat: messages and commands.

use chat_client::PostId;

use super::mode::{PlainMode, PlainOutcome};
use crate::effect::Effect;
use crate::lang::Phrase;
use crate::link::LinkSide;

impl PlainMode {
    pub(super) fn send_early(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while self.can_send() {
            let Some(line) = self.early.pop_front() else { break };
            effects.extend(self.handle_line(&line));
        }
        effects
    }

    pub(super) fn handle_line(&mut self, line: &str) -> Vec<Effect> {
        if let Some(command) = line.strip_prefix('/')
            && !command.starts_with('/')
        {
            return self.command(command);
        }
        self.app.take_hint();
        let text = line.strip_prefix('/').unwrap_or(line);
        match self.app.send(text.to_owned()) {
            Ok(effects) => effects,
            Err(_) => {
                // A blank line is not a message and is ignored.
                if self.app.hint.is_some() {
                    self.worst = self.worst.max(PlainOutcome::Usage);
                }
                self.report_hint();
                Vec::new()
            }
        }
    }

    fn command(&mut self, command: &str) -> Vec<Effect> {
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        match name.to_lowercase().as_str() {
            "help" => self.report(Phrase::PlainHelp),
            "status" => self.report_status(),
            "quit" => return self.app.quit(),
            // The wheel is the terminal's here.
            "mouse" => self.report(Phrase::UnknownCommand("mouse")),
            "who" => {
                let names = self.app.recent_names(20);
                self.report(Phrase::Who(&names));
            }
            "token" => {
                if let Some(token) = self.app.me.as_ref().map(|known| known.account.token.expose().to_owned()) {
                    self.report(Phrase::PlainToken(&token));
                }
            }
            "retry" | "discard" => return self.decide_on_own(name == "retry"),
            "register" if !rest.is_empty() => {
                return self.register(rest);
            }
            "register" => {
                self.app.open_registration();
                self.report(Phrase::PlainAskNickname);
            }
            "accounts" => {
                self.app.open_accounts();
                self.list_accounts();
            }
            _ => {
                let effects = self.app.command(command);
                self.report_hint();
                return effects;
            }
        }
        Vec::new()
    }

    fn decide_on_own(&mut self, retry: bool) -> Vec<Effect> {
        let all = self.app.chat.timeline.outgoing.as_slice().iter();
        let undecided: Vec<PostId> = all.filter(|own| own.needs_a_decision()).map(|own| own.id.clone()).collect();
        if undecided.is_empty() {
            self.report(Phrase::PlainOwnUsage);
        }
        let decided = undecided.iter();
        decided.flat_map(|id| if retry { self.app.resend(id) } else { self.app.discard(id) }).collect()
    }

    fn report_status(&mut self) {
        let link = |side: LinkSide| {
            let state = self.app.links.side(side);
            self.app.text(Phrase::Link { side, state, seconds: state.seconds_left(self.app.now) })
        };
        let (listening, writing) = (link(LinkSide::Listening), link(LinkSide::Writing));
        let waiting = self.app.chat.timeline.outgoing.waiting();
        self.report(Phrase::PlainStatus { listening: &listening, writing: &writing, waiting });
    }

    fn report_hint(&mut self) {
        if let Some(hint) = self.app.take_hint() {
            self.report_text(&hint.text);
        }
    }
}
