//! What the tests of the services share. Their peers follow a script or are a room in memory; both use memory pipes, so
//! that paused time applies.
// Each test binary uses a part of it.
#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used)]

use std::time::Duration;

use chat_client::{ClientConfig, ConnectionState, Listener, ListenerEvent, Message, Text, Token};
use tokio::sync::watch;

pub use testkit::scripted_peer::ScriptedPeer as Peer;
pub use testkit::wire::{CONFIRMATION, GREETING, PROMPT, TOKEN, WELCOME};

pub fn config() -> ClientConfig {
    let mut config = ClientConfig::default();
    config.seed = Some(7);
    config
}

pub fn token() -> Token {
    Token::new(TOKEN).unwrap()
}

pub fn text(raw: &str) -> Text {
    Text::new(raw).unwrap()
}

/// Returns the next event that is not a position in the log.
pub async fn next_event(listener: &mut Listener) -> Option<ListenerEvent> {
    loop {
        match listener.next().await {
            Some(ListenerEvent::Joined(_) | ListenerEvent::CaughtUp(_)) => {}
            event => return event,
        }
    }
}

/// Returns the text of the next such event, which must be a message.
pub async fn next_text(listener: &mut Listener) -> String {
    match next_event(listener).await {
        Some(ListenerEvent::Message(Message { text, .. })) => text.to_string(),
        other => panic!("expected a message, got {other:?}"),
    }
}

/// Waits for a state, for at most `within`.
pub async fn wait_for(
    state: &mut watch::Receiver<ConnectionState>,
    within: Duration,
    wanted: impl FnMut(&ConnectionState) -> bool,
) -> ConnectionState {
    let reached = tokio::time::timeout(within, state.wait_for(wanted)).await;
    reached.expect("the state is reached in time").expect("the service lives").clone()
}
