//! The state of the application, and what all its parts use.

use std::time::Duration;

use chat_client::{PostId, Token, fresh_post_id};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::account_list::AccountList;
use super::dialog::Dialog;
use super::registration_form::Registration;
use crate::effect::Effect;
use crate::event::KnownAccount;
use crate::lang::{Lang, Phrase};
use crate::line_editor::LineEditor;
use crate::link::Links;
use crate::timeline::{MessageCount, ReadingPlace, Selection, Timeline, TimelineEntry, Viewer, clean_name};

/// The start parameters of the application.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) lang: Lang,
    pub(crate) zone: TimeZone,
    pub(crate) now: Timestamp,
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// The address of the room, for the title.
    pub(crate) place: String,
    /// Open registration even if there are accounts.
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
    /// Earlier messages were not seen when they arrived.
    pub(super) started: Timestamp,
    pub(super) wanted: Option<Box<Start>>,
    /// A question about a wrong token waits until the paste is decided.
    pub(super) wrong_token_waits: bool,
    /// The name came from the command line, so its account is entered without another key.
    pub(super) enters_when_registered: bool,
    pub(super) remembered: Option<u64>,
    pub(super) searches: u64,
    /// Counts the dialogs with a question, so that a key pressed before one was drawn does not answer it.
    pub(super) questions: u64,
    /// A paste that could not be shown yet.
    pub(super) kept_paste: String,
    /// Other programs that are connected to the room that this program serves.
    pub(super) guests: usize,
    /// The room is on this computer.
    pub(crate) local_room: bool,
    /// The command that joins the room that this program serves, if it is open to others.
    pub(crate) shared_at: Option<String>,
    /// The screen is left for plain lines, until a key.
    pub(crate) bare: bool,
    /// The program has the mouse.
    pub(super) mouse: bool,
    /// Ctrl+X was pressed.
    pub(super) prefix: bool,
    /// Where the reader was before the jump to the first unread message.
    pub(super) came_from: Option<ReadingPlace>,
    /// No key was pressed since the conversation was opened.
    pub(super) opening: bool,
    /// The draft that was stored last.
    kept_draft: String,
    pub(crate) quitting: bool,
}

/// Where the ids of messages come from.
#[derive(Debug, Default)]
pub(crate) enum PostIds {
    #[default]
    Random,
    /// `typed-1`, `typed-2` and so on, for tests.
    #[cfg(test)]
    Counted(u64),
}

impl PostIds {
    /// Returns an id that no other message has.
    pub(super) fn next(&mut self) -> PostId {
        match self {
            Self::Random => fresh_post_id(),
            #[cfg(test)]
            Self::Counted(count) => {
                *count += 1;
                PostId::new(&format!("typed-{count}")).unwrap()
            }
        }
    }
}

/// The content of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    /// Before the accounts have been read.
    Starting,
    Registration,
    Accounts,
    Chat,
}

/// How long a hint is shown, if no key is pressed.
const HINT_TIME: SignedDuration = SignedDuration::from_secs(6);

/// A short answer to the last key, in the status line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    pub(crate) text: String,
    pub(crate) error: bool,
    pub(super) since: Timestamp,
}

impl Hint {
    /// Returns the text, with the sign of an error if it is one.
    pub(crate) fn marked(&self) -> String {
        format!("{}{}", if self.error { "! " } else { "" }, self.text)
    }
}

