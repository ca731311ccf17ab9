//! The state of plain mode: the application, the lines to print, and the lines that arrived early.

use std::collections::{HashMap, HashSet, VecDeque};

use chat_client::{DeliveryState, PostId, Text, display};
use chat_frontend::qr;
use jiff::Timestamp;

use crate::app::{App, Dialog, RegistrationStep, Screen};
use crate::effect::Effect;
use crate::event::{AppEvent, JoinWays};
use crate::keymap::Action;
use crate::lang::Phrase;
use crate::timeline::{Held, PendingMessage, clean_name};

/// The application and its output lines.
#[derive(Debug)]
pub(crate) struct PlainMode {
    pub(super) app: App,
    /// A user types and can be asked.
    pub(super) interactive: bool,
    /// Columns and rows of the terminal; `None` where the reports go elsewhere.
    pub(super) terminal: Option<(u16, u16)>,
    /// The output, oldest first.
    pub(super) output: Vec<OutputLine>,
    /// Input lines that arrived before the chat was ready.
    pub(super) early: VecDeque<String>,
    /// The messages without a final state, with their texts. An echo is not a confirmation, so it does not change them.
    pub(super) in_flight: HashMap<PostId, Text>,
    /// The messages of these that were seen on the listen port.
    pub(super) echoed: HashSet<PostId>,
    /// An outage was reported, and its end was not.
    pub(super) outage: bool,
    /// Both connections have been up.
    pub(super) connected: bool,
    /// When the current listening started.
    pub(super) listening_since: Timestamp,
    pub(super) input_ended: bool,
    pub(super) welcomed: bool,
    pub(super) entered: bool,
    pub(super) worst: PlainOutcome,
    /// The program cannot continue without a user to ask.
    pub(super) failed: bool,
}

/// One output line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OutputLine {
    /// A message: data.
    Message(String),
    /// Everything else, for standard error.
    Report(String),
}

