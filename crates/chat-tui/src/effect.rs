//! The effects that the application requests. The services carry them out.

use chat_client::{Account, Nickname, Text, Token};

use crate::event::KnownAccount;
use crate::timeline::PageRequest;

/// One effect. Its result, if any, arrives as an event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    Register(Nickname),
    /// Log in with this account and listen.
    Enter(KnownAccount),
    /// Log in when only the token is known.
    EnterWithToken(Token),
    ForgetAccount(Account),
    Send {
        id: String,
        text: Text,
    },
    /// Send again what an earlier attempt or an earlier run left.
    Resend {
        id: String,
        text: Text,
    },
    /// Neither send the message nor keep it.
    Discard {
        id: String,
    },
    RetryNow,
    ReadPage(PageRequest),
    Search {
        search: u64,
        query: String,
    },
    StopSearch,
    /// Write the history to this file, or to one with a generated name.
    Export(Option<String>),
    /// Store the read position for the next run.
    Remember(u64),
    /// Notify the user of a mention: the text is clean.
    Notify(String),
    Title(String),
    CopyToken(Token),
    Redraw,
    Suspend,
    Quit,
}
