//! What an operator has done to an account, and a post of it that shows whether the server still knows.

use std::time::Duration;

use chat_client::{ConnectError, DeclineCode, DeliveryError, PostId, Receipt, SendError, SendOptions, Text, Writer};
use tokio::time::timeout;

use super::ledger::{Ledger, Reporter};

/// The sanctions of an account; `None` for one of which an action had no answer, so that it may be in force or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) muted: Option<bool>,
    pub(crate) banned: Option<bool>,
    pub(crate) revoked: Option<bool>,
}

/// What the server does with a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PostFate {
    /// It is stored.
    Stored,
    /// It is declined with the code `muted`.
    Muted,
    /// The token is not accepted.
    NoLogin,
}

impl Standing {
    /// Returns the standing of a new account.
    pub(crate) const fn clear() -> Self {
        Self { muted: Some(false), banned: Some(false), revoked: Some(false) }
    }

    /// Returns what the server must do with a post; `None` if that is not known.
    pub(crate) fn expected(self) -> Option<PostFate> {
        match (self.banned, self.revoked, self.muted) {
            (Some(true), ..) | (_, Some(true), _) => Some(PostFate::NoLogin),
            (Some(false), Some(false), Some(true)) => Some(PostFate::Muted),
            (Some(false), Some(false), Some(false)) => Some(PostFate::Stored),
            _ => None,
        }
    }
}

/// The post of one probe.
pub(crate) struct ProbePost {
    /// Index of the account among the writers of the ledger.
    pub(crate) writer: usize,
    pub(crate) number: u64,
    pub(crate) id: PostId,
    pub(crate) text: Text,
}

impl ProbePost {
    /// Posts once, records the outcome in the ledger, and reports if the server does not do what it must. The server may
    /// be killed meanwhile, so no answer says nothing.
    pub(crate) async fn check(self, standing: Standing, within: Duration, writer: Writer, ledger: &Ledger) {
        let Self { writer: index, number, id, text } = self;
        ledger.record(Reporter::Writer(index), &format!("posting {number}"));
        let (fate, report) = post(&writer, (number, id, text), within).await;
        ledger.record(Reporter::Writer(index), &report);
        if let (Some(fate), Some(expected)) = (fate, standing.expected())
            && fate != expected
        {
            let what = format!("post {number} of the guest: {fate:?} and not {expected:?}, with {standing:?}");
            ledger.lock().report_unexpected(what);
        }
    }
}

/// Posts once. Returns what the server did, if it is known, and the report for the ledger.
async fn post(
    writer: &Writer,
    (number, id, text): (u64, PostId, Text),
    within: Duration,
) -> (Option<PostFate>, String) {
    let outcome = match writer.send_with(text, SendOptions::with_id(id)).await {
        Ok(mut delivery) => match timeout(within, &mut delivery).await {
            Ok(outcome) => outcome,
            Err(_) => {
                writer.end_now();
                delivery.await
            }
        },
        Err(SendError::Closed { cause, .. }) => return (no_login(cause.as_deref()), format!("never-sent {number}")),
        Err(_) => return (None, format!("never-sent {number}")),
    };
    match outcome {
        Ok(Receipt { position: Some(position), .. }) => {
            (Some(PostFate::Stored), format!("confirmed {number} {}", position.seq))
        }
        Ok(_) => (Some(PostFate::Stored), format!("confirmed {number} ?")),
        Err(DeliveryError::Refused { code, .. }) => {
            ((code == DeclineCode::Muted).then_some(PostFate::Muted), format!("refused {number} {}", code.as_str()))
        }
        Err(DeliveryError::Unconfirmed { .. }) => (None, format!("unconfirmed {number}")),
        Err(DeliveryError::NeverSent { cause, .. }) => (no_login(cause.as_deref()), format!("never-sent {number}")),
        Err(_) => (None, format!("never-sent {number}")),
    }
}

fn no_login(cause: Option<&ConnectError>) -> Option<PostFate> {
    matches!(cause, Some(ConnectError::Refused(_))).then_some(PostFate::NoLogin)
}
