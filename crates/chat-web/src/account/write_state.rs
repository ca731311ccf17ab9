//! The state of the connections to the room as pages see it.

use chat_client::{ConnectionState, Hold, HoldReason};
use tokio::time::Instant;

use crate::wire::{StateObject, millis};

/// The state of the writer of one account.
#[derive(Clone, Debug)]
pub(crate) enum WriteState {
    /// There is no connection; the next post makes one.
    Idle,
    /// The state of the writer, and why messages wait although it is online.
    Running(ConnectionState, Option<Hold>),
}

impl WriteState {
    /// Returns the object of this state.
    pub(crate) fn object(&self) -> StateObject {
        match self {
            Self::Idle => StateObject { side: "write", state: "idle", ..connection_object("write", None) },
            Self::Running(state, hold) => {
                let mut object = connection_object("write", Some(state));
                if let (ConnectionState::Online { .. }, Some(hold)) = (state, hold) {
                    object.retry_in_ms = Some(left(hold.until));
                    object.hold = Some(match &hold.reason {
                        HoldReason::Server(code) => code.as_str().to_owned(),
                        _ => "storage".to_owned(),
                    });
                }
                object
            }
        }
    }
}

/// Returns the object of the listener's state.
pub(crate) fn listen_object(state: &ConnectionState) -> StateObject {
    connection_object("listen", Some(state))
}

fn connection_object(side: &'static str, state: Option<&ConnectionState>) -> StateObject {
    let mut object = StateObject { side, state: "closed", attempt: None, retry_in_ms: None, cause: None, hold: None };
    let Some(state) = state else { return object };
    object.cause = state.cause().map(|cause| cause.code());
    match state {
        ConnectionState::Connecting { attempt } => {
            object.state = "connecting";
            object.attempt = Some(*attempt);
        }
        ConnectionState::Online { .. } => object.state = "online",
        ConnectionState::Waiting { attempt, retry_at, .. } => {
            object.state = "waiting";
            object.attempt = Some(*attempt);
            object.retry_in_ms = Some(left(*retry_at));
        }
        _ => {}
    }
    object
}

fn left(until: Instant) -> u64 {
    millis(until.saturating_duration_since(Instant::now()))
}
