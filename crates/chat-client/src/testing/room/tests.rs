use chat_proto::{DeclineCode, Text};
use futures_util::FutureExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::task::yield_now;

use super::Room;
use crate::config::{ClientConfig, Side};
use crate::net::dial::Dial as _;
use crate::writer::delivery::{DeliveryError, PostError};
use crate::writer::handle::Writer;

fn writer(room: &Room) -> Writer {
    Writer::builder(ClientConfig::default()).token(room.token()).dial(room.dial()).start()
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn declines_until_it_accepts_again() {
    let room = Room::new();
    let writer = writer(&room);
    room.decline(Some(DeclineCode::Muted));
    let outcome = writer.post(text("one")).await;
    assert!(
        matches!(&outcome, Err(PostError::Delivery(DeliveryError::Refused { code: DeclineCode::Muted, .. }))),
        "{outcome:?}"
    );
    room.decline(Some(DeclineCode::Rate));
    let delivery = writer.send(text("two")).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert!(room.log().is_empty());
    room.decline(None);
    delivery.await.unwrap();
    let texts: Vec<String> = room.log().iter().map(|message| message.text.to_string()).collect();
    assert_eq!(texts, ["two"]);
}

#[tokio::test(start_paused = true)]
async fn plain_posts_are_not_declined() {
    let room = Room::plain();
    room.decline(Some(DeclineCode::Storage));
    writer(&room).post(text("one")).await.unwrap();
    assert_eq!(room.log().len(), 1);
}

/// What a client sends after a cut does not arrive, whatever was on its way.
#[tokio::test(start_paused = true)]
async fn nothing_passes_after_a_cut() {
    for steps in 0..64 {
        let room = Room::plain();
        let mut stream = room.dial().dial(Side::Write).await.unwrap();
        stream.write_all(format!("{}\n", room.token().expose()).as_bytes()).await.unwrap();
        for _ in 0..steps {
            yield_now().await;
        }
        room.cut();
        let _ = stream.write_all(b"one\n\n").await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert!(room.log().is_empty(), "after {steps} steps");
    }
}

/// A client that sends without end still receives.
#[tokio::test(start_paused = true)]
async fn one_direction_does_not_keep_the_other_waiting() {
    let room = Room::plain();
    let stream = room.dial().dial(Side::Listen).await.unwrap();
    let (read, mut write) = tokio::io::split(stream);
    tokio::spawn(async move { while write.write_all(&[b'x'; 1_000]).await.is_ok() {} });
    let mut lines = BufReader::new(read).lines();
    // Time stands still, because there is always something to do: the waits are bounded by turns. The session sees what
    // is said once it runs.
    for _ in 0..100 {
        yield_now().await;
    }
    room.say("Ann", "hello");
    let mut line = None;
    for _ in 0..10_000 {
        line = line.or_else(|| lines.next_line().now_or_never());
        yield_now().await;
    }
    assert_eq!(line.unwrap().unwrap().as_deref(), Some("Ann: hello"));
}
