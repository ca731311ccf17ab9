//! The writer over in-memory pipes under paused time.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use chat_client::testing::pipes;
use chat_client::{
    ConnectError, ConnectionState, DeclineCode, DeliveryError, DeliveryState, Outbox, Refusal, SendError, Side, Writer,
};
use tokio::time::Instant;

use support::{CONFIRMATION, GREETING, PROMPT, Peer, TOKEN, config, text, token, wait_for};

const MINUTE: Duration = Duration::from_secs(60);
const IDS: Option<&str> = Some("[\"id\", \"resume\"]");

/// Receives one post with its id, skipping pings.
async fn hear_post(peer: &mut Peer) -> (String, String) {
    loop {
        let line = peer.hear().await;
        if let Some(json) = line.strip_prefix('\u{1}') {
            let post: serde_json::Value = serde_json::from_str(json).unwrap();
            return (post["id"].as_str().unwrap().to_owned(), post["text"].as_str().unwrap().to_owned());
        }
        assert_eq!(line, "\n");
        peer.say(CONFIRMATION).await;
    }
}

async fn store(peer: &mut Peer, id: &str, seq: u64) {
    peer.say(&format!("\u{1}{{\"ok\": \"{id}\", \"stream\": \"k3f9\", \"seq\": {seq}}}\n")).await;
}

