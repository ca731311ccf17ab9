//! Configuration, commands and events of a [`WriterServer`](crate::WriterServer).

use std::time::Duration;

use crate::account::{Account, Token};
use crate::dialogue::Extensions;
use crate::extension::DeclineCode;
use crate::ident::{Position, PostId};
use crate::text::Text;

/// The configuration of the dialogue.
///
/// ```
/// use chat_proto::{Extensions, WriterServerConfig};
///
/// let mut config = WriterServerConfig::default();
/// config.strict = true;
/// assert_eq!(config.offer, Extensions::ALL);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WriterServerConfig {
    /// How long a client may take to send its token, or the empty line in its place. Default 60 s.
    pub login_timeout: Duration,
    /// How long a client may take to send a nickname. Default 10 min, because a registration dialog keeps the
    /// connection in this state while the user types.
    pub nickname_timeout: Duration,
    /// Close after a refusal, instead of asking for a nickname as the public server does. Default `false`.
    pub strict: bool,
    /// The extensions that the account record offers. Default [`Extensions::ALL`].
    pub offer: Extensions,
    /// How many posts, and how many pings behind them, may be unanswered before the client is not read any further.
    /// Default 1024.
    pub max_unanswered: usize,
}

impl Default for WriterServerConfig {
    fn default() -> Self {
        Self {
            login_timeout: Duration::from_secs(60),
            nickname_timeout: Duration::from_secs(600),
            strict: false,
            offer: Extensions::ALL,
            max_unanswered: 1024,
        }
    }
}

/// The decisions of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriterServerCommand {
    /// Accepts a login or a registration.
    Accept(Account),
    /// Refuses it: the token is unknown, or the nickname is not available.
    Deny,
    /// The oldest unanswered post without an id is stored.
    Confirm,
    /// The post with this id is stored, now or earlier.
    Stored {
        /// The client's id.
        id: PostId,
        /// The position of the message.
        position: Position,
    },
    /// The post with this id is not stored.
    Decline {
        /// The client's id.
        id: PostId,
        /// The reason.
        code: DeclineCode,
        /// When to try again, if another attempt can succeed.
        retry_after: Option<Duration>,
        /// Why, in the words of an operator.
        reason: Option<Text>,
    },
}

/// The events of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriterServerEvent {
    /// The client has sent a token. Must be answered with `Accept` or `Deny`.
    Login(Token),
    /// The client requests a nickname, as it was typed; may be blank. Must be answered with `Accept` or `Deny`.
    Register(String),
    /// A message. Must be answered with `Confirm` if it has no id, else with `Stored` or `Decline`.
    Post {
        /// The client's id, from a client that uses ids.
        id: Option<PostId>,
        /// The content.
        text: Text,
    },
    /// The machine has declined a post that cannot be a message. No command answers it.
    Declined {
        /// The client's id.
        id: PostId,
        /// The reason.
        code: DeclineCode,
    },
    /// The machine has dropped a post without an id, because its text is too long. Nothing answers it: the plain protocol
    /// has no word for a refusal.
    Discarded,
}
