//! Every text of the program, with its parameters.

use chat_client::{NicknameError, TextError};
use jiff::civil::Date;

use crate::event::NoticeText;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::{FailureReason, GapLine, OwnState};

/// A text of the program.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Phrase<'a> {
    WindowTitle(&'a str),
    Starting,
    // registration
    RegistrationTitle,
    NicknameLabel,
    NicknamePlaceholder,
    Register,
    Registering,
    EnterChat,
    Again,
    YourNickname,
    YourToken,
    SavedIn(&'a str),
    NotSaved(&'a str),
    RegistrationKeys,
    RegisteredKeys,
    NicknameError(&'a NicknameError),
    TokenCopied,
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
    // chat
    Date(Date),
    Unread,
    /// After a name that looks like another user's.
    LooksLike(&'a str),
    Gap(&'a GapLine),
    Own(&'a OwnState),
    Failure(&'a FailureReason),
    NewBelow(usize),
    ScrolledBack,
    TextError(&'a TextError),
    InputFull,
    NothingToComplete,
    NothingOnItsWay,
    OwnKeys,
    NotNow,
    UnknownCommand(&'a str),
    Exported(&'a str),
    NotExported(&'a str),
    EmptyRoom,
    // status
    Link {
        side: LinkSide,
        state: &'a LinkState,
        seconds: Option<i64>,
    },
    Cause(&'a LinkError),
    Waiting(usize),
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
    SearchKeys,
    // help
    HelpTitle,
    HelpKeys,
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
        state: &'a OwnState,
    },
    PlainToken(&'a str),
    PlainNothingFound,
    PlainFound(usize),
    PlainHelp,
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
