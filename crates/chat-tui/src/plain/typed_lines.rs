//! Handles the lines that are typed: answers to questions, and what is for the chat.

use std::borrow::Cow;

use chat_client::DeliveryState;
use crossterm::event::{KeyCode, KeyModifiers};
use jiff::Timestamp;

use super::mode::{PlainMode, PlainOutcome};
use super::stdin::InputLine;
use crate::app::{Dialog, RegistrationStep, Screen};
use crate::effect::Effect;
use crate::event::AppEvent;
use crate::key_decoder::{Input, KeyDecoder};
use crate::lang::Phrase;
use crate::link::LinkState;

impl PlainMode {
    /// Handles one input.
    pub(super) fn input(&mut self, line: InputLine, now: Timestamp) -> Vec<Effect> {
        match line {
            InputLine::Text(line) if self.interactive => self.line(&without_keys(&line), now),
            InputLine::Text(line) => self.line(&line, now),
            InputLine::NotUtf8(line) => {
                self.report(Phrase::PlainNotUtf8);
                self.line(&line, now)
            }
            InputLine::TooLong => {
                self.report(Phrase::PlainLineTooLong);
                self.worst = self.worst.max(PlainOutcome::Usage);
                Vec::new()
            }
        }
    }

    /// Handles one input line.
    pub(crate) fn line(&mut self, line: &str, now: Timestamp) -> Vec<Effect> {
        let mut effects = self.app.update(AppEvent::Tick, now);
        effects.extend(self.answer_or_send(line));
        self.follow(&effects);
        effects
    }

    /// Tracks sent messages until they have a final state.
    pub(super) fn follow(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Send { id, text } | Effect::Resend { id, text, .. } => {
                    self.in_flight.insert(id.clone(), text.clone());
                    if !self.app.links.writing.is_online() {
                        self.report_own(text, &DeliveryState::Queued, None);
                    }
                }
                Effect::Discard { id } => drop(self.in_flight.remove(id)),
                _ => {}
            }
        }
    }

    fn answer_or_send(&mut self, line: &str) -> Vec<Effect> {
        if self.asks()
            && let Some(effects) = self.command_at_question(line.trim())
        {
            return effects;
        }
        if matches!(self.app.dialog, Some(Dialog::WrongToken { .. })) {
            return self.decide_on_wrong_token(line.trim());
        }
        match self.app.screen {
            Screen::Starting => {
                self.early.push_back(line.to_owned());
                Vec::new()
            }
            Screen::Registration if self.app.registration.step == RegistrationStep::Asked || !self.interactive => {
                self.early.push_back(line.to_owned());
                Vec::new()
            }
            Screen::Registration => self.register(line.trim()),
            Screen::Accounts => self.choose_account(line.trim()),
            Screen::Chat if !self.can_send() => {
                self.early.push_back(line.to_owned());
                Vec::new()
            }
            Screen::Chat => self.handle_line(line),
        }
    }

    /// Returns whether the next line answers a question.
    pub(super) fn asks(&self) -> bool {
        matches!(self.app.dialog, Some(Dialog::WrongToken { .. }))
            || match self.app.screen {
                Screen::Accounts => true,
                Screen::Registration => self.interactive && self.app.registration.step != RegistrationStep::Asked,
                Screen::Starting | Screen::Chat => false,
            }
    }

    /// Returns whether messages can be sent: not before it is known whether the listener is online, because an echo
    /// could be missed.
    pub(super) fn can_send(&self) -> bool {
        let undecided =
            matches!(self.app.links.listening, LinkState::Off | LinkState::Connecting { attempt: 0 | 1, .. });
        self.app.screen == Screen::Chat && self.app.dialog.is_none() && !undecided
    }
}

/// Returns what was typed in a line of a terminal, without the arrow and function keys that the terminal's line editing
/// does not support.
fn without_keys(line: &str) -> Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return Cow::Borrowed(line);
    }
    let inputs = KeyDecoder::default().feed(line.as_bytes()).into_iter();
    let typed = inputs.filter_map(|input| match input {
        Input::Key(key) if !key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::CONTROL) => match key.code {
            KeyCode::Char(c) => Some(c),
            KeyCode::Tab => Some('\t'),
            _ => None,
        },
        _ => None,
    });
    Cow::Owned(typed.collect())
}
