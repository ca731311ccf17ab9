//! Plain mode: the same application as lines. Messages go out as lines, each line that comes in is a
//! message or a command, and every state is said in words.

mod runner;

use std::collections::VecDeque;

use chat_client::{Nickname, display};
use jiff::Timestamp;

pub(crate) use runner::run;

use crate::{
    app::{App, Dialog, Screen, Step},
    effect::Effect,
    lang::Phrase,
    link::{Cause, LinkState, Side},
    message::{Heard, Hit, Message},
    timeline::{OwnState, Page, Wanted, clean_name},
};

/// How many lines of history are shown at the start, to a person.
const WELCOME: usize = 20;

/// The application and what it has to say.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) app: App,
    /// A person types, who can be asked.
    interactive: bool,
    /// What is said, oldest first.
    said: Vec<Say>,
    /// Lines that came before there was a chat to say them in.
    early: VecDeque<String>,
    input_ended: bool,
    welcomed: bool,
    entered: bool,
    worst: Outcome,
}

/// One line out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Say {
    /// A message: data.
    Message(String),
    /// Everything else: talk.
    Talk(String),
}

/// How it ended, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Done,
    Usage,
    Refused,
    Unreachable,
    Unconfirmed,
}

impl Plain {
    pub(crate) fn new(app: App, interactive: bool) -> Self {
        Self {
            app,
            interactive,
            said: Vec::new(),
            early: VecDeque::new(),
            input_ended: false,
            welcomed: false,
            entered: false,
            worst: Outcome::Done,
        }
    }

    /// What is to be said now.
    pub(crate) fn take_said(&mut self) -> Vec<Say> {
        std::mem::take(&mut self.said)
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.worst
    }

    /// Whether another line may come: not while many wait already.
    pub(crate) fn wants_lines(&self) -> bool {
        const AT_ONCE: usize = 256;
        !self.input_ended && self.early.len() + self.app.chat.timeline.outgoing.waiting() < AT_ONCE
    }

    /// Whether all has come in, gone out, and come back.
    pub(crate) fn is_finished(&self) -> bool {
        let outgoing = &self.app.chat.timeline.outgoing;
        let echoes = outgoing.as_slice().iter().any(|own| own.state == OwnState::Confirmed);
        let listening = self.app.links.listening.is_online();
        self.input_ended && self.early.is_empty() && self.entered && outgoing.waiting() == 0 && !(echoes && listening)
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
        self.talk(Phrase::PlainGaveUp(seconds));
        let left = self.app.chat.timeline.outgoing.waiting() + self.early.len();
        if !self.entered {
            self.worst = self.worst.max(Outcome::Unreachable);
        } else if left > 0 {
            self.worst = self.worst.max(Outcome::Unconfirmed);
        }
    }

    /// No more lines will come.
    pub(crate) fn end_input(&mut self) {
        self.input_ended = true;
    }

    /// Takes a line of input.
    pub(crate) fn line(&mut self, line: &str, now: Timestamp) -> Vec<Effect> {
        self.app.now = now;
        if matches!(self.app.dialog, Some(Dialog::WrongToken { .. })) {
            return self.decide_on_wrong_token(line.trim());
        }
        match self.app.screen {
            Screen::Starting => {
                self.early.push_back(line.to_owned());
                Vec::new()
            }
            Screen::Registration if self.app.registration.step == Step::Asked || !self.interactive => {
                self.early.push_back(line.to_owned());
                Vec::new()
            }
            Screen::Registration => self.register(line.trim()),
            Screen::Accounts => self.choose_account(line.trim()),
            Screen::Chat => self.say_or_do(line),
        }
    }

    /// Takes what has happened elsewhere.
    pub(crate) fn message(&mut self, message: Message, now: Timestamp) -> Vec<Effect> {
        let before = (self.app.screen, self.app.links.clone(), self.app.dialog.is_some());
        let hints = self.hear(&message);
        let mut effects = self.app.update(message, now);
        self.say_links(&before.1);
        if let Some(why) = hints {
            self.talk_text(&why);
        }
        if !before.2 && matches!(self.app.dialog, Some(Dialog::WrongToken { .. })) {
            effects.extend(self.wrong_token());
        }
        if before.0 == Screen::Starting && self.app.screen != Screen::Starting {
            effects.extend(self.begin());
        }
        // Registered: straight on to the chat, since there is no button to press.
        if let (Screen::Registration, Step::Done(registered)) = (self.app.screen, &self.app.registration.step) {
            let known = registered.known.clone();
            effects.extend(self.app.enter(known));
            self.say_entering();
        }
        if self.app.screen == Screen::Chat && !self.entered && self.app.links.writing.is_online() {
            self.entered = true;
        }
        effects.extend(self.say_early());
        effects
    }

