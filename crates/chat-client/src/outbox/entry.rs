//! One post that was typed and is not confirmed, as the outbox keeps it.

use std::time::Duration;

use chat_proto::{PostId, Text};
use jiff::Timestamp;

/// A post older than this is not sent without asking. Ten minutes: about as long as a person still means what they
/// typed into a conversation that has gone on without them.
pub const STALE_AFTER: Duration = Duration::from_secs(600);

/// One post.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutboxEntry {
    /// Its id, the same for every attempt.
    pub id: PostId,
    /// What was typed.
    pub text: Text,
    /// When.
    pub typed: Timestamp,
    /// How far it came.
    pub state: EntryState,
}

/// How far a post came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryState {
    /// It was never written to a server.
    Queued,
    /// It was written, or may have been; no answer is known.
    Written,
    /// It was written to a server that cannot say whether it has it.
    Unconfirmed,
    /// The server refused it.
    Refused,
}

impl OutboxEntry {
    /// Whether it is too old to be sent without asking. A clock that was set back makes nothing old.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        now.duration_since(self.typed) > jiff::SignedDuration::try_from(STALE_AFTER).unwrap_or_default()
    }

    /// Whether it may have been delivered already.
    #[must_use]
    pub fn may_have_been_delivered(&self) -> bool {
        matches!(self.state, EntryState::Written | EntryState::Unconfirmed)
    }
}
