//! Positions and gaps of a listener, over in-memory pipes under paused time.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use chat_client::testing::pipes;
use chat_client::{
    ConnectionState, Cursor, GapCause, Listener, ListenerEvent, Position, Recorder, Resume, Side, StreamId,
};

use support::{Peer, config, next_event, next_text, wait_for};

const MINUTE: Duration = Duration::from_secs(60);

async fn next_gap(listener: &mut Listener) -> (Option<u64>, GapCause) {
    match next_event(listener).await {
        Some(ListenerEvent::Gap(gap)) => {
            assert!(gap.since <= gap.until);
            (gap.missed, gap.cause)
        }
        other => panic!("expected a gap, got {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn plain_server_gives_a_gap_per_disconnect() {
    let (dial, mut room) = pipes();
    let mut listener = Listener::builder(config()).dial(dial).start();
    for round in 0..3 {
        let mut peer = Peer::accept(&mut room, Side::Listen).await;
        peer.hear_request().await;
        peer.say(&format!("Bob: hello {round}\nBob: to")).await;
        if round > 0 {
            assert_eq!(next_gap(&mut listener).await, (None, GapCause::Disconnected));
        }
        assert_eq!(next_text(&mut listener).await, format!("hello {round}"));
        assert_eq!(*listener.numbered().borrow(), Some(false));
        drop(peer);
    }
    listener.close().await;
}

#[tokio::test(start_paused = true)]
async fn resumes_a_numbered_log_without_a_gap() {
    let (dial, mut room) = pipes();
    let mut listener = Listener::builder(config()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    assert_eq!(request["resume"], serde_json::json!({"last": 0}));
    peer.answer(&request, "k3f9", 8, 7).await;
    drop(peer);

    // It resumes at its position, even if no message was received yet.
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    assert_eq!(request["resume"], serde_json::json!({"stream": "k3f9", "after": 7}));
    peer.say("Bob: said before the answer, and again behind it\n").await;
    peer.answer(&request, "k3f9", 8, 9).await;
    peer.say_numbered(8, "two\nlines").await;
    assert_eq!(next_text(&mut listener).await, "two\nlines");
    assert_eq!(*listener.numbered().borrow(), Some(true));
    drop(peer);

    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    assert_eq!(request["resume"]["after"], 8);
    peer.answer(&request, "k3f9", 9, 9).await;
    peer.say_numbered(9, "next").await;
    assert_eq!(next_text(&mut listener).await, "next");
    listener.close().await;
}

#[tokio::test(start_paused = true)]
async fn reports_its_position_once() {
    let (dial, mut room) = pipes();
    let mut listener = Listener::builder(config()).dial(dial).start();
    let place = |stream: &str, seq| Position { stream: StreamId::new(stream).unwrap(), seq };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    let mut recorder = Recorder::open(&path).unwrap();
    let mut cursor = Cursor::open(dir.path().join("cursor")).unwrap();
    let mut events = Vec::new();

    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "k3f9", 8, 7).await;
    listener.next_batch(&mut events).await;
    assert_eq!(events, [ListenerEvent::Joined(place("k3f9", 7)), ListenerEvent::CaughtUp(place("k3f9", 7))]);
    recorder.record_events(&events).unwrap();
    cursor.save(&place("k3f9", 7)).unwrap();
    // A process that is killed now resumes from there.
    let again = dir.path().join("again.txt");
    std::fs::copy(&path, &again).unwrap();
    std::fs::copy(dir.path().join("history.txt.cursor"), dir.path().join("again.txt.cursor")).unwrap();
    assert_eq!(Recorder::open(&again).unwrap().position(), Some(&place("k3f9", 7)));
    assert_eq!(cursor.resume(Resume::Live), Resume::after(place("k3f9", 7)));
    drop(peer);

    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "k3f9", 8, 8).await;
    peer.say_numbered(8, "eight").await;
    assert!(matches!(listener.next().await, Some(ListenerEvent::Message(_))), "the place is known");
    assert!(matches!(listener.next().await, Some(ListenerEvent::CaughtUp(_))));
    drop(peer);

    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "new", 1, 0).await;
    events.clear();
    listener.next_batch(&mut events).await;
    let [ListenerEvent::Gap(gap), ListenerEvent::Joined(joined), ListenerEvent::CaughtUp(_)] = &events[..] else {
        panic!("the gap comes first: {events:?}")
    };
    assert_eq!(*joined, place("new", 0));
    assert_eq!((gap.after.as_ref(), gap.before.as_ref()), (Some(&place("k3f9", 8)), Some(&place("new", 1))));
}

