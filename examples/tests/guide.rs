//! The program and the test of docs/testing.md, exactly as they stand there, so that both run.
#![allow(clippy::unwrap_used, missing_docs)]

use chat_client::testing::Room;
use chat_client::{ClientConfig, Listener, ListenerEvent, Text, Writer};

/// Answers each `ping` until the listener ends.
async fn bot(mut listener: Listener, writer: Writer) {
    while let Some(event) = listener.next().await {
        if let ListenerEvent::Message(message) = event
            && message.text.as_str() == "ping"
        {
            // The writer sends it until it is confirmed; this bot does not wait.
            let _delivery = writer.send(Text::new("pong").unwrap()).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_once_although_the_connection_breaks() {
    let room = Room::new();
    let listener = Listener::builder(ClientConfig::default()).dial(room.dial()).start();
    let writer = Writer::builder(ClientConfig::default()).token(room.token()).dial(room.dial()).start();
    listener.online().await.unwrap();
    tokio::spawn(bot(listener, writer));

    room.refuse(true);
    room.cut();
    room.say("Ann", "ping");
    room.refuse(false);
    room.wait_for(2).await;
    assert_eq!(room.log()[1].text.as_str(), "pong");
}

#[test]
fn is_the_guide() {
    let document = include_str!("../../docs/testing.md");
    let block = document.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert!(include_str!("guide.rs").contains(block), "docs/testing.md and examples/tests/guide.rs differ");
}
