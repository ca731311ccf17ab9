//! The state of one post as its pages see it.

use std::time::Duration;

use chat_client::{ConnectError, DeliveryError, PostId, Receipt, Refusal, SendError};

use crate::wire::{ReceiptObject, millis};

/// The state of one post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PostState {
    /// The gateway has it.
    Accepted,
    /// The room has stored it.
    Confirmed(Receipt),
    /// It was not stored.
    Refused { code: String, retry_after: Option<Duration> },
    /// It may or may not have been delivered.
    Unconfirmed,
    /// It was not written to the room.
    NeverSent,
}

impl PostState {
    pub(crate) fn refused(code: &str) -> Self {
        Self::Refused { code: code.to_owned(), retry_after: None }
    }

    /// Returns whether the state can no longer change.
    pub(crate) fn is_final(&self) -> bool {
        *self != Self::Accepted
    }

    /// Returns whether the same post may be sent as a new one: it is certain that the room does not have it.
    pub(crate) fn may_be_sent_again(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::NeverSent)
    }

    /// Returns the receipt of a post.
    pub(crate) fn receipt(&self, id: &PostId) -> ReceiptObject {
        let mut receipt =
            ReceiptObject { id: id.to_string(), state: "", stream: None, seq: None, code: None, retry_after_ms: None };
        match self {
            Self::Accepted => receipt.state = "accepted",
            Self::Confirmed(confirmed) => {
                receipt.state = "confirmed";
                receipt.stream = confirmed.position.as_ref().map(|position| position.stream.to_string());
                receipt.seq = confirmed.position.as_ref().map(|position| position.seq);
            }
            Self::Refused { code, retry_after } => {
                receipt.state = "refused";
                receipt.code = Some(code.clone());
                receipt.retry_after_ms = retry_after.map(millis);
            }
            Self::Unconfirmed => receipt.state = "unconfirmed",
            Self::NeverSent => receipt.state = "never_sent",
        }
        receipt
    }
}

/// Returns whether the room refused the token.
pub(crate) fn is_unknown_token(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Refused(Refusal::UnknownToken))
}

impl From<Result<Receipt, DeliveryError>> for PostState {
    fn from(outcome: Result<Receipt, DeliveryError>) -> Self {
        match outcome {
            Ok(receipt) => Self::Confirmed(receipt),
            Err(DeliveryError::Refused { code, retry_after, .. }) => {
                Self::Refused { code: code.as_str().to_owned(), retry_after }
            }
            Err(DeliveryError::NeverSent { cause: Some(cause), .. }) if is_unknown_token(&cause) => {
                Self::refused("unknown_token")
            }
            Err(error) if error.state().may_be_delivered() => Self::Unconfirmed,
            Err(_) => Self::NeverSent,
        }
    }
}

impl From<SendError> for PostState {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closed { cause: Some(cause), .. } if is_unknown_token(&cause) => Self::refused("unknown_token"),
            SendError::Full { .. } => Self::refused("busy"),
            _ => Self::NeverSent,
        }
    }
}
