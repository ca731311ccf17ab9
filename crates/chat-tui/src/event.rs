//! Everything that can happen: keys, news from the services, answers to effects. Values only.

use std::time::Duration;

use chat_client::Account;
use chat_frontend::local_room::RoomNotice;
use crossterm::event::KeyEvent;
use jiff::Timestamp;

use crate::keymap::Action;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::{FileSpan, GapReason, HistoryPage, OwnState, PageRequest};

/// One thing that has happened.
#[derive(Debug, Clone)]
pub(crate) enum AppEvent {
    Key(KeyEvent),
    /// What plain mode asks for in place of a key.
    Action(Action),
    /// A bracketed paste.
    Paste(String),
    Resize {
        width: u16,
        height: u16,
    },
    /// The wheel of a mouse, which a terminal sends as arrows; rows down, or up where negative.
    Wheel(i16),
    /// The terminal has, or no longer has, the focus.
    Focus(bool),
    /// A second has passed; sent only while something counts down.
    Tick,
    /// The cached accounts, as read from their file.
    Accounts(Vec<KnownAccount>),
    Registered(Result<Registered, LinkError>),
    /// The server has said whose token it is.
    Entered(Account),
    /// Where reading ended in an earlier run.
    ReadTo(Option<u64>),
    Link(LinkSide, LinkState),
    RoundTrip(Duration),
    /// From the listen port, in order.
    Incoming(Vec<Incoming>),
    /// What became of an own message.
    Own {
        id: String,
        state: OwnState,
        position: Option<(String, u64)>,
    },
    /// From the outbox of an earlier run.
    Restored(Vec<RestoredMessage>),
    Page(PageRequest, HistoryPage),
    Found {
        search: u64,
        hits: Vec<SearchHit>,
    },
    /// How far a search has come, in percent of the history; 100 is its end.
    Searched {
        search: u64,
        percent: u8,
    },
    /// Where the export was written, or why not.
    Exported(Result<String, String>),
    TokenCopied,
    /// There is no shell that could wake the program again.
    CannotSuspend,
    /// A line for the person from the outside: the local room, a file that was mended.
    Notice {
        text: NoticeText,
        error: bool,
    },
    /// The program was asked to end.
    Quit,
}

/// What the services have to say in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoticeText {
    LocalRoom(RoomNotice),
    /// The history is held by another process, so this one does not write it.
    HistoryElsewhere(String),
    /// The outbox is held by another process.
    OutboxElsewhere(String),
    /// The token goes over a network that others may read.
    InTheClear(String),
    /// An error of a file in its own words.
    File(String),
    /// What could not be written is written again.
    FileWorksAgain,
}

/// A cached account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownAccount {
    pub(crate) account: Account,
    /// The name that was asked for.
    pub(crate) asked: Option<String>,
}

/// A new account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    pub(crate) known: KnownAccount,
    /// The file that it was saved in, or why it was not.
    pub(crate) saved: Result<String, String>,
}

/// What came from the listen port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    Message {
        sender: Option<String>,
        text: String,
        at: Timestamp,
        position: Option<(String, u64)>,
        mark: Option<FileSpan>,
    },
    Gap {
        since: Timestamp,
        until: Timestamp,
        missed: Option<u64>,
        cause: GapReason,
    },
}

/// A message that an earlier run left in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestoredMessage {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) typed: Timestamp,
    pub(crate) state: OwnState,
}

/// A line of the history in which something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SearchHit {
    pub(crate) at: Option<jiff::civil::DateTime>,
    pub(crate) sender: Option<String>,
    pub(crate) text: String,
    pub(crate) mark: FileSpan,
}
