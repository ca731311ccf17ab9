//! An application with a fixed clock for tests, and methods that press its keys.

use std::time::Duration;

use chat_client::{
    Account, DeclineCode, DeliveryState, Gap, GapCause, Message, Nickname, Position, PostId, Receipt, StreamId, Text,
    Token,
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::app::{App, PostIds, Start};
use crate::effect::Effect;
use crate::event::{AppEvent, Incoming, KnownAccount};
use crate::lang::Lang;
use crate::link::{LinkSide, LinkState};
use crate::timeline::{FileSpan, HistoryPage, PageLine, PageRequest};

/// 14 January 2023, 17:07 UTC: the stamp of the original's example.
pub(crate) const NOW: i64 = 1_673_716_020;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

pub(crate) fn account(nickname: &str, token: &str) -> KnownAccount {
    let account = Account { nickname: Nickname::new(nickname).unwrap(), token: Token::new(token).unwrap() };
    KnownAccount { account, asked: nickname.split_once(' ').map(|(_, name)| name.to_owned()) }
}

/// Returns an application of this size that has not loaded its accounts yet.
pub(crate) fn fresh(lang: Lang, width: u16, height: u16) -> App {
    let mut app = App::new(Start {
        lang,
        zone: TimeZone::UTC,
        now: at(0),
        width,
        height,
        place: "127.0.0.1".into(),
        register: false,
        nickname: None,
        token: None,
    });
    app.chat.ids = PostIds::Counted(0);
    app
}

/// Returns an application in the chat as Keen Bob, with both connections and an empty history.
pub(crate) fn chatting(lang: Lang, width: u16, height: u16) -> App {
    let mut app = fresh(lang, width, height);
    app.take_all([
        AppEvent::Accounts(vec![account("Keen Bob", "9a08f44c-c541-41eb-8c47-0242ac110002")]),
        AppEvent::Page(PageRequest::Tail, HistoryPage { lines: Vec::new(), at_start: true, at_end: true, end: 0 }),
        AppEvent::Link(LinkSide::Listening, LinkState::Online),
        AppEvent::Link(LinkSide::Writing, LinkState::Online),
        AppEvent::RoundTrip(Duration::from_millis(12)),
    ]);
    app
}

pub(crate) fn said(sender: &str, text: &str, seconds: i64) -> AppEvent {
    AppEvent::Incoming(vec![heard(sender, text, seconds, None, None)])
}

/// A message from the listen port, with its place in the server's log and in the history file.
pub(crate) fn heard(
    sender: &str,
    text: &str,
    seconds: i64,
    position: Option<(&str, u64)>,
    mark: Option<FileSpan>,
) -> Incoming {
    let text = Text::new(text).unwrap_or_else(|_| Text::new("a blank one").unwrap());
    let mut message = Message::new(Nickname::new(sender).ok(), text);
    message.position = position.map(|(stream, seq)| Position { stream: StreamId::new(stream).unwrap(), seq });
    Incoming::Message { message, at: at(seconds), mark }
}

pub(crate) fn gap(since: i64, until: i64, missed: Option<u64>, cause: GapCause) -> Incoming {
    Incoming::Gap(Gap::new(at(since).into(), at(until).into(), missed, cause))
}

pub(crate) fn post_id(id: &str) -> PostId {
    PostId::new(id).unwrap()
}

/// An own message has this state now.
pub(crate) fn own(id: &PostId, state: DeliveryState) -> AppEvent {
    AppEvent::Own { id: id.clone(), state }
}

pub(crate) fn confirmed(id: &PostId, position: Option<(&str, u64)>) -> AppEvent {
    let position = position.map(|(stream, seq)| Position { stream: StreamId::new(stream).unwrap(), seq });
    own(id, DeliveryState::Confirmed(Receipt::new(id.clone(), position)))
}

pub(crate) fn refused(id: &PostId) -> AppEvent {
    own(id, DeliveryState::Refused { code: DeclineCode::Rate, retry_after: None, reason: None })
}

/// Returns one range of bytes, as a search reports it.
pub(crate) fn one_range(from: usize, to: usize) -> Vec<std::ops::Range<usize>> {
    std::iter::once(from..to).collect()
}

/// Returns a page of numbered lines by one sender, ten bytes each.
pub(crate) fn page(range: std::ops::Range<u64>, of: u64) -> HistoryPage {
    let lines = range.clone().map(|number| PageLine {
        at: Some(DateTime::constant(2023, 1, 13, 12, 0, 0, 0)),
        sender: Some("Jolly Ann".into()),
        text: format!("line {number}"),
        mark: FileSpan { start: number * 10, end: number * 10 + 10 },
    });
    HistoryPage { lines: lines.collect(), at_start: range.start == 0, at_end: range.end == of, end: range.end * 10 }
}

impl App {
    pub(crate) fn take_all(&mut self, messages: impl IntoIterator<Item = AppEvent>) -> Vec<Effect> {
        messages.into_iter().flat_map(|message| self.update(message, at(0))).collect()
    }

    pub(crate) fn press(&mut self, code: KeyCode) -> Vec<Effect> {
        self.press_with(code, KeyModifiers::NONE)
    }

    pub(crate) fn control(&mut self, letter: char) -> Vec<Effect> {
        self.press_with(KeyCode::Char(letter), KeyModifiers::CONTROL)
    }

    pub(crate) fn press_with(&mut self, code: KeyCode, modifiers: KeyModifiers) -> Vec<Effect> {
        let now = self.now;
        self.update(AppEvent::Key(KeyEvent::new(code, modifiers)), now)
    }

    /// Types letters.
    pub(crate) fn type_in(&mut self, text: &str) {
        for letter in text.chars() {
            self.press(KeyCode::Char(letter));
        }
    }

    /// Types a line and Enter.
    pub(crate) fn enter_line(&mut self, text: &str) -> Vec<Effect> {
        self.type_in(text);
        self.press(KeyCode::Enter)
    }
}
