//! The events of the application: keys, reports of the services, results of effects.

use std::time::Duration;

use chat_client::Account;
use chat_frontend::local_room::RoomNotice;
use crossterm::event::KeyEvent;
use jiff::Timestamp;

use crate::keymap::Action;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::{FileSpan, GapReason, HistoryPage, OwnState, PageRequest};

/// One event.
#[derive(Debug, Clone)]
pub(crate) enum AppEvent {
    Key(KeyEvent),
    /// An action that plain mode triggers in place of a key.
    Action(Action),
    /// A bracketed paste.
    Paste(String),
    Resize {
        width: u16,
        height: u16,
    },
    /// The wheel of a mouse, which a terminal sends as arrows; rows down, or up if negative.
    Wheel(i16),
    /// The terminal gained or lost the focus.
    Focus(bool),
    /// A second has passed; sent only during a countdown.
    Tick,
    /// The cached accounts, as loaded from their file.
    Accounts(Vec<KnownAccount>),
    Registered(Result<Registered, LinkError>),
    /// The server has confirmed the account of the token.
    Entered(Account),
    /// The read position of an earlier run.
    ReadTo(Option<u64>),
    Link(LinkSide, LinkState),
    RoundTrip(Duration),
    /// Events of the listen port, in order.
    Incoming(Vec<Incoming>),
    /// The new state of an own message.
    Own {
        id: String,
        state: OwnState,
        position: Option<(String, u64)>,
    },
    /// Messages in the outbox of an earlier run.
    Restored(Vec<RestoredMessage>),
    Page(PageRequest, HistoryPage),
    Found {
        search: u64,
        hits: Vec<SearchHit>,
    },
    /// The progress of a search in percent of the history; 100 is its end.
    Searched {
        search: u64,
        percent: u8,
    },
    /// The path of the export, or why it failed.
    Exported(Result<String, String>),
    TokenCopied,
    /// There is no shell that could resume the program.
    CannotSuspend,
    /// A notice from outside of the application: the local room, a repaired file.
    Notice {
        text: NoticeText,
        error: bool,
    },
    /// A signal asked the program to end.
    Quit,
}

/// The notices of the services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoticeText {
    LocalRoom(RoomNotice),
    /// Another process writes the history, so this one does not.
    HistoryElsewhere(String),
    /// Another process has locked the outbox.
    OutboxElsewhere(String),
    /// The token is sent unencrypted over a network.
    InTheClear(String),
    /// An error of a file, in its own words.
    File(String),
    /// A file that could not be written can be written again.
    FileWorksAgain,
}

/// A cached account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownAccount {
    pub(crate) account: Account,
    /// The name that was requested.
    pub(crate) asked: Option<String>,
}

/// A new account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    pub(crate) known: KnownAccount,
    /// The file with the account, or why it was not saved.
    pub(crate) saved: Result<String, String>,
}

/// An event of the listen port.
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

/// A line of the history that matches a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SearchHit {
    pub(crate) at: Option<jiff::civil::DateTime>,
    pub(crate) sender: Option<String>,
    pub(crate) text: String,
    pub(crate) mark: FileSpan,
}
