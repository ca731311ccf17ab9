//! Test peers for the services: one that follows a script byte by byte, and a room made of the server's state machines.
//! Both use memory pipes, so that paused time applies.
// Each test binary uses a part of it.
#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used)]

use std::time::Duration;

use chat_client::testing::PipeRoom;
use chat_client::{ClientConfig, ConnectionState, Listener, ListenerEvent, Message, Side, Text, Token};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::watch;

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

/// The scripted end of one connection.
pub struct Peer {
    io: BufReader<DuplexStream>,
}

impl Peer {
    /// Waits for the next connection, which must be to this port.
    pub async fn accept(room: &mut PipeRoom, expected: Side) -> Self {
        let (side, io) = room.accept().await.expect("a client dials");
        assert_eq!(side, expected);
        Self { io: BufReader::new(io) }
    }

    /// Sends these bytes.
    pub async fn say(&mut self, bytes: &str) {
        self.io.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// Receives one line; empty at the end of the stream.
    pub async fn hear(&mut self) -> String {
        let mut line = String::new();
        self.io.read_line(&mut line).await.unwrap();
        line
    }

    /// Receives everything until the stream ends.
    pub async fn hear_rest(&mut self) -> String {
        let mut rest = String::new();
        self.io.read_to_string(&mut rest).await.unwrap();
        rest
    }

    /// Accepts the login of `Keen Bob`; `extensions` is the value of the record's field, if any.
    pub async fn let_in(&mut self, extensions: Option<&str>) {
        self.say(GREETING).await;
        assert_eq!(self.hear().await, format!("{TOKEN}\n"));
        let extensions = extensions.map(|list| format!(", \"extensions\": {list}")).unwrap_or_default();
        self.say(&format!("{{\"nickname\": \"Keen Bob\", \"account_hash\": \"{TOKEN}\"{extensions}}}\n{WELCOME}"))
            .await;
    }

    /// Receives a request to resume and returns its JSON.
    pub async fn hear_request(&mut self) -> serde_json::Value {
        let line = self.hear().await;
        serde_json::from_str(line.strip_prefix('\u{1}').expect("an extension line")).unwrap()
    }

    /// Answers a request to resume.
    pub async fn answer(&mut self, request: &serde_json::Value, stream: &str, from: u64, head: u64) {
        let nonce = request["nonce"].as_str().unwrap();
        let answer = serde_json::json!({"stream": stream, "from": from, "head": head, "nonce": nonce});
        self.say(&format!("\u{1}{answer}\n")).await;
    }

    /// Sends a numbered message.
    pub async fn say_numbered(&mut self, seq: u64, text: &str) {
        let message =
            serde_json::json!({"seq": seq, "at": 1_700_000_000_000_u64 + seq, "nick": "Keen Bob", "text": text});
        self.say(&format!("\u{1}{message}\n")).await;
    }
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
