//! The facts that a journal keeps: accounts, and the messages that they posted. It says what is
//! stored, not how.

use std::sync::Arc;

use chat_proto::{Nickname, PostId, Seq, StreamId, Text};

use crate::accounts::TokenHash;

/// Numbers an account within one journal.
pub type AccountId = i64;

/// The account that the server's own announcements are stored under; no row of accounts has it.
pub const SERVER_ACCOUNT: AccountId = 0;

/// Who a message is from. Shared by every draft of one account.
#[derive(Debug, PartialEq, Eq)]
pub struct Author {
    /// The account.
    pub id: AccountId,
    /// Its nickname, stored with each message so that a message can be read by itself.
    pub nickname: Nickname,
}

/// What is to be stored, before the journal gave it a number and a time.
#[derive(Debug, Clone)]
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
        /// Who wrote it.
        author: Arc<Author>,
        /// The writer's own name for it. The same author and id are stored once.
        id: Option<PostId>,
        /// What was written.
        text: Text,
    },
}

impl Draft {
    /// Returns what it counts against limits of memory, in bytes: its text and a constant for the rest.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Post { text, .. } => 64 + text.as_str().len(),
            Self::Account { .. } => 128,
        }
    }
}

/// What became of a draft. It is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// The account has this number.
    Account(AccountId),
    /// The message is new.
    Fresh {
        /// Its place in the log.
        seq: Seq,
        /// When it was taken, in milliseconds since the Unix epoch.
        at: i64,
    },
    /// The same author and id had been stored before; nothing was added.
    Repeated {
        /// The place of the message that was stored then.
        seq: Seq,
    },
}

/// An account as it was stored.
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
    /// Whether it may not log in any more. Its nickname stays taken.
    pub revoked: bool,
}

/// A message as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRecord {
    /// Its place in the log.
    pub seq: Seq,
    /// When it was taken, in milliseconds since the Unix epoch. Never less than that of the one before.
    pub at: i64,
    /// Who wrote it.
    pub nickname: Nickname,
    /// What was written.
    pub text: Text,
}

/// One uninterrupted stretch of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStream {
    /// Its name.
    pub id: StreamId,
    /// The place of its first message.
    pub first: Seq,
}

impl LogStream {
    /// A stretch with a new random name.
    #[must_use]
    pub fn starting_at(first: Seq) -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        // 32 hexadecimal digits are always an identifier; the fallback cannot be reached.
        let id = StreamId::new(&random).unwrap_or_else(|_| unreachable!("a UUID is an identifier"));
        Self { id, first }
    }
}