#[tokio::test(start_paused = true)]
async fn confirms_only_after_the_answer() {
    let (dial, mut room) = pipes();
    let writer = Writer::builder(config()).token(token()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    let delivery = writer.send(text("two\nlines")).await.unwrap();
    let written = delivery.written();
    peer.let_in(None).await;
    assert_eq!((peer.hear().await, peer.hear().await), ("two lines\n".into(), "\n".into()));
    assert!(written.await);
    let mut delivery = Box::pin(delivery);
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut delivery).await.is_err());
    peer.say(CONFIRMATION).await;
    assert_eq!(delivery.await.unwrap().position, None);
    assert_eq!(writer.account().borrow().as_ref().unwrap().nickname.as_str(), "Keen Bob");
    assert_eq!(writer.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn with_ids_repeats_in_order() {
    let (dial, mut room) = pipes();
    let writer = Writer::builder(config()).token(token()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    peer.let_in(IDS).await;
    let mut deliveries = Vec::new();
    for n in 0..3 {
        deliveries.push(writer.send(text(&format!("line\n{n}"))).await.unwrap());
    }
    let first = [hear_post(&mut peer).await, hear_post(&mut peer).await, hear_post(&mut peer).await];
    store(&mut peer, &first[0].0, 1).await;
    let third = deliveries.pop().unwrap();
    let second = deliveries.pop().unwrap();
    assert_eq!(deliveries.pop().unwrap().await.unwrap().position.unwrap().seq, 1);
    drop(peer);

    let later = writer.send(text("typed offline")).await.unwrap();
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    peer.let_in(IDS).await;
    assert_eq!(hear_post(&mut peer).await, first[1]);
    assert_eq!(hear_post(&mut peer).await, first[2]);
    let (id, said) = hear_post(&mut peer).await;
    assert_eq!((id.as_str(), said.as_str()), (later.id().as_str(), "typed offline"));
    for (seq, id) in [(2, first[1].0.clone()), (3, first[2].0.clone()), (4, id)] {
        store(&mut peer, &id, seq).await;
    }
    assert_eq!(second.await.unwrap().position.unwrap().seq, 2);
    assert_eq!(third.await.unwrap().position.unwrap().seq, 3);
    assert_eq!(later.await.unwrap().position.unwrap().seq, 4);
}

#[tokio::test(start_paused = true)]
async fn plain_server_leaves_written_unconfirmed() {
    let (dial, mut room) = pipes();
    let writer = Writer::builder(config()).token(token()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    peer.let_in(None).await;
    let lost = writer.send(text("lost?")).await.unwrap();
    assert_eq!((peer.hear().await, peer.hear().await), ("lost?\n".into(), "\n".into()));
    drop(peer);
    let error = lost.await.unwrap_err();
    assert!(matches!(error, DeliveryError::Unconfirmed { cause: Some(_), .. }), "{error:?}");
    let queued = writer.send(text("later")).await.unwrap();
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    peer.let_in(None).await;
    assert_eq!(peer.hear().await, "later\n", "and the lost one is not repeated");
    peer.say(CONFIRMATION).await;
    queued.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn refused_token_is_final() {
    let (dial, mut room) = pipes();
    let writer = Writer::builder(config()).token(token()).dial(dial).start();
    let queued = writer.send(text("to no one")).await.unwrap();
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    peer.say(GREETING).await;
    assert_eq!(peer.hear().await, format!("{TOKEN}\n"));
    peer.say(&format!("null\n{PROMPT}")).await;
    assert_eq!(peer.hear_rest().await, "", "nothing more is sent: it would become a nickname");
    let mut state = writer.state();
    let closed = wait_for(&mut state, MINUTE, ConnectionState::is_closed).await;
    assert!(matches!(closed.cause(), Some(ConnectError::Refused(Refusal::UnknownToken))));
    assert!(matches!(queued.await, Err(DeliveryError::NeverSent { cause: Some(_), .. })));
    assert!(matches!(writer.send(text("more")).await, Err(SendError::Closed { .. })));
    assert!(tokio::time::timeout(Duration::from_secs(600), room.accept()).await.is_ok_and(|dialled| dialled.is_none()));
    assert_eq!(writer.close(MINUTE).await.never_sent().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn notices_a_half_open_link_within_15_s() {
    let (dial, mut room) = pipes();
    let writer = Writer::builder(config()).token(token()).dial(dial).start();
    let mut state = writer.state();
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    peer.let_in(None).await;
    wait_for(&mut state, MINUTE, ConnectionState::is_online).await;
    let silent_since = Instant::now();
    wait_for(&mut state, MINUTE, |state| matches!(state, ConnectionState::Waiting { .. })).await;
    assert!(silent_since.elapsed() <= Duration::from_secs(15), "{:?}", silent_since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn retries_after_a_stalled_dialogue() {
    for said in ["", GREETING] {
        let (dial, mut room) = pipes();
        let writer = Writer::builder(config()).token(token()).dial(dial).start();
        let mut peer = Peer::accept(&mut room, Side::Write).await;
        peer.say(said).await;
        let mut state = writer.state();
        wait_for(&mut state, Duration::from_secs(11), |state| matches!(state, ConnectionState::Waiting { .. })).await;
        let mut peer = Peer::accept(&mut room, Side::Write).await;
        peer.let_in(None).await;
        wait_for(&mut state, MINUTE, ConnectionState::is_online).await;
    }
}

#[tokio::test(start_paused = true)]
async fn other_protocol_is_final() {
    let (dial, mut room) = pipes();
    let writer = Writer::builder(config()).token(token()).dial(dial).start();
    Peer::accept(&mut room, Side::Write).await.say("SSH-2.0-OpenSSH_9.2\r\n").await;
    let mut state = writer.state();
    let closed = wait_for(&mut state, MINUTE, ConnectionState::is_closed).await;
    assert!(matches!(closed.cause(), Some(ConnectError::Protocol(_))), "{closed:?}");
}

#[tokio::test(start_paused = true)]
async fn retries_too_fast_refuses_too_long() {
    let (dial, mut room) = pipes();
    let writer = Writer::builder(config()).token(token()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    peer.let_in(IDS).await;
    let delivery = writer.send(text("a")).await.unwrap();
    let (id, _) = hear_post(&mut peer).await;
    let began = Instant::now();
    peer.say(&format!("\u{1}{{\"no\": \"{id}\", \"code\": \"rate\", \"retry_after_ms\": 700}}\n")).await;
    assert_eq!(hear_post(&mut peer).await.0, id);
    assert_eq!(began.elapsed(), Duration::from_millis(700));
    store(&mut peer, &id, 1).await;
    delivery.await.unwrap();
    let delivery = writer.send(text("b")).await.unwrap();
    let (id, _) = hear_post(&mut peer).await;
    peer.say(&format!("\u{1}{{\"no\": \"{id}\", \"code\": \"too_long\"}}\n")).await;
    assert!(matches!(
        delivery.await,
        Err(DeliveryError::Refused { code: DeclineCode::TooLong, retry_after: None, .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn put_off_post_waits_without_spinning() {
    let (dial, mut room) = pipes();
    let writer = Writer::builder(config()).token(token()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    peer.let_in(IDS).await;
    let mut deliveries = Vec::new();
    for said in ["a", "b"] {
        deliveries.push(writer.send(text(said)).await.unwrap());
    }
    let (first, second) = (hear_post(&mut peer).await.0, hear_post(&mut peer).await.0);
    peer.say(&format!("\u{1}{{\"no\": \"{first}\", \"code\": \"rate\", \"retry_after_ms\": 700}}\n")).await;
    // Paused time advances only while all tasks are idle: a writer that spins would hang the test here.
    tokio::time::sleep(Duration::from_secs(5)).await;
    store(&mut peer, &second, 1).await;
    assert_eq!(hear_post(&mut peer).await.0, first);
    store(&mut peer, &first, 2).await;
    for delivery in deliveries {
        delivery.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn close_sends_until_its_deadline() {
    let (dial, mut room) = pipes();
    let writer = Writer::builder(config()).token(token()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    peer.let_in(None).await;
    let mut deliveries = Vec::new();
    for n in 0..40 {
        deliveries.push(writer.send(text(&format!("{n}"))).await.unwrap());
    }
    let server = tokio::spawn(async move {
        for _ in 0..3 {
            peer.hear().await;
            assert_eq!(peer.hear().await, "\n");
            peer.say(CONFIRMATION).await;
        }
        peer
    });
    let began = Instant::now();
    let report = writer.clone().close(Duration::from_secs(4)).await;
    assert_eq!(began.elapsed(), Duration::from_secs(4));
    let ids: Vec<_> = deliveries.iter().map(|delivery| delivery.id().clone()).collect();
    assert!(report.confirmed().eq(&ids[..3]), "{report:?}");
    // 32 can be unanswered at once, and each confirmation let one more through.
    assert!(report.unconfirmed().eq(&ids[3..35]), "{report:?}");
    assert!(report.never_sent().eq(&ids[35..]), "{report:?}");
    assert!(matches!(writer.send(text("more")).await, Err(SendError::Closed { .. })));
    drop(server);
}

#[tokio::test(start_paused = true)]
async fn close_of_an_empty_queue_is_immediate() {
    let (dial, room) = pipes();
    drop(room);
    let writer = Writer::builder(config()).token(token()).dial(dial).start();
    tokio::time::sleep(Duration::from_secs(100)).await;
    let began = Instant::now();
    assert_eq!(writer.close(MINUTE).await, Default::default());
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn sends_after_the_last_handle_is_dropped() {
    let (dial, mut room) = pipes();
    let writer = Writer::builder(config()).token(token()).dial(dial).start();
    let delivery = writer.send(text("bye")).await.unwrap();
    drop(writer);
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    peer.let_in(None).await;
    assert_eq!(peer.hear().await, "bye\n");
    peer.say(CONFIRMATION).await;
    delivery.await.unwrap();
    assert_eq!(peer.hear_rest().await, "\n");
}

#[tokio::test(start_paused = true)]
async fn queue_is_bounded_and_posts_discardable() {
    let (dial, room) = pipes();
    drop(room);
    let writer = Writer::builder(config()).token(token()).dial(dial).start();
    let mut deliveries = Vec::new();
    let full = loop {
        match writer.try_send(text("x")) {
            Ok(delivery) => deliveries.push(delivery),
            Err(error) => break error,
        }
    };
    assert!(matches!(full, SendError::Full { .. }));
    assert_eq!((deliveries.len(), writer.waiting()), (1024, 1024));
    let taken_back = deliveries.pop().unwrap();
    assert!(writer.discard(taken_back.id()).await.unwrap());
    assert!(!writer.discard(taken_back.id()).await.unwrap());
    assert!(matches!(taken_back.await, Err(DeliveryError::Discarded { .. })));
    assert!(writer.try_send(text("y")).is_ok());
}

#[tokio::test(start_paused = true)]
async fn outbox_survives_without_repeating() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox");
    let (dial, mut room) = pipes();
    let outbox = Outbox::open(&path, "room Bob").unwrap();
    let writer = Writer::builder(config()).token(token()).outbox(outbox.clone()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    peer.let_in(None).await;
    for n in 0..34 {
        let _delivery = writer.send(text(&format!("{n}"))).await.unwrap();
    }
    assert_eq!(peer.hear().await, "0\n");
    peer.say(CONFIRMATION).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    let states: Vec<_> = outbox.entries().iter().map(|entry| entry.state.clone()).collect();
    assert_eq!(states.len(), 33);
    assert_eq!(states.iter().filter(|state| **state == DeliveryState::Written).count(), 32);
    // A killed process leaves only the file behind.
    let left = std::fs::read(&path).unwrap();
    drop((writer, outbox));
    let path = dir.path().join("outbox2");
    std::fs::write(&path, left).unwrap();

    let outbox = Outbox::open(&path, "room Bob").unwrap();
    let (dial, mut room) = pipes();
    let writer = Writer::builder(config()).token(token()).outbox(outbox.clone()).dial(dial).start();
    let mut deliveries = Vec::new();
    for entry in outbox.fresh() {
        deliveries.push(writer.send_entry(entry).await.unwrap());
    }
    let mut peer = Peer::accept(&mut room, Side::Write).await;
    peer.let_in(None).await;
    assert_eq!(peer.hear().await, "33\n", "only what was never written");
    peer.say(CONFIRMATION).await;
    deliveries.pop().unwrap().await.unwrap();
    for delivery in deliveries {
        assert!(matches!(delivery.await, Err(DeliveryError::Unconfirmed { .. })));
    }
    assert!(outbox.entries().iter().all(|entry| entry.state == DeliveryState::Unconfirmed));
    assert_eq!(outbox.entries().len(), 32);
}
