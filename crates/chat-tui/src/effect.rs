//! The effects that the application requests. The services carry them out.

use chat_client::{Account, Nickname, PostId, Text, Token};

use crate::event::KnownAccount;
use crate::timeline::PageRequest;

/// One effect. Its result, if any, arrives as an event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    Register {
        nickname: Nickname,
        /// Enter with the saved account of this name, if another program has registered it meanwhile.
        only_missing: bool,
    },
    /// Log in with this account and listen.
    Enter(KnownAccount),
    /// Log in when only the token is known.
    EnterWithToken(Token),
    ForgetAccount(Account),
    Send {
        id: PostId,
        text: Text,
    },
    /// Send again what an earlier attempt or an earlier run left.
    Resend {
        id: PostId,
        text: Text,
        /// A server that knows ids may have it already.
        may_be_delivered: bool,
        /// The id for a server that does not know ids.
        fresh: PostId,
    },
    /// Neither send the message nor keep it.
    Discard {
        id: PostId,
    },
    /// It was seen on the listen port of a server that does not number.
    ConfirmEcho {
        id: PostId,
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
    /// List the paths that begin like this.
    ListPaths(String),
    /// Store the read position for the next run.
    Remember(u64),
    /// A message names the user; the text is clean.
    Notify(String),
    /// Ask how others join the room.
    HowToJoin,
    /// Leave the screen for these lines.
    BareView(String),
    EndBareView,
    /// Open this text in the editor of the user.
    EditExternally(String),
    /// Take the mouse, or leave it to the terminal.
    Mouse(bool),
    CopyToken(Token),
    Copy(String),
    /// Keep the typed text for the next run; empty to keep nothing.
    SaveDraft(String),
    Redraw,
    Suspend,
    Quit,
}
