//! Batches: what nodes append to the log.

use std::sync::Arc;

use bytes::Bytes;
use chat_proto::display::skeletons;
use chat_proto::{Nickname, PostId, Seq, Text};

use super::chain::{ChainLink, Generation};
use crate::accounts::TokenHash;
use crate::action::{ActionDraft, OperatorAction};
use crate::entry::{Author, Draft};

/// The number of a room within a log. Logs contain one room so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RoomNumber(pub u32);

impl RoomNumber {
    /// The room `main`.
    pub const MAIN: Self = Self(0);
}

/// What one node appends at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedBatch {
    /// The log that it is meant for.
    pub generation: Generation,
    /// Identifies one run of the node, at random.
    pub epoch: u64,
    /// Its number within the epoch: 1, 2, 3 and so on.
    pub number: u64,
    /// What the clock of the node showed, in milliseconds since the Unix epoch.
    pub at: i64,
    /// What the node had applied.
    pub base: ChainLink,
    /// The entries, in their order. All are of the room [`RoomNumber::MAIN`].
    pub entries: Vec<BatchEntry>,
}

/// A batch that has its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedBatch {
    /// Its place: 1, 2, 3 and so on.
    pub place: u64,
    /// When the log got it, in milliseconds since the Unix epoch. It is the same for every node.
    pub at: i64,
    /// The encoded batch.
    pub bytes: Bytes,
}

/// One entry of a batch. What may differ between versions of the program, such as which names look alike, is decided by
/// the node that proposes it, and is a part of the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchEntry {
    /// A message.
    Post {
        /// The author.
        author: Arc<Author>,
        /// The id that the writer chose.
        id: Option<PostId>,
        /// The text.
        text: Text,
    },
    /// A new account.
    Register {
        /// The hash of its token.
        token: TokenHash,
        /// Its nickname.
        nickname: Nickname,
        /// What the nickname looks like.
        looks: Looks,
    },
    /// An action of an operator.
    Act {
        /// The action.
        draft: ActionDraft,
        /// What the new nickname looks like, if the action gives one.
        looks: Option<Looks>,
    },
    /// The messages up to this one have expired.
    Expire {
        /// The last of them.
        through: Seq,
    },
    /// Nothing: when it is applied, so is all that was in the log before.
    Barrier,
}

impl BatchEntry {
    /// Returns the entry for a draft.
    #[must_use]
    pub fn of(draft: &Draft) -> Self {
        match draft {
            Draft::Account { token, nickname } => {
                Self::Register { token: *token, nickname: nickname.clone(), looks: Looks::of(nickname.as_str()) }
            }
            Draft::Post { author, id, text } => {
                Self::Post { author: Arc::clone(author), id: id.clone(), text: text.clone() }
            }
            Draft::Action(draft) => {
                let looks = match &draft.action {
                    OperatorAction::Rename { to, .. } => Some(Looks::of(to)),
                    _ => None,
                };
                Self::Act { draft: draft.clone(), looks }
            }
        }
    }
}

/// What a nickname looks like. Two names that have a form in common look alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Looks(pub(super) [Box<str>; 2]);

impl Looks {
    /// Returns what a name looks like, by the tables of this program.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(skeletons(name).map(String::into_boxed_str))
    }

    /// Returns the forms, each once.
    pub(crate) fn forms(&self) -> impl Iterator<Item = &str> {
        let [first, second] = &self.0;
        std::iter::once(&**first).chain((first != second).then_some(&**second))
    }
}
