//! Tests of a handle whose task has ended.

use chat_proto::Token;

use super::*;
use crate::config::ClientConfig;
use crate::outbox::log::Outbox;
use crate::testing::pipes;

#[tokio::test(start_paused = true)]
async fn ended_task_returns_the_text() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path().join("outbox"), "room").unwrap();
    let text = Text::new("hello").unwrap();
    outbox.add(&PostId::new("kept").unwrap(), &text).unwrap();
    let (dial, _room) = pipes();
    let token = Token::new("9a08").unwrap();
    let builder = Writer::builder(ClientConfig::default()).token(token).outbox(outbox.clone());
    let mut writer = builder.dial(dial).start();
    // Simulates the moment between the end of the task and the end of its handles.
    (writer.requests, _) = mpsc::unbounded_channel();
    assert!(matches!(writer.send(text.clone()).await, Err(SendError::Closed { text: back, .. }) if back == text));
    assert!(matches!(writer.try_send(text), Err(SendError::Closed { .. })));
    let kept = outbox.entries().pop().unwrap();
    assert!(matches!(writer.send_entry(kept).await, Err(SendError::Closed { .. })));
    assert_eq!(outbox.entries().iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["kept"]);
}
