//! Every text of the program, with its parameters.

use chat_client::{DeclineCode, DeliveryState, NicknameError, Text, TextError};
use jiff::civil::{Date, DateTime};

use crate::event::{CopyResult, NoticeText};
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::{GapLine, Held};

/// How much space there is for a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GapLength {
    /// The time and the word for a gap are shown beside it.
    Sentence,
    Line,
    Short,
    Shortest,
}

/// A text of the program. Keys, choices and explanations have several forms, one a line, the longest first.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Phrase<'a> {
    WindowTitle(&'a str),
    Starting,
    // registration
    RegistrationTitle,
    ChooseNickname,
    NicknameRules,
    ShortNicknameRules,
    Register,
    Registering,
    EnterChat,
    Again,
    YouAre(&'a str),
    YourToken,
    /// Where the account is, and what its token is for.
    AccountIn(&'a str),
    TokenKeys,
    SavedIn(&'a str),
    NotSaved(&'a str),
    RegistrationKeys {
        /// Esc leads to another screen.
        back: bool,
    },
    RegisteredKeys,
    NicknameError(&'a NicknameError),
    /// The server has put a word before the name that was asked for.
    NicknameChanged(&'a str),
    Copied(CopyResult),
    CannotSuspend,
    // accounts
    AccountsTitle,
    NewAccount,
    AccountsKeys,
    ReallyRemove(&'a str),
    NoAccounts,
    WrongTokenTitle,
    WrongToken,
    OtherAccount,
    Leave,
    ChoiceKeys,
    // leaving
    LeaveTitle,
    /// Other users are connected to the room that this program serves.
    LeaveOthers(usize),
    Stay,
    // chat
    Date(Date),
    ShortDate(Date),
    /// How many messages are unread, at least if more are not loaded, and since when.
    Unread {
        count: usize,
        at_least: bool,
        since: Option<DateTime>,
    },
    UnreadKey,
    /// Behind the name of a user who can be taken for another one.
    LooksLike(&'a str),
    Gap(&'a GapLine),
    /// An operator has removed a message.
    Removed {
        by: Option<&'a str>,
        reason: Option<&'a str>,
    },
    /// The gap as a row of the screen.
    GapRow {
        gap: &'a GapLine,
        length: GapLength,
    },
    /// In the place of a name.
    GapName,
    /// The state of an own message in words; empty for one that has arrived.
    Own {
        state: &'a DeliveryState,
        held: Option<&'a Held>,
        until: Option<DateTime>,
    },
    /// Why the server does not take a message, and until when.
    Refusal {
        code: &'a DeclineCode,
        until: Option<DateTime>,
        /// In the words of an operator.
        reason: Option<&'a Text>,
    },
    /// The line above own messages that have not arrived.
    Undelivered,
    UndeliveredShort,
    UndeliveredKeys,
    NewBelow(usize),
    /// Of the new ones, those that name the reader.
    ForYou(usize),
    ScrolledBack,
    FirstNewKey,
    /// The mouse belongs to the program, or to the terminal.
    Mouse(bool),
    WriteMessage,
    TextError(&'a TextError),
    InputFull,
    NothingToComplete,
    /// What a name or a path can be completed to.
    Candidates {
        all: &'a [String],
        chosen: usize,
    },
    /// A text that is complete already.
    AsIs(&'a str),
    NothingToCopy,
    NoAddress,
    NothingUnread,
    NoMention {
        backwards: bool,
    },
    BareViewKeys,
    NotEdited(&'a str),
    SelectionKeys {
        /// An own message in transit is selected.
        own: bool,
    },
    NotNow,
    UnknownCommand(&'a str),
    NoNicknameCommand,
    Who(&'a [String]),
    Exported(&'a str),
    NotExported(&'a str),
    EmptyRoom,
    HowToBegin,
    /// How others join: the command, or `None` for a room that is open to the own user only.
    HowToJoin(Option<&'a str>),
    /// The link of a page that shows the room.
    PageLink(&'a str),
    /// How to get such a page.
    NoPage,
    /// The terminal is too small for a QR code.
    NoPlaceForCode,
    // status
    Link {
        side: LinkSide,
        state: &'a LinkState,
        seconds: Option<i64>,
    },
    Cause(&'a LinkError),
    /// In a few words, without what one could do.
    BriefCause(&'a LinkError),
    Online,
    Connecting(u32),
    NotListening,
    NotSending,
    RetryIn {
        seconds: i64,
        attempt: u32,
    },
    Seconds(i64),
    Waiting(usize),
    /// The same in the status line.
    Waits(usize),
    RetryKey,
    HelpKey,
    News(&'a NoticeText),
    // paste
    PasteTitle {
        lines: usize,
        bytes: usize,
    },
    MoreLines(usize),
    PasteAsOne,
    PasteAsMany(usize),
    PasteEdit,
    PasteCancel,
    PasteKeys,
    TooManyMessages(usize),
    LineDoesNotFit {
        number: usize,
        error: &'a TextError,
    },
    // search
    SearchTitle,
    SearchPrompt,
    SearchState {
        hits: usize,
        percent: u8,
    },
    /// A regular expression that cannot be read.
    BadExpression(&'a str),
    SearchKeys,
    /// The day of a hit that is not of today.
    HitDate(Date),
    // help
    HelpTitle,
    HelpKeys {
        scrolls: bool,
    },
    // plain mode
    PlainAskNickname,
    PlainNoAccount,
    PlainRegistering(&'a str),
    PlainRegistered {
        nickname: &'a str,
        saved: &'a str,
    },
    PlainChooseAccount,
    PlainWhichAccount,
    PlainAccount {
        number: usize,
        nickname: &'a str,
    },
    PlainNoSuchAccount,
    PlainNotHere,
    PlainBack,
    PlainKept,
    PlainNotUtf8,
    PlainLineTooLong,
    PlainEntering(&'a str),
    PlainWrongToken,
    PlainOwn {
        text: &'a str,
        state: &'a DeliveryState,
        held: Option<&'a Held>,
        until: Option<DateTime>,
    },
    PlainToken(&'a str),
    PlainNothingFound,
    PlainFound(usize),
    PlainHelp,
    /// Before a message that names the user.
    PlainMention,
    PlainUnread,
    PlainLeft(usize),
    PlainLost(usize),
    PlainGaveUp(u64),
    PlainStatus {
        listening: &'a str,
        writing: &'a str,
        waiting: usize,
    },
    PlainOwnUsage,
}
