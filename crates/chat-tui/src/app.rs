//! The application as a value: `update` takes what has happened and says what is to be done. It
//! knows neither sockets nor files nor a clock; time is an argument.

mod accounts;
mod chat;
mod commands;
mod entering;
mod help;
mod incoming;
mod paste;
mod registration;
mod search;
#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use chat_client::Token;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(crate) use accounts::AccountList;
pub(crate) use chat::ChatScreen;
pub(crate) use paste::PastePreview;
pub(crate) use registration::{Focus, Registration, RegistrationStep};
pub(crate) use search::Search;

use crate::{
    effect::Effect,
    event::{AppEvent, KnownAccount, NoticeText},
    keymap::{self, Action},
    lang::{Lang, Phrase},
    link::Links,
    timeline::{TimelineEntry, Viewer, clean_name},
};

/// What the application is started with.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) lang: Lang,
    pub(crate) zone: TimeZone,
    pub(crate) now: Timestamp,
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// Where the room is, for the title.
    pub(crate) place: String,
    /// Open registration whatever accounts there are.
    pub(crate) register: bool,
    pub(crate) nickname: Option<String>,
    pub(crate) token: Option<Token>,
}

/// The whole state.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) lang: Lang,
    pub(crate) zone: TimeZone,
    pub(crate) now: Timestamp,
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) place: String,
    pub(crate) screen: Screen,
    pub(crate) dialog: Option<Dialog>,
    pub(crate) registration: Registration,
    pub(crate) accounts: AccountList,
    pub(crate) chat: ChatScreen,
    pub(crate) links: Links,
    /// The account in the chat.
    pub(crate) me: Option<KnownAccount>,
    pub(crate) reader: Viewer,
    /// A short answer to the last key, until the next one.
    pub(crate) hint: Option<Hint>,
    pub(crate) focused: bool,
    last_key: Timestamp,
    /// What was said before has not been seen as it came.
    started: Timestamp,
    wanted: Option<Box<Start>>,
    /// It is asked about once the paste has been decided about.
    wrong_token_waits: bool,
    remembered: Option<u64>,
    searches: u64,
    pub(crate) quitting: bool,
}

/// What fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    /// Before the accounts have been read.
    Starting,
    Registration,
    Accounts,
    Chat,
}

/// What stands over it.
#[derive(Debug)]
pub(crate) enum Dialog {
    Help { scroll: u16 },
    WrongToken { choice: usize },
    Paste(PastePreview),
    Search(Box<Search>),
}

/// A line above the status line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    pub(crate) text: String,
    pub(crate) error: bool,
}

impl App {
    pub(crate) fn new(start: Start) -> Self {
        let registration = Registration::new(start.nickname.as_deref().unwrap_or(""));
        Self {
            lang: start.lang,
            zone: start.zone.clone(),
            now: start.now,
            width: start.width,
            height: start.height,
            place: clean_name(&start.place),
            screen: Screen::Starting,
            dialog: None,
            registration,
            accounts: AccountList::default(),
            chat: ChatScreen::default(),
            links: Links::default(),
            me: None,
            reader: Viewer::default(),
            hint: None,
            focused: true,
            last_key: start.now,
            started: start.now,
            wanted: Some(Box::new(start)),
            wrong_token_waits: false,
            remembered: None,
            searches: 0,
            quitting: false,
        }
    }

    /// Takes one message.
    pub(crate) fn update(&mut self, message: AppEvent, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        let mut effects = self.take(message);
        if self.screen == Screen::Chat {
            effects.extend(self.chat.timeline.wanted().map(Effect::ReadPage));
        }
        effects
    }

    /// How long until a number on the screen changes with the clock alone; `None` where none does.
    pub(crate) fn next_tick(&self) -> Option<Duration> {
        (self.screen == Screen::Chat).then(|| self.links.next_second(self.now)).flatten()
    }

    /// The nickname of the account in the chat, clean.
    pub(crate) fn nickname(&self) -> Option<String> {
        self.me.as_ref().map(|known| clean_name(known.account.nickname.as_str()))
    }

    /// Local time.
    pub(crate) fn local(&self, at: Timestamp) -> jiff::civil::DateTime {
        at.to_zoned(self.zone.clone()).datetime()
    }

    pub(crate) fn text(&self, phrase: Phrase<'_>) -> String {
        self.lang.text(phrase)
    }

