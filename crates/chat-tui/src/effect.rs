//! Everything that the application wants done outside of itself. Values only; the services do them.

use chat_client::{Account, Nickname, Text, Token};

use crate::event::KnownAccount;
use crate::timeline::PageRequest;

/// One thing to do. Its answer, where there is one, comes as a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    Register(Nickname),
    /// Log in with this account and listen.
    Enter(KnownAccount),
    /// The same where only the token is known.
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
    /// It is not to be sent, and not to be kept.
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
    /// Write the history to this file, or to one of a name made here.
    Export(Option<String>),
    /// Where reading has ended, for the next run.
    Remember(u64),
    /// Somebody names the reader: the text is clean.
    Notify(String),
    Title(String),
    CopyToken(Token),
    Redraw,
    Suspend,
    Quit,
}
