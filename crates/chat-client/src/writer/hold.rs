//! Why queued messages wait although there is a connection.

use chat_proto::DeclineCode;
use tokio::time::Instant;

/// Why queued messages wait although there is a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hold {
    /// The reason.
    pub reason: HoldReason,
    /// When the next attempt is due.
    pub until: Instant,
}

/// The reason why queued messages wait.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldReason {
    /// The server asked to wait: a rate limit of the account, a store that cannot accept messages now, or a
    /// shared log that is away.
    Server(DeclineCode),
    /// The outbox file cannot be written; see [`Writer::outbox_error`](crate::Writer::outbox_error).
    Outbox,
}
