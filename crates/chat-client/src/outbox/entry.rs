//! One unconfirmed message as the outbox stores it.

use std::time::{Duration, SystemTime};

use chat_proto::{PostId, Text};

use crate::delivery_state::DeliveryState;

/// An older message is not sent without asking. After ten minutes the conversation has usually moved on, and the user
/// may no longer want to send it.
pub const STALE_AFTER: Duration = Duration::from_secs(600);

/// One unconfirmed message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutboxEntry {
    /// The id, which is the same in every attempt.
    pub id: PostId,
    /// The text of the message.
    pub text: Text,
    /// When the user typed it.
    pub typed: SystemTime,
    /// The last known state.
    pub state: DeliveryState,
}

impl OutboxEntry {
    /// Returns whether the message is too old to be sent without asking. Setting the clock back makes no message old.
    #[must_use]
    pub fn is_stale(&self, now: SystemTime) -> bool {
        now.duration_since(self.typed).is_ok_and(|age| age > STALE_AFTER)
    }
}
