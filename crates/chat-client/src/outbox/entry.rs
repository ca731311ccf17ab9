//! One post that was typed and is not confirmed, as the outbox keeps it.

use std::time::{Duration, SystemTime};

use chat_proto::{PostId, Text};

use crate::delivery_state::DeliveryState;

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
    pub typed: SystemTime,
    /// How far it came.
    pub state: DeliveryState,
}

impl OutboxEntry {
    /// Returns whether it is too old to be sent without asking. A clock that was set back makes nothing old.
    #[must_use]
    pub fn is_stale(&self, now: SystemTime) -> bool {
        now.duration_since(self.typed).is_ok_and(|age| age > STALE_AFTER)
    }
}