#[tokio::test(start_paused = true)]
async fn gap_starts_at_the_last_reception() {
    let (dial, mut room) = pipes();
    let mut listener = Listener::builder(config()).dial(dial).start();
    let mut state = listener.state();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "k3f9", 1, 1).await;
    peer.say_numbered(1, "one").await;
    assert_eq!(next_text(&mut listener).await, "one");
    drop(peer);
    wait_for(&mut state, MINUTE, |state| matches!(state, ConnectionState::Waiting { .. })).await;
    let lost = SystemTime::now();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "new", 1, 0).await;
    let Some(ListenerEvent::Gap(gap)) = next_event(&mut listener).await else { panic!("a gap") };
    assert!(gap.since <= lost && lost <= gap.until, "{gap:?}");
}

#[tokio::test(start_paused = true)]
async fn plain_server_turns_a_position_into_a_gap() {
    let position = Position { stream: StreamId::new("k3f9").unwrap(), seq: 10 };
    let last_heard = SystemTime::now() - 60 * MINUTE;
    let (dial, mut room) = pipes();
    let mut config = config();
    config.resume = Resume::After { position: position.clone(), last_heard: Some(last_heard) };
    let mut listener = Listener::builder(config).dial(dial).start();
    tokio::spawn(async move {
        loop {
            let mut peer = Peer::accept(&mut room, Side::Listen).await;
            peer.hear_request().await;
            peer.say("Bob: eleven\n").await;
            tokio::spawn(async move { peer.hear_rest().await });
        }
    });
    let Some(ListenerEvent::Gap(gap)) = next_event(&mut listener).await else { panic!("the gap comes first") };
    assert_eq!((gap.since, gap.after, gap.before), (last_heard, Some(position), None));
    assert_eq!((gap.missed, gap.cause), (None, GapCause::Disconnected));
    assert_eq!(next_text(&mut listener).await, "eleven");
}