    fn take(&mut self, message: AppEvent) -> Vec<Effect> {
        match message {
            AppEvent::Key(key) => {
                let Some(action) = keymap::action(key) else { return Vec::new() };
                self.last_key = self.now;
                self.note_presence();
                self.act(action)
            }
            AppEvent::Paste(text) => {
                self.last_key = self.now;
                self.paste(&text)
            }
            AppEvent::Resize { width, height } => {
                (self.width, self.height) = (width, height);
                Vec::new()
            }
            AppEvent::Focus(focused) => {
                self.focused = focused;
                self.note_presence();
                self.remember_reading()
            }
            AppEvent::Tick => Vec::new(),
            AppEvent::Accounts(accounts) => self.take_accounts(accounts),
            AppEvent::Registered(result) => {
                if let Ok(registered) = &result {
                    self.accounts.add(registered.known.clone());
                }
                self.registration.take(result, self.lang);
                Vec::new()
            }
            AppEvent::Entered(account) => self.entered(account),
            AppEvent::ReadTo(place) => {
                self.chat.timeline.set_read_to(place);
                self.remembered = place;
                Vec::new()
            }
            AppEvent::Link(side, state) => self.take_link(side, state),
            AppEvent::RoundTrip(time) => {
                self.links.round_trip = Some(time);
                Vec::new()
            }
            AppEvent::Incoming(heard) => self.take_incoming(heard),
            AppEvent::Own { id, state, position } => {
                self.take_own(&id, state, position);
                Vec::new()
            }
            AppEvent::Restored(restored) => {
                self.take_restored(restored);
                Vec::new()
            }
            AppEvent::Page(wanted, page) => {
                self.take_page(wanted, page);
                Vec::new()
            }
            AppEvent::Found { search, hits } => {
                if let Some(Dialog::Search(open)) = &mut self.dialog {
                    open.take(search, hits);
                }
                Vec::new()
            }
            AppEvent::Searched { search, percent } => {
                if let Some(Dialog::Search(open)) = &mut self.dialog {
                    open.progress(search, percent);
                }
                Vec::new()
            }
            AppEvent::Exported(result) => {
                let (text, error) = match &result {
                    Ok(path) => (self.text(Phrase::Exported(path)), false),
                    Err(error) => (self.text(Phrase::NotExported(error)), true),
                };
                self.notice(&text, error);
                Vec::new()
            }
            AppEvent::CannotSuspend => {
                self.hint(Phrase::CannotSuspend, true);
                Vec::new()
            }
            AppEvent::TokenCopied => {
                self.hint(Phrase::TokenCopied, false);
                Vec::new()
            }
            AppEvent::Notice { text, error } => self.take_news(&text, error),
            AppEvent::Quit => self.quit(),
        }
    }

    fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Quit => return self.quit(),
            Action::Redraw => return vec![Effect::Redraw],
            Action::Suspend => return vec![Effect::Suspend],
            _ => {}
        }
        match &self.dialog {
            Some(Dialog::Help { .. }) => self.act_in_help(&action),
            Some(Dialog::WrongToken { .. }) => self.act_on_wrong_token(action),
            Some(Dialog::Paste(_)) => {
                let effects = self.act_on_paste(action);
                self.ask_what_waits();
                effects
            }
            Some(Dialog::Search(_)) => self.act_in_search(action),
            None => match self.screen {
                Screen::Starting => match action {
                    Action::Interrupt | Action::EndOrDelete => self.quit(),
                    _ => Vec::new(),
                },
                _ if action == Action::Help => {
                    self.accounts.removing = false;
                    self.dialog = Some(Dialog::Help { scroll: 0 });
                    Vec::new()
                }
                Screen::Registration => self.act_in_registration(action),
                Screen::Accounts => self.act_in_accounts(action),
                Screen::Chat => self.act_in_chat(action),
            },
        }
    }

    fn take_news(&mut self, news: &NoticeText, error: bool) -> Vec<Effect> {
        let text = self.text(Phrase::News(news));
        if self.screen == Screen::Chat {
            self.notice(&text, error);
        } else {
            self.registration.notes.push((text, error));
        }
        Vec::new()
    }

    /// A line of the program's own in the conversation.
    fn notice(&mut self, text: &str, error: bool) {
        let text = chat_client::display::clean_keeping_line_breaks(text).into_owned();
        let at = self.local(self.now);
        self.chat.timeline.push(TimelineEntry::notice(text, error, at));
    }

    fn hint(&mut self, phrase: Phrase<'_>, error: bool) {
        self.hint = Some(Hint { text: self.text(phrase), error });
    }

    /// Whoever has typed in the last minutes, in a terminal that has the focus, is there.
    fn note_presence(&mut self) {
        const AWAY_AFTER_MS: i64 = 5 * 60 * 1000;
        let idle = self.now.as_millisecond() - self.last_key.as_millisecond();
        self.chat.timeline.set_present(self.focused && idle < AWAY_AFTER_MS);
    }

    fn remember_reading(&mut self) -> Vec<Effect> {
        let place = self.chat.timeline.read_to();
        if place == self.remembered {
            return Vec::new();
        }
        self.remembered = place;
        place.map(Effect::Remember).into_iter().collect()
    }

    pub(crate) fn quit(&mut self) -> Vec<Effect> {
        self.quitting = true;
        let mut effects = self.remember_reading();
        effects.push(Effect::Quit);
        effects
    }
}
