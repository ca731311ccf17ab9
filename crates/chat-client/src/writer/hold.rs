//! Why queued messages wait although there is a connection.

use chat_proto::DeclineCode;
use tokio::time::Instant;

/// Why queued messages wait although there is a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hold {
    /// What they wait for.
    pub reason: HoldReason,
    /// When the next attempt is due.
    pub until: Instant,
}

/// What queued messages wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldReason {
    /// The server asked to wait: the rate limit of the account, or a store that cannot take messages now.
    Server(DeclineCode),
    /// The outbox file cannot be written; see [`Writer::outbox_error`].
    Outbox,
}