/// The conversation, the line that is typed, and the own message that is selected.
#[derive(Debug, Default)]
pub(crate) struct ChatScreen {
    pub(crate) timeline: Timeline,
    pub(crate) input: LineEditor,
    /// The message that is selected.
    pub(crate) selected: Option<Selection>,
    /// Where the reader was before the selection.
    pub(super) selected_from: ReadingPlace,
    /// The own message whose text is being edited: the next message replaces it.
    pub(super) editing: Option<PostId>,
    pub(crate) ids: PostIds,
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
            guests: 0,
            local_room: false,
            shared_at: None,
            bare: false,
            mouse: false,
            prefix: false,
            came_from: None,
            opening: true,
            kept_draft: String::new(),
            quitting: false,
        }
    }

    /// Returns the time until the clock alone changes the screen; `None` if it does not.
    pub(crate) fn next_tick(&self) -> Option<Duration> {
        if self.screen != Screen::Chat {
            return None;
        }
        let waits = self.chat.timeline.outgoing.next_wait(self.local(self.now));
        let hint = self.hint.as_ref().map(|hint| (HINT_TIME - self.now.duration_since(hint.since)).unsigned_abs());
        [self.links.next_second(self.now), waits, hint, self.search_pause()].into_iter().flatten().min()
    }

    /// Returns the typed text, for storing, if it has changed since the last call.
    pub(crate) fn changed_draft(&mut self) -> Option<String> {
        let draft = self.chat.input.draft();
        if draft == self.kept_draft {
            return None;
        }
        self.kept_draft = draft.to_owned();
        Some(self.kept_draft.clone())
    }

    /// Returns the title of the window. While the user is away or has scrolled back it begins with the number of new
    /// messages, and a mark where one names the user.
    pub(crate) fn title(&self) -> String {
        let timeline = &self.chat.timeline;
        let new = if self.screen != Screen::Chat {
            MessageCount::default()
        } else if timeline.follows() {
            timeline.arrived_in_absence()
        } else {
            timeline.below_count()
        };
        let title = self.text(Phrase::WindowTitle(&self.place));
        match (new.all, new.mentions) {
            (0, _) => title,
            (all, 0) => format!("({all}) {title}"),
            (all, _) => format!("({all}!) {title}"),
        }
    }

    /// Returns whether the user has never written here, and types nothing now.
    pub(crate) fn is_newcomer(&self) -> bool {
        self.chat.input.is_empty() && self.chat.timeline.is_new_to_user()
    }

    /// Returns whether Esc leads from the registration to another screen.
    pub(crate) fn has_way_back(&self) -> bool {
        self.me.is_some() || !self.accounts.list().is_empty()
    }

    /// Returns the nickname of the account in the chat, cleaned.
    pub(crate) fn nickname(&self) -> Option<String> {
        self.me.as_ref().map(|known| clean_name(known.account.nickname.as_str()))
    }

    /// Converts to local time.
    pub(crate) fn local(&self, at: Timestamp) -> jiff::civil::DateTime {
        at.to_zoned(self.zone.clone()).datetime()
    }

    pub(crate) fn text(&self, phrase: Phrase<'_>) -> String {
        self.lang.text(phrase)
    }

    /// Adds a notice of the program to the conversation.
    pub(super) fn notice(&mut self, text: &str, error: bool) {
        let text = chat_client::display::clean_keeping_line_breaks(text).into_owned();
        let at = self.local(self.now);
        self.chat.timeline.push(TimelineEntry::notice(text, error, at));
    }

    pub(super) fn hint(&mut self, phrase: Phrase<'_>, error: bool) {
        self.hint = Some(Hint { text: self.text(phrase), error, since: self.now });
    }

    /// Removes a hint that was shown long enough.
    pub(super) fn expire_hint(&mut self) {
        if self.screen == Screen::Chat && self.dialog.is_none() {
            self.hint.take_if(|hint| self.now.duration_since(hint.since) >= HINT_TIME);
        }
    }

    /// Notes whether the user is present: a key in the last five minutes, in a terminal with the focus.
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

    /// Returns the number of the question that a key would answer now; `None` if there is none.
    pub(crate) fn question(&self) -> Option<u64> {
        let asks = matches!(self.dialog, Some(Dialog::Paste(_) | Dialog::WrongToken { .. } | Dialog::Leave { .. }))
            || self.accounts.removing;
        asks.then_some(self.questions)
    }

    /// Opens a dialog with a question.
    pub(super) fn ask(&mut self, dialog: Dialog) {
        self.questions += 1;
        self.dialog = Some(dialog);
    }

    /// Returns the hint and removes it.
    pub(crate) fn take_hint(&mut self) -> Option<Hint> {
        self.hint.take()
    }

    /// Quits, or asks first where that closes the room for others. Asked a second time it quits.
    pub(super) fn ask_to_quit(&mut self) -> Vec<Effect> {
        if self.guests == 0 || matches!(self.dialog, Some(Dialog::Leave { .. })) {
            return self.quit();
        }
        self.ask(Dialog::Leave { choice: 0 });
        Vec::new()
    }

    /// How many other programs are connected to the room that this program serves.
    pub(crate) fn guests(&self) -> usize {
        self.guests
    }

    pub(crate) fn quit(&mut self) -> Vec<Effect> {
        self.quitting = true;
        let mut effects = self.remember_reading();
        effects.push(Effect::Quit);
        effects
    }
}