#[tokio::test(start_paused = true)]
async fn requests_to_retry_make_a_server_plain() {
    let (dial, mut room) = pipes();
    let mut config = config();
    config.resume = Resume::after(Position { stream: StreamId::new("k3f9").unwrap(), seq: 10 });
    let listener = Listener::builder(config).dial(dial).start();
    let connections = Arc::new(AtomicU32::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        loop {
            let mut peer = Peer::accept(&mut room, Side::Listen).await;
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move { peer.hear_rest().await });
        }
    });
    let mut state = listener.state();
    for attempt in 1..=2 {
        let waits =
            |state: &ConnectionState| matches!(state, ConnectionState::Waiting { attempt: now, .. } if *now == attempt);
        wait_for(&mut state, MINUTE, waits).await;
        listener.retry_now();
    }
    assert!(tokio::time::timeout(MINUTE, listener.online()).await.is_ok());
    assert_eq!(connections.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn silent_server_counts_as_plain_in_2_min() {
    let (dial, mut room) = pipes();
    let mut config = config();
    config.resume = Resume::after(Position { stream: StreamId::new("k3f9").unwrap(), seq: 10 });
    let listener = Listener::builder(config).dial(dial).start();
    tokio::spawn(async move {
        loop {
            let mut peer = Peer::accept(&mut room, Side::Listen).await;
            tokio::spawn(async move { peer.hear_rest().await });
        }
    });
    assert!(tokio::time::timeout(2 * MINUTE, listener.online()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn end_of_the_replay_is_an_event() {
    let at = |seq| Position { stream: StreamId::new("k3f9").unwrap(), seq };
    let (dial, mut room) = pipes();
    let mut config = config();
    config.resume = Resume::Last(2);
    let mut listener = Listener::builder(config).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "k3f9", 4, 5).await;
    for seq in 4..=6 {
        peer.say_numbered(seq, "text").await;
    }
    let mut kinds = Vec::new();
    while kinds.len() < 5 {
        kinds.push(match listener.next().await.unwrap() {
            ListenerEvent::Joined(position) => ("joined", position),
            ListenerEvent::Message(message) => ("message", message.position.unwrap()),
            ListenerEvent::CaughtUp(position) => ("caught up", position),
            other => panic!("{other:?}"),
        });
    }
    let expected =
        [("joined", at(3)), ("message", at(4)), ("message", at(5)), ("caught up", at(5)), ("message", at(6))];
    assert_eq!(kinds, expected);
}

#[tokio::test(start_paused = true)]
async fn server_gap_has_cause_and_count() {
    let (dial, mut room) = pipes();
    let mut config = config();
    config.resume = Resume::after(Position { stream: StreamId::new("k3f9").unwrap(), seq: 10 });
    let mut listener = Listener::builder(config).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "k3f9", 16, 16).await;
    assert_eq!(next_gap(&mut listener).await, (Some(5), GapCause::ServerForgot));
    peer.say_numbered(16, "a").await;
    assert_eq!(next_text(&mut listener).await, "a");
    peer.say_numbered(19, "b").await;
    assert_eq!(next_gap(&mut listener).await, (Some(2), GapCause::HoleInNumbers));
    assert_eq!(next_text(&mut listener).await, "b");
    peer.say("\u{1}{\"expired\": 24}\n").await;
    assert_eq!(next_gap(&mut listener).await, (Some(5), GapCause::Expired));
    peer.say_numbered(25, "c").await;
    assert_eq!(next_text(&mut listener).await, "c");
    drop(peer);

    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "new", 1, 0).await;
    assert_eq!(next_gap(&mut listener).await, (None, GapCause::OtherStream));
    peer.say_numbered(1, "c").await;
    assert_eq!(next_text(&mut listener).await, "c");
    drop(peer);
    let request = Peer::accept(&mut room, Side::Listen).await.hear_request().await;
    assert_eq!(request["resume"], serde_json::json!({"stream": "new", "after": 1}));
}

#[tokio::test(start_paused = true)]
async fn slow_answer_keeps_the_position() {
    let (dial, mut room) = pipes();
    let mut config = config();
    config.resume = Resume::after(Position { stream: StreamId::new("k3f9").unwrap(), seq: 10 });
    let mut listener = Listener::builder(config).dial(dial).start();
    for _ in 0..2 {
        let mut peer = Peer::accept(&mut room, Side::Listen).await;
        peer.hear_request().await;
        peer.say("Bob: eleven\n").await;
        assert_eq!(peer.hear_rest().await, "", "the client gives the connection up");
    }
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "k3f9", 11, 11).await;
    peer.say_numbered(11, "eleven").await;
    assert_eq!(next_text(&mut listener).await, "eleven");
    listener.close().await;
}

#[tokio::test(start_paused = true)]
async fn silent_links_keep_the_position() {
    let (dial, mut room) = pipes();
    let mut config = config();
    config.resume = Resume::after(Position { stream: StreamId::new("k3f9").unwrap(), seq: 10 });
    let mut listener = Listener::builder(config).dial(dial).start();
    for _ in 0..10 {
        // A half-open link transmits nothing in either direction.
        let mut peer = Peer::accept(&mut room, Side::Listen).await;
        tokio::time::timeout(MINUTE, peer.hear_rest()).await.expect("the client gives the connection up");
    }
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    assert_eq!(request["resume"]["after"], 10);
    peer.answer(&request, "k3f9", 11, 11).await;
    peer.say_numbered(11, "eleven").await;
    assert_eq!(next_text(&mut listener).await, "eleven");
    listener.close().await;
}

