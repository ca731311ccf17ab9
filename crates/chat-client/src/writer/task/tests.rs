//! Tests of the order of outbox and connection.

use chat_proto::{CONFIRMATION, GREETING, PostId, Text, WELCOME};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::*;
use crate::outbox::log::Outbox;
use crate::testing::pipes;
use crate::writer::handle::Writer;

#[tokio::test(start_paused = true)]
async fn without_ids_writes_only_what_is_marked() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path().join("outbox"), "room").unwrap();
    let (dial, mut room) = pipes();
    let token = Token::new("9a08").unwrap();
    let writer = Writer::builder(ClientConfig::default()).token(token).outbox(outbox.clone()).dial(dial).start();
    let delivery = writer.send(Text::new("hello").unwrap()).await.unwrap();
    outbox.set_writable(false);

    let mut peer = BufReader::new(room.accept().await.unwrap().1);
    let account = r#"{"nickname": "Keen Bob", "account_hash": "9a08"}"#;
    peer.write_all(format!("{GREETING}\n{account}\n{WELCOME}\n").as_bytes()).await.unwrap();
    let mut heard = String::new();
    peer.read_line(&mut heard).await.unwrap();
    assert_eq!(heard, "9a08\n");
    let mut error = writer.outbox_error();
    assert!(error.wait_for(Option::is_some).await.is_ok());
    heard.clear();
    let patience = Duration::from_millis(2500);
    assert!(timeout(patience, peer.read_line(&mut heard)).await.is_err(), "{heard:?}");
    assert_eq!(outbox.entries()[0].state, DeliveryState::Queued);

    outbox.set_writable(true);
    peer.read_line(&mut heard).await.unwrap();
    assert_eq!(heard, "hello\n");
    assert_eq!(outbox.entries()[0].state, DeliveryState::Written);
    assert!(error.borrow_and_update().is_none());
    peer.write_all(format!("{CONFIRMATION}\n").as_bytes()).await.unwrap();
    delivery.await.unwrap();
    assert_eq!(outbox.entries(), []);
}

/// A slow disk must not stop the connections of the runtime.
#[tokio::test(start_paused = true)]
async fn outbox_is_written_by_another_thread() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path().join("outbox"), "room").unwrap();
    let room = crate::testing::Room::new();
    let builder = Writer::builder(ClientConfig::default()).token(room.token()).outbox(outbox.clone());
    let writer = builder.dial(room.dial()).start();
    let here = Some(std::thread::current().id());
    let delivery = writer.send(Text::new("hello").unwrap()).await.unwrap();
    assert!(outbox.written_by().is_some() && outbox.written_by() != here, "saved");
    delivery.await.unwrap();
    assert_eq!(outbox.entries(), []);
    assert_ne!(outbox.written_by(), here, "removed");
    writer.save(PostId::new("later").unwrap(), Text::new("later").unwrap()).await.unwrap();
    assert!(writer.discard(&PostId::new("later").unwrap()).await.unwrap());
    assert_ne!(outbox.written_by(), here, "discarded");
}
