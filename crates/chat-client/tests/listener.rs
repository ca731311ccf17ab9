//! The listener over in-memory pipes under paused time.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use chat_client::testing::pipes;
use chat_client::{ConnectError, ConnectionState, Listener, ListenerEvent, Side};
use tokio::time::Instant;

use support::{Peer, config, next_text, wait_for};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn final_cause_is_the_last_event() {
    let (dial, mut room) = pipes();
    let mut listener = Listener::builder(config()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    peer.say(support::GREETING).await;
    let Some(ListenerEvent::Closed(cause)) = listener.next().await else { panic!("the cause") };
    assert!(matches!(*cause, ConnectError::Protocol(_)), "{cause}");
    assert_eq!(listener.next().await, None);
    assert!(listener.closed().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn notices_a_half_open_link_within_15_s() {
    let (dial, mut room) = pipes();
    let listener = Listener::builder(config()).dial(dial).start();
    let mut state = listener.state();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "k3f9", 1, 0).await;
    wait_for(&mut state, MINUTE, ConnectionState::is_online).await;
    let silent_since = Instant::now();
    let waiting = wait_for(&mut state, MINUTE, |state| matches!(state, ConnectionState::Waiting { .. })).await;
    assert!(silent_since.elapsed() <= Duration::from_secs(15), "{:?}", silent_since.elapsed());
    assert!(matches!(waiting.cause(), Some(ConnectError::Interrupted(_))), "{waiting:?}");
}

#[tokio::test(start_paused = true)]
async fn backs_off_and_retries_on_request() {
    let (dial, room) = pipes();
    drop(room);
    let listener = Listener::builder(config()).dial(dial).start();
    let mut state = listener.state();
    let mut waits = Vec::new();
    for attempt in 1..=40 {
        let waiting = wait_for(
            &mut state,
            MINUTE,
            |state| matches!(state, ConnectionState::Waiting { attempt: now, .. } if *now == attempt),
        );
        let ConnectionState::Waiting { retry_at, cause, .. } = waiting.await else { unreachable!() };
        assert!(matches!(*cause, ConnectError::Connect { .. }));
        waits.push(retry_at - Instant::now());
    }
    for (n, wait) in waits.iter().enumerate() {
        let bound = Duration::from_millis(500) * 2u32.saturating_pow(n as u32);
        assert!(*wait <= bound.min(Duration::from_secs(30)));
    }
    assert!(waits.iter().max().unwrap() > &Duration::from_secs(25));
    let before = Instant::now();
    listener.retry_now();
    wait_for(&mut state, MINUTE, |state| matches!(state, ConnectionState::Waiting { attempt: 41, .. })).await;
    assert_eq!(Instant::now(), before);
    listener.close().await;
    assert!(matches!(*state.borrow(), ConnectionState::Closed { cause: None }));
}

#[tokio::test(start_paused = true)]
async fn gives_up_after_attempts_or_time() {
    for by_time in [false, true] {
        let (dial, room) = pipes();
        drop(room);
        let mut config = config();
        if by_time {
            config.retry.max_time = Some(Duration::from_secs(20));
        } else {
            config.retry.max_attempts = Some(3);
        }
        let began = Instant::now();
        let mut listener = Listener::builder(config).dial(dial).start();
        assert!(matches!(listener.next().await, Some(ListenerEvent::Closed(_))));
        assert_eq!(listener.next().await, None);
        assert!(matches!(*listener.state().borrow(), ConnectionState::Closed { cause: Some(_) }));
        if by_time {
            assert_eq!(began.elapsed(), Duration::from_secs(20));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn resets_failures_after_a_stable_link() {
    let (dial, mut room) = pipes();
    let listener = Listener::builder(config()).dial(dial).start();
    let mut state = listener.state();
    for (held, attempt) in [(1, 1), (1, 2), (31, 1), (2, 2)] {
        let mut peer = Peer::accept(&mut room, Side::Listen).await;
        let request = peer.hear_request().await;
        peer.answer(&request, "k3f9", 1, 0).await;
        wait_for(&mut state, MINUTE, ConnectionState::is_online).await;
        let until = Instant::now() + Duration::from_secs(held);
        let mut n = 0;
        while Instant::now() < until {
            n += 1;
            peer.say(&format!("\u{1}{{\"pong\": {n}}}\n")).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        drop(peer);
        let waiting = wait_for(&mut state, MINUTE, |state| !state.is_online()).await;
        assert!(matches!(waiting, ConnectionState::Waiting { attempt: now, .. } if now == attempt), "{waiting:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn endless_line_is_final_and_bounded() {
    let (dial, mut room) = pipes();
    let mut listener = Listener::builder(config()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    tokio::spawn(async move {
        loop {
            peer.say(&"x".repeat(1000)).await;
        }
    });
    assert!(matches!(listener.next().await, Some(ListenerEvent::Closed(_))));
    assert!(matches!(listener.state().borrow().cause(), Some(ConnectError::Codec(_))));
}

#[tokio::test(start_paused = true)]
async fn slow_consumer_loses_nothing() {
    let (dial, mut room) = pipes();
    let mut listener = Listener::builder(config()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "k3f9", 1, 0).await;
    let sender = tokio::spawn(async move {
        for seq in 1..=20_000 {
            peer.say_numbered(seq, "x").await;
        }
        peer
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!sender.is_finished(), "it notices that the consumer does not read");
    let (mut events, mut batches) = (Vec::new(), 0);
    while events.len() < 20_002 {
        assert_ne!(listener.next_batch(&mut events).await, 0);
        batches += 1;
    }
    assert!(batches < 1000, "{batches}");
    events.retain(|event| !matches!(event, ListenerEvent::Joined(_) | ListenerEvent::CaughtUp(_)));
    let seqs = events.iter().map(|event| match event {
        ListenerEvent::Message(message) => message.position.as_ref().unwrap().seq,
        other => panic!("{other:?}"),
    });
    assert!(seqs.eq(1..=20_000));
}

#[tokio::test(start_paused = true)]
async fn batches_are_bounded_by_bytes() {
    let (dial, mut room) = pipes();
    let mut listener = Listener::builder(config()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    peer.hear_request().await;
    // Held back until the server is known to be plain, they are all sent at once.
    for _ in 0..60 {
        peer.say(&format!("Bob: {}\n", "x".repeat(16_000))).await;
    }
    let mut heard = 0;
    while heard < 60 {
        let mut events = Vec::new();
        assert_ne!(listener.next_batch(&mut events).await, 0);
        assert!(events.len() <= 17, "{} messages of 16 kB in one batch", events.len());
        heard += events.len();
    }
    listener.close().await;
}

#[tokio::test(start_paused = true)]
async fn counters_follow_the_room() {
    let room = chat_client::testing::Room::plain();
    let mut listener = Listener::builder(config()).dial(room.dial()).start();
    let writer = chat_client::Writer::builder(config()).token(room.token()).dial(room.dial()).start();
    listener.online().await.unwrap();
    writer.post(support::text("one")).await.unwrap();
    assert_eq!(next_text(&mut listener).await, "one");
    room.cut();
    wait_for(&mut listener.state(), MINUTE, |state| !state.is_online()).await;
    listener.online().await.unwrap();
    writer.post(support::text("two")).await.unwrap();
    while !matches!(listener.next().await, Some(ListenerEvent::Message(_))) {}
    let heard = listener.counters();
    assert_eq!((heard.connections, heard.messages, heard.gaps), (2, 2, 1), "{heard:?}");
    assert!(heard.attempts >= 2);
    let sent = writer.counters();
    assert_eq!((sent.connections, sent.confirmed, sent.unconfirmed), (2, 2, 0), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn reports_removed_messages() {
    let (dial, mut room) = pipes();
    let mut listener = Listener::builder(config()).dial(dial).start();
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    let request = peer.hear_request().await;
    peer.answer(&request, "k3f9", 8, 9).await;
    peer.say_numbered(8, "eight").await;
    peer.say("\u{1}{\"removed\": 8, \"at\": 5, \"by\": \"root\", \"reason\": \"spam\"}\n").await;
    peer.say("\u{1}{\"removed\": 9, \"at\": 6}\n").await;
    let mut seen = Vec::new();
    while seen.len() < 4 {
        seen.push(match listener.next().await.unwrap() {
            ListenerEvent::Message(message) => message.text.to_string(),
            ListenerEvent::Removed(removed) => format!("{} {:?}", removed.position.seq, removed.in_place),
            ListenerEvent::CaughtUp(position) => format!("caught up {}", position.seq),
            ListenerEvent::Joined(_) => continue,
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(seen, ["eight", "8 false", "9 true", "caught up 9"]);
    drop(peer);
    // The tombstone was received, so the next connection continues after it.
    let mut peer = Peer::accept(&mut room, Side::Listen).await;
    assert_eq!(peer.hear_request().await["resume"]["after"], 9);
}
