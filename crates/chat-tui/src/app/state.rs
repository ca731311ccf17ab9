//! The state of the application, and what every part of it uses.

use std::time::Duration;

use chat_client::Token;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::account_list::AccountList;
use super::dialog::Dialog;
use super::registration_form::Registration;
use crate::effect::Effect;
use crate::event::KnownAccount;
use crate::lang::{Lang, Phrase};
use crate::line_editor::LineEditor;
use crate::link::Links;
use crate::timeline::{Timeline, TimelineEntry, Viewer, clean_name};

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
    pub(super) last_key: Timestamp,
    /// What was said before has not been seen as it came.
    pub(super) started: Timestamp,
    pub(super) wanted: Option<Box<Start>>,
    /// It is asked about once the paste has been decided about.
    pub(super) wrong_token_waits: bool,
    /// The name came from the command line, so its account is entered without another key.
    pub(super) enters_when_registered: bool,
    pub(super) remembered: Option<u64>,
    pub(super) searches: u64,
    /// Counts the dialogs that ask something, so that a key from before one was drawn does not answer it.
    pub(super) questions: u64,
    /// What was pasted where it could not be shown.
    pub(super) kept_paste: String,
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

/// A line above the status line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    pub(crate) text: String,
    pub(crate) error: bool,
}

/// The conversation, the line that is typed, and the own message that is selected.
#[derive(Debug, Default)]
pub(crate) struct ChatScreen {
    pub(crate) timeline: Timeline,
    pub(crate) input: LineEditor,
    /// The id of an own message on its way, while one is being decided about.
    pub(crate) selected: Option<String>,
    /// The own message whose text is in the input line: what is sent takes its place.
    pub(super) editing: Option<String>,
    pub(super) sent: u64,
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
            enters_when_registered: false,
            remembered: None,
            searches: 0,
            questions: 0,
            kept_paste: String::new(),
            quitting: false,
        }
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

    /// A line of the program's own in the conversation.
    pub(super) fn notice(&mut self, text: &str, error: bool) {
        let text = chat_client::display::clean_keeping_line_breaks(text).into_owned();
        let at = self.local(self.now);
        self.chat.timeline.push(TimelineEntry::notice(text, error, at));
    }

    pub(super) fn hint(&mut self, phrase: Phrase<'_>, error: bool) {
        self.hint = Some(Hint { text: self.text(phrase), error });
    }

    /// Whoever has typed in the last minutes, in a terminal that has the focus, is there.
    pub(super) fn note_presence(&mut self) {
        const AWAY_AFTER_MS: i64 = 5 * 60 * 1000;
        let idle = self.now.as_millisecond() - self.last_key.as_millisecond();
        self.chat.timeline.set_present(self.focused && idle < AWAY_AFTER_MS);
    }

    pub(super) fn remember_reading(&mut self) -> Vec<Effect> {
        let place = self.chat.timeline.read_to();
        if place == self.remembered {
            return Vec::new();
        }
        self.remembered = place;
        place.map(Effect::Remember).into_iter().collect()
    }

    /// The number of the question that a key would answer now; `None` where none is open.
    pub(crate) fn question(&self) -> Option<u64> {
        let asks = matches!(self.dialog, Some(Dialog::Paste(_) | Dialog::WrongToken { .. })) || self.accounts.removing;
        asks.then_some(self.questions)
    }

    /// Opens a dialog that asks something.
    pub(super) fn ask(&mut self, dialog: Dialog) {
        self.questions += 1;
        self.dialog = Some(dialog);
    }

    /// Returns the hint and removes it.
    pub(crate) fn take_hint(&mut self) -> Option<Hint> {
        self.hint.take()
    }

    pub(crate) fn quit(&mut self) -> Vec<Effect> {
        self.quitting = true;
        let mut effects = self.remember_reading();
        effects.push(Effect::Quit);
        effects
    }
}
