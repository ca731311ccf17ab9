//! Configuration, commands and events of a [`WriterClient`](crate::WriterClient).

use std::time::Duration;

use crate::account::{Account, Nickname, Token};
use crate::dialogue::Extensions;
use crate::extension::DeclineCode;
use crate::ident::{Position, PostId};
use crate::keepalive::Keepalive;
use crate::text::Text;

/// The purpose of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Intent {
    /// To log in to an account.
    Login(Token),
    /// To register an account.
    Register(Nickname),
}

/// The configuration of a writer.
///
/// ```
/// use chat_proto::{Intent, Token, WriterClientConfig};
///
/// let mut config = WriterClientConfig::new(Intent::Login(Token::new("9a08f44c")?));
/// config.answer_timeout = std::time::Duration::from_secs(5);
/// # Ok::<(), chat_proto::TokenError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WriterClientConfig {
    /// Login or registration.
    pub intent: Intent,
    /// The deadline for each answer before the chat. Default 10 s.
    pub answer_timeout: Duration,
    /// Finds a dead connection in the chat. `None` waits without a limit. Default: [`Keepalive::default`].
    pub keepalive: Option<Keepalive>,
    /// How many posts may be unanswered if answers carry no id. Default 32: all of them are unconfirmed when the
    /// connection breaks.
    pub window_plain: usize,
    /// How many posts may be unanswered if they have ids and can be repeated. Default 256.
    pub window_ids: usize,
}

impl WriterClientConfig {
    /// Creates a configuration with the defaults.
    #[must_use]
    pub fn new(intent: Intent) -> Self {
        Self {
            intent,
            answer_timeout: Duration::from_secs(10),
            keepalive: Some(Keepalive::default()),
            window_plain: 32,
            window_ids: 256,
        }
    }
}

/// The commands of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriterClientCommand {
    /// Posts a message. The id is sent if the server offers ids. Otherwise line breaks become spaces and the id is not
    /// used.
    Post {
        /// The caller's number for this post; the events about it have the same one.
        key: u64,
        /// The id under which the post can be repeated.
        id: PostId,
        /// The content.
        text: Text,
    },
}

/// The events of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriterClientEvent {
    /// The account as the server has it. A new account exists from this moment: save the token, even if the connection
    /// breaks.
    Account(Account),
    /// The chat is open, and posts are accepted.
    Ready {
        /// The extensions that the server offers.
        extensions: Extensions,
    },
    /// The server has stored the message.
    Confirmed {
        /// The caller's number for the post.
        key: u64,
        /// The position of the message, from a server with a numbered log.
        position: Option<Position>,
    },
    /// The server did not store the message.
    Declined {
        /// The caller's number for the post.
        key: u64,
        /// The reason.
        code: DeclineCode,
        /// When to try again, if another attempt can succeed.
        retry_after: Option<Duration>,
        /// Why, in the words of an operator.
        reason: Option<Text>,
    },
    /// The time between a ping and its answer.
    RoundTrip(Duration),
}
