//! The events that the application handles: keys, news from the services, answers to effects.

use std::ops::Range;
use std::time::Duration;

use chat_client::{Account, DeliveryState, Gap, Message, PostId, RemovedMessage, Text};
use chat_frontend::local_room::RoomNotice;
use crossterm::event::KeyEvent;
use jiff::Timestamp;

use crate::keymap::Action;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::{FileSpan, Held, HistoryPage, PageRequest};

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
    #[cfg_attr(not(unix), allow(dead_code, reason = "the console of Windows does not report it"))]
    Wheel(i16),
    /// The terminal gained or lost the focus.
    Focus(bool),
    /// A second has passed; sent only during a countdown.
    Tick,
    /// The cached accounts, as loaded from their file.
    Accounts(Vec<KnownAccount>),
    Registered(Result<Registered, LinkError>),
    /// Another program has registered the name that this one was about to register.
    FoundAccount(KnownAccount),
    /// The server has confirmed the account of the token.
    Entered(Account),
    /// The read position of an earlier run.
    ReadTo(Option<u64>),
    /// The history file ends here, and contains what was received while another program had locked it.
    HistoryTakenOver(u64),
    Link(LinkSide, LinkState),
    RoundTrip(Duration),
    /// Events of the listen port, in order.
    Incoming(Vec<Incoming>),
    /// The state of an own message.
    Own {
        id: PostId,
        state: DeliveryState,
    },
    /// An own message was not given to the writer.
    NotSent {
        id: PostId,
        why: Held,
    },
    /// An own message is sent once more under another id.
    Replaced {
        old: PostId,
        new: PostId,
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
    Copied(CopyResult),
    /// There is no shell that could resume the program.
    CannotSuspend,
    /// An expression that cannot be searched for, and why.
    SearchFailed {
        search: u64,
        reason: String,
    },
    /// The text that the last run left in the input line.
    Draft(String),
    /// The paths that begin as typed.
    Paths {
        typed: String,
        paths: Vec<String>,
    },
    /// The text from the external editor, or why there is none.
    Edited(Result<String, String>),
    /// How many other programs are connected to the room that this program serves.
    Guests(usize),
    /// How others join the local room, as its programs say.
    JoinWays(JoinWays),
    /// A notice from outside of the application: the local room, a repaired file.
    Notice {
        text: NoticeText,
        error: bool,
    },
    /// A signal asked the program to end.
    Quit,
}

/// How others join the local room; nothing of a room that is not shared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct JoinWays {
    pub(crate) command: Option<String>,
    /// The page of a gateway.
    pub(crate) link: Option<String>,
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
    /// The server takes no registration at present, for this reason; it is asked again.
    RegistrationWaits(String),
    /// The name that is registered `here` has an account in these rooms.
    OtherRooms {
        name: String,
        rooms: String,
        here: String,
    },
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
    /// A message, with the time that the history gives it, and its place there.
    Message {
        message: Message,
        at: Timestamp,
        mark: Option<FileSpan>,
    },
    Gap(Gap),
    /// An operator has removed a message.
    Removed(RemovedMessage),
}

/// A message that an earlier run left in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestoredMessage {
    pub(crate) id: PostId,
    pub(crate) text: Text,
    pub(crate) typed: Timestamp,
    pub(crate) state: DeliveryState,
    pub(crate) held: Option<Held>,
}

/// The result of copying a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CopyResult {
    /// It was given to the terminal.
    Done,
    /// It is in the buffer of tmux only.
    TmuxBuffer,
    /// A program between this one and the terminal does not pass it on.
    Blocked,
}

/// A line of the history that matches a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SearchHit {
    pub(crate) at: Option<jiff::civil::DateTime>,
    pub(crate) sender: Option<String>,
    /// Safe to show.
    pub(crate) text: String,
    /// Where the text matches, in bytes; empty if only the name or the time does.
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) mark: FileSpan,
}
