//! Plain mode: the same application as lines. Messages go out as lines, each line that comes in is a
//! message or a command, and every state is said in words.

mod commands;
mod entering;
mod report;
mod runner;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use chat_client::display;
use jiff::Timestamp;
use runner::InputLine;
pub(crate) use runner::run;

use crate::{
    app::{App, Dialog, RegistrationStep, Screen},
    effect::Effect,
    event::AppEvent,
    lang::Phrase,
    link::LinkState,
    timeline::{OwnState, clean_name},
};

/// The application and what it has to say.
#[derive(Debug)]
pub(crate) struct PlainMode {
    pub(crate) app: App,
    /// A person types, who can be asked.
    interactive: bool,
    /// What is said, oldest first.
    output: Vec<OutputLine>,
    /// Lines that came before there was a chat to say them in.
    early: VecDeque<String>,
    input_ended: bool,
    welcomed: bool,
    entered: bool,
    worst: PlainOutcome,
}

/// One line out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OutputLine {
    /// A message: data.
    Message(String),
    /// Everything else: talk.
    Report(String),
}

/// How it ended, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PlainOutcome {
    Done,
    Usage,
    Refused,
    Unreachable,
    Unconfirmed,
}

impl PlainMode {
    pub(crate) fn new(app: App, interactive: bool) -> Self {
        Self {
            app,
            interactive,
            output: Vec::new(),
            early: VecDeque::new(),
            input_ended: false,
            welcomed: false,
            entered: false,
            worst: PlainOutcome::Done,
        }
    }

    /// What is to be said now.
    pub(crate) fn take_output(&mut self) -> Vec<OutputLine> {
        std::mem::take(&mut self.output)
    }

    pub(crate) fn outcome(&self) -> PlainOutcome {
        self.worst
    }

    /// Whether another line may come: not while many wait already.
    pub(crate) fn wants_lines(&self) -> bool {
        const AT_ONCE: usize = 256;
        !self.input_ended && self.early.len() + self.app.chat.timeline.outgoing.waiting() < AT_ONCE
    }

    /// Whether all has come in, gone out, and come back.
    pub(crate) fn is_finished(&self) -> bool {
        let echoes = self.app.chat.timeline.outgoing.as_slice().iter().any(|own| own.state == OwnState::Confirmed);
        self.waits_for_echoes() && !(echoes && self.app.links.listening.is_online())
    }

    /// Whether only echoes are waited for.
    pub(crate) fn waits_for_echoes(&self) -> bool {
        self.input_ended && self.early.is_empty() && self.entered && self.app.chat.timeline.outgoing.waiting() == 0
    }

    pub(crate) fn input_has_ended(&self) -> bool {
        self.input_ended
    }

    /// The time for what is left is over.
    pub(crate) fn give_up(&mut self, seconds: u64) {
        self.report(Phrase::PlainGaveUp(seconds));
        let left = self.app.chat.timeline.outgoing.waiting() + self.early.len();
        if !self.entered {
            self.worst = self.worst.max(PlainOutcome::Unreachable);
        } else if left > 0 {
            self.worst = self.worst.max(PlainOutcome::Unconfirmed);
        }
    }

    /// No more lines will come.
    pub(crate) fn end_input(&mut self) {
        self.input_ended = true;
    }

    /// Takes what was read.
    fn input(&mut self, line: InputLine, now: Timestamp) -> Vec<Effect> {
        match line {
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

    /// Takes a line of input.
    pub(crate) fn line(&mut self, line: &str, now: Timestamp) -> Vec<Effect> {
        self.app.now = now;
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

    /// Whether the next line answers a question.
    fn asks(&self) -> bool {
        matches!(self.app.dialog, Some(Dialog::WrongToken { .. }))
            || match self.app.screen {
                Screen::Accounts => true,
                Screen::Registration => self.interactive && self.app.registration.step != RegistrationStep::Asked,
                Screen::Starting | Screen::Chat => false,
            }
    }

    /// Whether what is said now is heard: not before it is known whether the room is listened to.
    fn can_send(&self) -> bool {
        let undecided = matches!(self.app.links.listening, LinkState::Off | LinkState::Connecting { attempt: 0 | 1 });
        self.app.screen == Screen::Chat && self.app.dialog.is_none() && !undecided
    }

    /// Takes what has happened elsewhere.
    pub(crate) fn message(&mut self, message: AppEvent, now: Timestamp) -> Vec<Effect> {
        let before = (self.app.screen, self.app.links.clone(), self.app.dialog.is_some());
        let hints = self.report_event(&message);
        let mut effects = self.app.update(message, now);
        self.report_links(&before.1);
        if let Some(why) = hints {
            self.report_text(&why);
        }
        if !before.2 && matches!(self.app.dialog, Some(Dialog::WrongToken { .. })) {
            effects.extend(self.wrong_token());
        }
        if before.0 == Screen::Starting && self.app.screen != Screen::Starting {
            effects.extend(self.begin());
        }
        // Registered: straight on to the chat, since there is no button to press.
        if let (Screen::Registration, RegistrationStep::Done(registered)) =
            (self.app.screen, &self.app.registration.step)
        {
            let known = registered.known.clone();
            effects.extend(self.app.enter(known));
            self.report_entering();
        }
        if self.app.screen == Screen::Chat && !self.entered && self.app.links.writing.is_online() {
            self.entered = true;
        }
        effects.extend(self.send_early());
        effects
    }

    fn report(&mut self, phrase: Phrase<'_>) {
        let text = self.app.text(phrase);
        self.report_text(&text);
    }

    /// A message as one line.
    fn line_of(&mut self, sender: Option<&str>, text: &str) -> String {
        let text = display::clean_for_terminal(text);
        let Some(sender) = sender else { return text.into_owned() };
        let like = self.app.chat.timeline.names.meet(sender);
        let like = like.map_or(String::new(), |other| self.app.text(Phrase::LooksLike(&clean_name(&other))));
        format!("{}{like}: {text}", clean_name(sender))
    }

    fn report_text(&mut self, text: &str) {
        self.output.push(OutputLine::Report(display::clean_for_terminal(text).into_owned()));
    }
}

fn stamp(at: Option<jiff::civil::DateTime>) -> String {
    at.map_or(String::new(), |at| {
        let (day, month, year) = (at.day(), at.month(), at.year().rem_euclid(100));
        format!("[{day:02}.{month:02}.{year:02} {:02}:{:02}] ", at.hour(), at.minute())
    })
}