    /// Where the program begins.
    fn begin(&mut self) -> Vec<Effect> {
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

    /// Says what a message brings, before the application takes it. Returns what is to be said after.
    fn hear(&mut self, message: &Message) -> Option<String> {
        match message {
            Message::Heard(heard) => heard.iter().for_each(|one| self.hear_one(one)),
            Message::Page(Wanted::Tail, page) if !self.welcomed => {
                self.welcomed = true;
                if self.interactive {
                    self.welcome(page);
                }
            }
            Message::Own { id, state: state @ (OwnState::Failed(_) | OwnState::Unconfirmed), .. } => {
                let text = self.app.chat.timeline.outgoing.find(id).map(|own| own.text.clone())?;
                let outcome = match state {
                    OwnState::Unconfirmed => Outcome::Unconfirmed,
                    _ => Outcome::Refused,
                };
                self.worst = self.worst.max(outcome);
                let text = display::clean_for_terminal(&text).into_owned();
                return Some(self.app.say(Phrase::PlainOwn { text: &text, state }));
            }
            Message::Restored(restored) => {
                for one in restored {
                    let text = display::clean_for_terminal(&one.text).into_owned();
                    self.talk(Phrase::PlainOwn { text: &text, state: &one.state });
                }
            }
            Message::Registered(Ok(registered)) => {
                let nickname = clean_name(registered.known.account.nickname.as_str());
                let saved = match &registered.saved {
                    Ok(path) => self.app.say(Phrase::SavedIn(path)),
                    Err(error) => self.app.say(Phrase::NotSaved(error)),
                };
                self.talk(Phrase::PlainRegistered { nickname: &nickname, saved: &saved });
            }
            Message::Registered(Err(cause)) => {
                self.talk(Phrase::Cause(cause));
                if !self.interactive {
                    let refused = matches!(cause, Cause::NicknameRefused | Cause::UnknownToken);
                    self.worst = self.worst.max(if refused { Outcome::Refused } else { Outcome::Unreachable });
                    self.app.quitting = true;
                }
            }
            Message::Found { hits, .. } => hits.iter().for_each(|hit| self.say_hit(hit)),
            Message::Searched { percent: 100, .. } => {
                let found = match &self.app.dialog {
                    Some(Dialog::Search(search)) => search.hits.len(),
                    _ => 0,
                };
                self.app.dialog = None;
                self.talk(if found == 0 { Phrase::PlainNothingFound } else { Phrase::PlainFound(found) });
            }
            Message::Exported(result) => match result {
                Ok(path) => self.talk(Phrase::Exported(path)),
                Err(error) => self.talk(Phrase::NotExported(error)),
            },
            Message::Notice { text, .. } => self.talk(Phrase::News(text)),
            _ => {}
        }
        None
    }

    fn hear_one(&mut self, heard: &Heard) {
        match heard {
            Heard::Said { sender, text, .. } => {
                let line = line_of(sender.as_deref(), text);
                self.said.push(Say::Message(line));
            }
            Heard::Gap { since, until, missed, cause } => {
                let gap = crate::timeline::GapLine {
                    since: self.app.local(*since),
                    until: self.app.local(*until),
                    missed: *missed,
                    cause: *cause,
                };
                self.talk(Phrase::Gap(&gap));
            }
        }
    }

    fn welcome(&mut self, page: &Page) {
        let first = page.lines.len().saturating_sub(WELCOME);
        let lines: Vec<String> = page.lines[first..]
            .iter()
            .map(|line| format!("{}{}", stamp(line.at), line_of(line.sender.as_deref(), &line.text)))
            .collect();
        self.said.extend(lines.into_iter().map(Say::Message));
    }

    fn say_hit(&mut self, hit: &Hit) {
        let line = format!("{}{}", stamp(hit.at), line_of(hit.sender.as_deref(), &hit.text));
        self.said.push(Say::Message(line));
    }

    /// Says what has changed in the connections, in words; not every second of a countdown.
    fn say_links(&mut self, before: &crate::link::Links) {
        for side in [Side::Listening, Side::Writing] {
            let state = self.app.links.side(side).clone();
            let first_try = matches!(state, LinkState::Connecting { attempt: 0 | 1 } | LinkState::Off);
            if &state == before.side(side) || first_try {
                continue;
            }
            let mut text =
                self.app.say(Phrase::Link { side, state: &state, seconds: state.seconds_left(self.app.now) });
            if let Some(cause) = state.cause() {
                let cause = self.app.say(Phrase::Cause(cause));
                text = format!("{text}: {}", display::clean_for_terminal(&cause));
            }
            self.talk_text(&text);
            if let LinkState::Closed { cause: Some(cause) } = &state
                && side == Side::Writing
                && !self.interactive
                && *cause != Cause::UnknownToken
            {
                self.worst = self.worst.max(Outcome::Unreachable);
                self.app.quitting = true;
            }
        }
    }

    fn wrong_token(&mut self) -> Vec<Effect> {
        if self.interactive {
            self.talk(Phrase::PlainWrongToken);
            return Vec::new();
        }
        self.fail(Phrase::WrongToken, Outcome::Refused)
    }

    fn decide_on_wrong_token(&mut self, line: &str) -> Vec<Effect> {
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

    fn register(&mut self, name: &str) -> Vec<Effect> {
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

    fn choose_account(&mut self, line: &str) -> Vec<Effect> {
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

    fn list_accounts(&mut self) {
        let names: Vec<String> =
            self.app.accounts.list().iter().map(|known| clean_name(known.account.nickname.as_str())).collect();
        for (number, nickname) in names.iter().enumerate() {
            self.talk(Phrase::PlainAccount { number: number + 1, nickname });
        }
        if self.interactive {
            self.talk(Phrase::PlainChooseAccount);
        }
    }

    fn say_early(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while self.app.screen == Screen::Chat && self.app.dialog.is_none() {
            let Some(line) = self.early.pop_front() else { break };
            effects.extend(self.say_or_do(&line));
        }
        effects
    }

    fn say_or_do(&mut self, line: &str) -> Vec<Effect> {
        if let Some(command) = line.strip_prefix('/')
            && !command.starts_with('/')
        {
            return self.command(command);
        }
        let text = line.strip_prefix('/').unwrap_or(line);
        match self.app.send(text.to_owned()) {
            Ok(effect) => vec![effect],
            Err(_) => {
                self.say_hint();
                Vec::new()
            }
        }
    }

    fn command(&mut self, command: &str) -> Vec<Effect> {
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        match name {
            "help" => self.talk(Phrase::PlainHelp),
            "status" => self.say_status(),
            "token" => {
                if let Some(token) = self.app.me.as_ref().map(|known| known.account.token.expose().to_owned()) {
                    self.talk(Phrase::PlainToken(&token));
                }
            }
            "retry" | "discard" => return self.decide_on_own(name == "retry"),
            "register" if !rest.is_empty() => {
                self.app.open_registration();
                return self.register(rest);
            }
            "register" => {
                self.app.open_registration();
                self.talk(Phrase::PlainAskNickname);
            }
            "accounts" => {
                self.app.open_accounts();
                self.list_accounts();
            }
            _ => {
                let effects = self.app.command(command);
                self.say_hint();
                return effects;
            }
        }
        Vec::new()
    }

    fn decide_on_own(&mut self, retry: bool) -> Vec<Effect> {
        let undecided: Vec<(String, String)> = self
            .app
            .chat
            .timeline
            .outgoing
            .as_slice()
            .iter()
            .filter(|own| own.state.needs_a_decision())
            .map(|own| (own.id.clone(), own.text.clone()))
            .collect();
        if undecided.is_empty() {
            self.talk(Phrase::PlainOwnUsage);
        }
        let decided = undecided.iter();
        decided.flat_map(|(id, text)| if retry { self.app.resend(id, text) } else { self.app.discard(id) }).collect()
    }

    fn say_status(&mut self) {
        let link = |side: Side| {
            let state = self.app.links.side(side);
            self.app.say(Phrase::Link { side, state, seconds: state.seconds_left(self.app.now) })
        };
        let (listening, writing) = (link(Side::Listening), link(Side::Writing));
        let waiting = self.app.chat.timeline.outgoing.waiting();
        self.talk(Phrase::PlainStatus { listening: &listening, writing: &writing, waiting });
    }

    fn say_entering(&mut self) {
        if let Some(nickname) = self.app.nickname() {
            self.talk(Phrase::PlainEntering(&nickname));
        }
    }

    fn say_hint(&mut self) {
        if let Some(hint) = self.app.hint.take() {
            self.talk_text(&hint.text);
        }
    }

    fn fail(&mut self, why: Phrase<'_>, outcome: Outcome) -> Vec<Effect> {
        self.talk(why);
        self.worst = self.worst.max(outcome);
        self.app.quit()
    }

    fn talk(&mut self, phrase: Phrase<'_>) {
        let text = self.app.say(phrase);
        self.talk_text(&text);
    }

    fn talk_text(&mut self, text: &str) {
        self.said.push(Say::Talk(display::clean_for_terminal(text).into_owned()));
    }
}

/// A message as one line.
fn line_of(sender: Option<&str>, text: &str) -> String {
    let text = display::clean_for_terminal(text);
    match sender {
        Some(sender) => format!("{}: {text}", clean_name(sender)),
        None => text.into_owned(),
    }
}

fn stamp(at: Option<jiff::civil::DateTime>) -> String {
    at.map_or(String::new(), |at| {
        let (day, month, year) = (at.day(), at.month(), at.year().rem_euclid(100));
        format!("[{day:02}.{month:02}.{year:02} {:02}:{:02}] ", at.hour(), at.minute())
    })
}