#[tokio::test(start_paused = true)]
async fn early_ends_keep_the_position() {
    let (dial, mut room) = pipes();
    let mut config = config();
    config.resume = Resume::after(Position { stream: StreamId::new("k3f9").unwrap(), seq: 10 });
    let mut listener = Listener::builder(config).dial(dial).start();
    for _ in 0..10 {
        let mut peer = Peer::accept(&mut room, Side::Listen).await;
        peer.say("Bob: eleven\n").await;
    }
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    assert_eq!(request["resume"]["after"], 10);
    peer.answer(&request, "k3f9", 11, 11).await;
    peer.say_numbered(11, "eleven").await;
    assert_eq!(next_text(&mut listener).await, "eleven");
    listener.close().await;
}

#[tokio::test(start_paused = true)]
async fn shortened_log_is_a_gap() {
    let (dial, mut room) = pipes();
    let mut config = config();
    config.resume = Resume::after(Position { stream: StreamId::new("k3f9").unwrap(), seq: 2000 });
    let mut listener = Listener::builder(config).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "k3f9", 1051, 1050).await;
    assert_eq!(next_gap(&mut listener).await, (None, GapCause::OtherStream));
    drop(peer);
    let request = Peer::accept(&mut room, Side::Listen).await.hear_request().await;
    assert_eq!(request["resume"]["after"], 1050);
}

#[tokio::test(start_paused = true)]
async fn unanswering_server_counts_as_plain() {
    let (dial, mut room) = pipes();
    let mut config = config();
    config.resume = Resume::after(Position { stream: StreamId::new("k3f9").unwrap(), seq: 10 });
    let mut listener = Listener::builder(config).dial(dial).start();
    tokio::spawn(async move {
        let mut peers = Vec::new();
        loop {
            let mut peer = Peer::accept(&mut room, Side::Listen).await;
            peer.say("Bob: hello\n").await;
            peers.push(peer);
        }
    });
    assert_eq!(next_gap(&mut listener).await, (None, GapCause::Disconnected));
    assert_eq!(next_text(&mut listener).await, "hello");
    assert_eq!(*listener.numbered().borrow(), Some(false));
}

/// A server that reads its store for a while before it answers: what was asked for still comes first.
#[tokio::test(start_paused = true)]
async fn slow_answer_brings_the_past() {
    let (dial, mut room) = pipes();
    let mut config = config();
    config.resume = Resume::Last(3);
    let mut listener = Listener::builder(config).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(*listener.numbered().borrow(), None, "the server does not count as plain yet");
    peer.answer(&request, "k3f9", 7, 7).await;
    peer.say_numbered(7, "seven").await;
    assert_eq!(next_text(&mut listener).await, "seven");
    assert_eq!(*listener.numbered().borrow(), Some(true));
}

#[tokio::test(start_paused = true)]
async fn too_long_line_is_a_gap() {
    let (dial, mut room) = pipes();
    let mut listener = Listener::builder(config()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    peer.hear_request().await;
    let long = "x".repeat(60_000);
    let said = tokio::spawn(async move {
        peer.say(&format!("Bob: before\nBob: {long}{long}\nBob: {long}\nBob: after\n")).await;
        peer
    });
    assert_eq!(next_text(&mut listener).await, "before");
    assert_eq!(next_gap(&mut listener).await, (Some(1), GapCause::LineTooLong));
    assert_eq!(next_text(&mut listener).await.len(), 60_000);
    assert_eq!(next_text(&mut listener).await, "after");
    assert!(listener.state().borrow().is_online());
    drop(said.await.unwrap());
}
