use chat_proto::{DeclineCode, Text};

use super::Room;
use crate::config::ClientConfig;
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
