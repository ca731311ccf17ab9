//! A listener over an in-memory pipe under paused time: what depends on the clock, exactly.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{advance, sleep, timeout};

use super::*;
use crate::session::house::House;

/// A listener at the other end of a pipe that holds so many bytes.
fn listen(house: &House, pipe: usize) -> (DuplexStream, JoinHandle<Result<(), Gone>>) {
    let (ours, theirs) = duplex(pipe);
    let tide = house.shared.room.tide();
    let now = *tide.borrow();
    let mut session = ListenerSession::new(Arc::clone(&house.shared), theirs, now);
    (ours, tokio::spawn(async move { session.run(tide).await }))
}

/// One line. The guard is in paused time: it fires when nothing else can happen any more.
async fn line(peer: &mut DuplexStream) -> String {
    let line = async {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            line.push(peer.read_u8().await.unwrap());
        }
        String::from_utf8(line).unwrap()
    };
    timeout(Duration::from_secs(3600), line).await.expect("a line")
}

#[tokio::test(start_paused = true)]
async fn plain_lines_are_held_for_as_long_as_a_request_may_take() {
    let mut house = House::new(1 << 20);
    let (mut peer, _session) = listen(&house, 1024);
    tokio::task::yield_now().await;
    house.post("early");
    let before = Instant::now();
    assert!(timeout(LISTEN_HOLD - Duration::from_millis(1), line(&mut peer)).await.is_err());
    assert_eq!(line(&mut peer).await, "Keen Bob: early\n");
    assert_eq!(before.elapsed(), LISTEN_HOLD);
    // From here on nothing is held.
    house.post("at once");
    let before = Instant::now();
    assert_eq!(line(&mut peer).await, "Keen Bob: at once\n");
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_request_within_the_hold_is_answered_before_any_message() {
    let mut house = House::new(1 << 20);
    house.post("before");
    let (mut peer, _session) = listen(&house, 1024);
    house.post("meanwhile");
    sleep(LISTEN_HOLD / 2).await;
    peer.write_all(b"\x01{\"resume\": {\"last\": 2}, \"nonce\": \"n\"}\n").await.unwrap();
    let answer = line(&mut peer).await;
    assert!(answer.contains("\"from\": 1, \"head\": 2, \"nonce\": \"n\""), "{answer}");
    for (seq, text) in [(1, "before"), (2, "meanwhile")] {
        let message = line(&mut peer).await;
        assert!(message.starts_with(&format!("\u{1}{{\"seq\": {seq}, ")) && message.contains(text), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_takes_nothing_is_closed_after_the_limit_and_not_before() {
    let mut house = House::new(256);
    let (mut peer, session) = listen(&house, 16);
    tokio::task::yield_now().await;
    advance(LISTEN_HOLD).await;
    for number in 0..50 {
        house.post(&format!("message {number}"));
    }
    // One byte now and then keeps it: the peer is slow, not gone.
    let limit = house.shared.config.limits.stall;
    for _ in 0..5 {
        sleep(limit - Duration::from_secs(1)).await;
        peer.read_u8().await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(!session.is_finished());
    let before = Instant::now();
    assert!(matches!(session.await.unwrap(), Err(Gone::Stalled)));
    assert_eq!(before.elapsed(), limit);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_fell_out_of_the_ring_reads_on_from_the_journal() {
    let mut house = House::new(1);
    let (mut peer, _session) = listen(&house, 7);
    for number in 0..300 {
        house.post(&format!("message {number}"));
    }
    for number in 0..300 {
        assert_eq!(line(&mut peer).await, format!("Keen Bob: message {number}\n"));
        if number == 150 {
            house.post("last");
        }
    }
    assert_eq!(line(&mut peer).await, "Keen Bob: last\n");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_goes_is_noticed_without_a_message() {
    let house = House::new(1);
    let (peer, session) = listen(&house, 64);
    sleep(Duration::from_secs(3600)).await;
    assert!(!session.is_finished());
    drop(peer);
    assert!(matches!(session.await.unwrap(), Err(Gone::Ended)));
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_and_does_not_listen_is_read_no_further() {
    let house = House::new(1);
    let (mut peer, _session) = listen(&house, 64);
    let asking = async {
        loop {
            peer.write_all(b"\x01{\"ping\": 1}\n").await.unwrap();
        }
    };
    assert!(timeout(Duration::from_secs(1), asking).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn when_the_room_closes_everybody_gets_what_is_left_and_the_end() {
    let mut house = House::new(1 << 20);
    let (mut fresh, one) = listen(&house, 1024);
    let (mut numbered, two) = listen(&house, 1024);
    numbered.write_all(b"\x01{\"resume\": {\"last\": 0}, \"nonce\": \"n\"}\n").await.unwrap();
    line(&mut numbered).await;
    house.post("last");
    house.shared.room.close();
    let (mut all, mut text) = (String::new(), String::new());
    fresh.read_to_string(&mut all).await.unwrap();
    assert_eq!(all, "Keen Bob: last\n");
    numbered.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("last"));
    assert!(one.await.unwrap().is_ok() && two.await.unwrap().is_ok());
}