/// The outcome, from good to bad.
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
            terminal: None,
            output: Vec::new(),
            early: VecDeque::new(),
            in_flight: HashMap::new(),
            echoed: HashSet::new(),
            outage: false,
            connected: false,
            listening_since: Timestamp::MAX,
            input_ended: false,
            welcomed: false,
            entered: false,
            worst: PlainOutcome::Done,
            failed: false,
        }
    }

    /// Takes the output that is due.
    pub(crate) fn take_output(&mut self) -> Vec<OutputLine> {
        std::mem::take(&mut self.output)
    }

    /// Returns the application, for the report after the end.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    pub(crate) fn outcome(&self) -> PlainOutcome {
        self.worst
    }

    /// Returns whether another line may come: not while many wait already.
    pub(crate) fn wants_lines(&self) -> bool {
        const AT_ONCE: usize = 256;
        !self.input_ended && self.early.len() + self.in_flight.len() < AT_ONCE
    }

    /// Returns the nicknames to complete.
    pub(crate) fn names(&self) -> Vec<String> {
        const NAMES: usize = 200;
        self.app.recent_names(NAMES)
    }

    /// Returns whether all has come in, gone out, and come back.
    pub(crate) fn is_finished(&self) -> bool {
        let echoes = self.app.chat.timeline.outgoing.as_slice().iter().any(PendingMessage::is_confirmed);
        self.waits_for_echoes() && !(echoes && self.app.links.listening.is_online())
    }

    /// Returns whether only echoes are waited for.
    pub(crate) fn waits_for_echoes(&self) -> bool {
        self.input_ended && self.early.is_empty() && self.entered && self.in_flight.is_empty()
    }

    pub(crate) fn input_has_ended(&self) -> bool {
        self.input_ended
    }

    /// Ends the wait for outstanding messages.
    pub(crate) fn give_up(&mut self, seconds: u64) {
        self.report(Phrase::PlainGaveUp(seconds));
        let undecided: Vec<Text> = self.in_flight.values().cloned().collect();
        let left = undecided.len() + self.early.len();
        if !self.entered {
            self.worst = self.worst.max(PlainOutcome::Unreachable);
        } else if left > 0 {
            for text in undecided {
                self.report_own(&text, &DeliveryState::Unconfirmed, None);
            }
            self.worst = self.worst.max(PlainOutcome::Unconfirmed);
        }
    }

    /// Records the end of the input.
    pub(crate) fn end_input(&mut self) {
        self.input_ended = true;
    }

    /// Handles an event.
    pub(crate) fn event(&mut self, message: AppEvent, now: Timestamp) -> Vec<Effect> {
        if let AppEvent::JoinWays(ways) = &message {
            self.report_join_ways(ways);
            return Vec::new();
        }
        let before = (self.app.screen, self.app.links.clone(), self.app.dialog.is_some());
        // A report may contain a time.
        self.app.now = now;
        let hints = self.report_event(&message);
        let failed = matches!(message, AppEvent::SearchFailed { .. });
        let searched = matches!(message, AppEvent::Searched { percent: 100, .. });
        let ended = match &message {
            AppEvent::Own { id, state } if state.is_final() => Some((id.clone(), state.clone())),
            _ => None,
        };
        let mut effects = self.app.update(message, now);
        if ended.is_some() {
            // The report says what the screen says in its status line.
            self.app.take_hint();
        }
        effects.retain(|effect| !self.keeps_echo(effect));
        if let Some((id, state)) = ended
            && self.echoed.remove(&id)
            && state == DeliveryState::Unconfirmed
        {
            // It is in the conversation, so the next run has nothing to ask.
            effects.push(Effect::Discard { id });
        }
        if self.app.links.listening.is_online() && !before.1.listening.is_online() {
            self.listening_since = now;
        }
        self.report_links(&before.1);
        if failed && matches!(self.app.dialog, Some(Dialog::Search(_))) {
            effects.extend(self.press(Action::Cancel));
        }
        if searched && let Some(Dialog::Search(search)) = &self.app.dialog {
            let found = search.hits.len();
            effects.extend(self.press(Action::Cancel));
            self.report(if found == 0 { Phrase::PlainNothingFound } else { Phrase::PlainFound(found) });
        }
        if let Some(why) = hints {
            self.report_text(&why);
        }
        if !before.2 && matches!(self.app.dialog, Some(Dialog::WrongToken { .. })) {
            effects.extend(self.wrong_token());
        }
        if before.0 == Screen::Starting && self.app.screen != Screen::Starting {
            effects.extend(self.begin());
        }
        let mut entering = false;
        // Registered: enter the chat at once, because there is no button to press.
        if let (Screen::Registration, RegistrationStep::Done(registered)) =
            (self.app.screen, &self.app.registration.step)
        {
            let known = registered.known.clone();
            effects.extend(self.app.enter(known));
            self.report_entering();
            entering = true;
        }
        if before.0 == Screen::Registration && self.app.screen == Screen::Chat && !entering {
            self.report_entering();
        }
        if self.app.screen == Screen::Chat && !self.entered && self.app.links.writing.is_online() {
            self.entered = true;
        }
        effects.extend(self.send_early());
        if self.failed {
            effects.extend(self.app.quit());
        }
        self.follow(&effects);
        effects
    }

    /// Takes the echo of a message that is not confirmed yet: given to the writer, it would count as a confirmation,
    /// and a script could not tell the two apart.
    fn keeps_echo(&mut self, effect: &Effect) -> bool {
        match effect {
            Effect::ConfirmEcho { id } if self.in_flight.contains_key(id) => self.echoed.insert(id.clone()),
            _ => false,
        }
    }

    /// Carries out an action as a key of the full screen would.
    pub(super) fn press(&mut self, action: Action) -> Vec<Effect> {
        let now = self.app.now;
        self.app.update(AppEvent::Action(action), now)
    }

    pub(super) fn report(&mut self, phrase: Phrase<'_>) {
        let text = self.app.text(phrase);
        self.report_text(&text);
    }

    /// Formats a message as one line.
    pub(super) fn line_of(&mut self, sender: Option<&str>, text: &str) -> String {
        let text = display::clean_for_terminal(text);
        let Some(sender) = sender else { return text.into_owned() };
        let like = self.app.chat.timeline.names.meet(sender);
        let like = like.map_or(String::new(), |other| self.app.text(Phrase::LooksLike(&clean_name(&other))));
        format!("{}{like}: {text}", clean_name(sender))
    }

    /// Reports the state of an own message.
    pub(super) fn report_own(&mut self, text: &Text, state: &DeliveryState, held: Option<&Held>) {
        let text = display::clean_for_terminal(text.as_str());
        self.report(Phrase::PlainOwn { text: &text, state, held, until: self.app.refused_until(state) });
    }

    /// Reports how others join; with the code of the link, where a terminal has room for it.
    fn report_join_ways(&mut self, ways: &JoinWays) {
        let (lines, link) = self.app.join_lines(ways);
        lines.iter().for_each(|line| self.report_text(line));
        let Some((columns, rows)) = self.terminal else { return };
        // One row is the typed one.
        match link.map(|link| qr::fitting(&link, columns, rows.saturating_sub(1))) {
            Some(Some(code)) => self.output.extend(code.lines().map(|line| OutputLine::Report(line.to_owned()))),
            Some(None) => self.report(Phrase::NoPlaceForCode),
            None => {}
        }
    }

    pub(super) fn report_text(&mut self, text: &str) {
        self.output.push(OutputLine::Report(display::clean_for_terminal(text).into_owned()));
    }
}

pub(super) fn stamp(at: Option<jiff::civil::DateTime>) -> String {
    at.map_or(String::new(), |at| at.strftime("[%d.%m.%y %H:%M] ").to_string())
}
