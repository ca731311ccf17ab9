//! How far one message has come, from the key press to the server's confirmation.

use std::fmt;
use std::time::Duration;

use chat_proto::{DeclineCode, Position, PostId, Text};

/// The state of one message. Every part of a client that speaks of a message uses this type: the writer's queue, the
/// outbox file, a [`Delivery`](crate::Delivery) and the shutdown report.
///
/// `Queued` and `Written` can alternate: a server that asks to wait did not store the message, so it is queued again.
/// The other states are final.
///
/// ```
/// use chat_client::DeliveryState;
///
/// assert!(!DeliveryState::Written.is_final());
/// assert!(DeliveryState::Written.may_be_delivered());
/// assert!(!DeliveryState::NeverSent.may_be_delivered());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryState {
    /// Waiting to be written to a connection.
    Queued,
    /// Written to a connection and not yet answered.
    Written,
    /// Stored by the server.
    Confirmed(Receipt),
    /// Written, and the connection ended before the answer: the message may or may not have been delivered.
    Unconfirmed,
    /// Not accepted by the server.
    Refused {
        /// The reason that the server gave.
        code: DeclineCode,
        /// The time after which another attempt can succeed, if the server gave it.
        retry_after: Option<Duration>,
        /// Why, in the words of an operator, if the server gave it.
        reason: Option<Text>,
    },
    /// The writer ended before the message was written.
    NeverSent,
    /// Withdrawn with [`Writer::discard`](crate::Writer::discard) before it was written.
    Discarded,
}

/// The server's confirmation of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The id of the message.
    pub id: PostId,
    /// Its position in the room's log; `None` from a server that does not number messages.
    pub position: Option<Position>,
}

impl Receipt {
    /// Creates a receipt, for tests of programs that handle them.
    #[must_use]
    pub fn new(id: PostId, position: Option<Position>) -> Self {
        Self { id, position }
    }
}

impl DeliveryState {
    /// Returns whether the state can no longer change.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Queued | Self::Written)
    }

    /// Returns whether other users may see the message, now or later without another attempt.
    #[must_use]
    pub fn may_be_delivered(&self) -> bool {
        matches!(self, Self::Written | Self::Confirmed(_) | Self::Unconfirmed)
    }

    /// Returns a stable name for scripts.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Written => "written",
            Self::Confirmed(_) => "confirmed",
            Self::Unconfirmed => "unconfirmed",
            Self::Refused { .. } => "refused",
            Self::NeverSent => "never_sent",
            Self::Discarded => "discarded",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queued => f.write_str("queued"),
            Self::Written => f.write_str("written, no answer yet"),
            Self::Confirmed(_) => f.write_str("confirmed"),
            Self::Unconfirmed => f.write_str("unconfirmed: it may or may not have been delivered"),
            Self::Refused { code, .. } => write!(f, "refused: {code}"),
            Self::NeverSent => f.write_str("never sent"),
            Self::Discarded => f.write_str("discarded"),
        }
    }
}
