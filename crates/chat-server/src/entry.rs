//! The records of a journal: accounts, and the messages that they posted.

use std::sync::Arc;

use chat_proto::{Nickname, PostId, Seq, StreamId, Text};

use crate::accounts::TokenHash;
use crate::action::{AccountId, ActionDraft, erased_name};

/// The account of the server's own announcements; the table of accounts does not contain it.
pub const SERVER_ACCOUNT: AccountId = 0;

/// The author of a message, shared by all drafts of one account.
#[derive(Debug, PartialEq, Eq)]
pub struct Author {
    /// The account.
    pub id: AccountId,
    /// Its nickname, stored with each message so that a message can be read without the account.
    pub nickname: Nickname,
}

/// A record before the journal has assigned its number and time.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Draft {
    /// A new account.
    Account {
        /// The hash of its token.
        token: TokenHash,
        /// Its nickname, already unique.
        nickname: Nickname,
    },
    /// A message.
    Post {
        /// The author.
        author: Arc<Author>,
        /// The id that the writer chose. The same author and id are stored only once.
        id: Option<PostId>,
        /// The text.
        text: Text,
    },
    /// An action of an operator. The journal stores it and its effect on messages and accounts together.
    Action(ActionDraft),
}

impl Draft {
    /// Returns how many bytes it counts towards memory limits: its text and a constant for the rest.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Post { text, .. } => 64 + text.as_str().len(),
            Self::Account { .. } => 128,
            Self::Action(_) => 1_024,
        }
    }
}

/// The result of storing a draft. It is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Appended {
    /// The account has this number.
    Account(AccountId),
    /// The message is new.
    Fresh {
        /// Its position in the log.
        seq: Seq,
        /// When it was accepted, in milliseconds since the Unix epoch.
        at: i64,
    },
    /// The same author and id had already been stored; nothing was added.
    Repeated {
        /// The position of the stored message.
        seq: Seq,
    },
    /// The action has this number.
    Action {
        /// Its number.
        number: u64,
        /// When it was stored, in milliseconds since the Unix epoch.
        at: i64,
    },
}

/// A stored account.
#[derive(Debug, Clone)]
pub struct AccountRecord {
    /// Its number.
    pub id: AccountId,
    /// The hash of its token.
    pub token: TokenHash,
    /// Its nickname.
    pub nickname: Nickname,
    /// When it was created, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Whether it is revoked: it can no longer log in, and its nickname stays taken.
    pub revoked: bool,
}

impl AccountRecord {
    /// Returns what is left of an account that an operator has erased: its number, so that no other account gets it.
    pub(crate) fn erased(id: AccountId) -> Self {
        // A word without control characters is always a nickname; the fallback cannot be reached.
        let nickname = Nickname::new(&erased_name(id)).unwrap_or_else(|_| unreachable!("a word is a nickname"));
        Self { id, token: TokenHash::from_bytes([0; 32]), nickname, at: 0, revoked: true }
    }

    /// Returns whether an operator has erased the account.
    pub(crate) fn is_erased(&self) -> bool {
        self.nickname.as_str() == erased_name(self.id)
    }
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRecord {
    /// Its position in the log.
    pub seq: Seq,
    /// When it was accepted, in milliseconds since the Unix epoch. Never less than that of the message before.
    pub at: i64,
    /// The author's nickname.
    pub nickname: Nickname,
    /// The text.
    pub text: Text,
}

/// What is left of a message that an operator has removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// Its position in the log.
    pub seq: Seq,
    /// When the message was accepted, in milliseconds since the Unix epoch.
    pub at: i64,
    /// When it was removed, in milliseconds since the Unix epoch.
    pub removed_at: i64,
    /// Who removed it.
    pub by: Nickname,
    /// Why.
    pub reason: Option<Text>,
}

/// One entry of the log: a message, or what is left of one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEntry {
    /// A message.
    Message(MessageRecord),
    /// A removed message.
    Removed(Tombstone),
}

impl LogEntry {
    /// Returns its position in the log.
    #[must_use]
    pub fn seq(&self) -> Seq {
        match self {
            Self::Message(message) => message.seq,
            Self::Removed(tombstone) => tombstone.seq,
        }
    }

    /// Returns when the message was accepted, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn at(&self) -> i64 {
        match self {
            Self::Message(message) => message.at,
            Self::Removed(tombstone) => tombstone.at,
        }
    }

    /// Returns the message, unless it was removed.
    #[must_use]
    pub fn message(&self) -> Option<&MessageRecord> {
        match self {
            Self::Message(message) => Some(message),
            Self::Removed(_) => None,
        }
    }

    /// Returns the bytes of its text.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::Message(message) => message.text.as_str().len(),
            Self::Removed(tombstone) => tombstone.reason.as_ref().map_or(0, |reason| reason.as_str().len()),
        }
    }
}

/// One uninterrupted part of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStream {
    /// Its id.
    pub id: StreamId,
    /// The position of its first message.
    pub first: Seq,
}

impl LogStream {
    /// Creates a stream with a new random id.
    #[must_use]
    pub fn starting_at(first: Seq) -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        // 32 hexadecimal digits are always an identifier; the fallback cannot be reached.
        let id = StreamId::new(&random).unwrap_or_else(|_| unreachable!("a UUID is an identifier"));
        Self { id, first }
    }
}
