//! What an operator can ask of a room, and the answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address_range::AddressRange;

/// A request with who makes it and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminCall {
    /// The name of the operator, for the journal.
    pub actor: String,
    /// The reason, for the journal and for listeners.
    pub reason: Option<String>,
    /// The request.
    pub request: AdminRequest,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AdminRequest {
    /// Remove messages by their numbers.
    Remove {
        /// The sequence numbers.
        seqs: Vec<u64>,
    },
    /// Remove the messages of an account.
    RemoveOf {
        /// Its nickname.
        nickname: String,
        /// Only those of the last milliseconds.
        last_ms: Option<i64>,
    },
    /// Decline the posts of an account.
    Mute {
        /// Its nickname.
        nickname: String,
        /// For how long.
        for_ms: Option<i64>,
    },
    /// End a mute.
    Unmute {
        /// The nickname.
        nickname: String,
    },
    /// Refuse an account.
    Ban {
        /// Its nickname.
        nickname: String,
        /// For how long.
        for_ms: Option<i64>,
    },
    /// Refuse addresses.
    BanAddress {
        /// The addresses.
        addresses: AddressRange,
        /// For how long.
        for_ms: Option<i64>,
    },
    /// End the ban of an account.
    Unban {
        /// The nickname.
        nickname: String,
    },
    /// End the ban of addresses.
    UnbanAddress {
        /// The addresses, as they were banned.
        addresses: AddressRange,
    },
    /// List the bans in force.
    Bans,
    /// Close the connections of an account.
    Kick {
        /// Its nickname.
        nickname: String,
    },
    /// Make a token invalid.
    Revoke {
        /// The nickname.
        nickname: String,
    },
    /// Make a token valid again.
    Restore {
        /// The nickname.
        nickname: String,
    },
    /// Give an account another nickname.
    Rename {
        /// The nickname before.
        nickname: String,
        /// The nickname from now on.
        to: String,
    },
    /// Give an account another token.
    Token {
        /// Its nickname.
        nickname: String,
    },
    /// Erase all messages of an account and its record.
    Erase {
        /// Its nickname.
        nickname: String,
    },
    /// Post a message of the room itself.
    Announce {
        /// The text.
        text: String,
    },
    /// List the open connections.
    Who,
    /// Count accounts, messages and connections.
    Stats,
    /// List the actions so far.
    Log,
    /// List all messages of an account.
    Export {
        /// Its nickname.
        nickname: String,
    },
}

/// One object of an answer, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminReply {
    /// The object.
    pub object: Value,
    /// The same as a line of text.
    pub text: String,
}

/// The reason why a request was not carried out. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", content = "message", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AdminError {
    /// The request names something that does not exist or is not possible.
    #[error("{0}")]
    Usage(String),
    /// The server or its store failed.
    #[error("{0}")]
    Failed(String),
}
