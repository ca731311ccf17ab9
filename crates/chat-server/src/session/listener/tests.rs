//! Tests of a listener over an in-memory pipe with paused time: everything that depends on the clock.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use chat_proto::Nickname;

use super::exit::ListenerExit;
use super::task::ListenerSession;
use crate::action::{ActionDraft, OperatorAction};
use crate::config::ServerConfig;
use crate::entry::{AccountRecord, Appended, Draft, LogEntry, LogStream};
use crate::error::JournalError;
use crate::journal::{Journal, JournalReader, MemoryJournal, ReadLimit};
use crate::limits::READS_AT_ONCE;
use crate::retention::Retention;
use crate::session::test_room::TestRoom;

mod removed;
mod slow_disk;

/// Starts a listener with a pipe of this capacity, in bytes.
fn listen(room: &TestRoom, pipe: usize) -> (DuplexStream, JoinHandle<Result<(), ListenerExit>>) {
    let (ours, theirs) = duplex(pipe);
    (ours, serve(room, theirs))
}

fn serve<IO>(room: &TestRoom, theirs: IO) -> JoinHandle<Result<(), ListenerExit>>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut session = ListenerSession::new(Arc::clone(&room.context), Ipv4Addr::LOCALHOST.into(), theirs);
    tokio::spawn(async move { session.run().await.map(|_| ()) })
}

/// Reads one line. In paused time, the guard fires only when no other task can make progress.
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
async fn sends_plain_lines_at_once() {
    let mut room = TestRoom::new(1 << 20);
    // A reader that opens a new connection for each line would lose what is held for it.
    for number in 0..5 {
        let (mut peer, _session) = listen(&room, 1024);
        let before = Instant::now();
        room.post(&format!("message {number}"));
        assert_eq!(line(&mut peer).await, format!("Keen Bob: message {number}\n"));
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_what_was_sent_plain_again() {
    let mut room = TestRoom::new(1 << 20);
    room.post("before");
    let (mut peer, _session) = listen(&room, 1024);
    room.post("meanwhile");
    assert_eq!(line(&mut peer).await, "Keen Bob: meanwhile\n");
    peer.write_all(b"\x01{\"resume\": {\"last\": 2}, \"nonce\": \"n\"}\n").await.unwrap();
    let answer = line(&mut peer).await;
    assert!(answer.contains("\"from\": 1, \"head\": 2, \"plain\": [2, 2], \"nonce\": \"n\""), "{answer}");
    for (seq, text) in [(1, "before"), (2, "meanwhile")] {
        let message = line(&mut peer).await;
        assert!(message.starts_with(&format!("\u{1}{{\"seq\": {seq}, ")) && message.contains(text), "{message}");
    }
}

/// Returns a room with far more for a listener than its pipe can buffer, and a listener that receives it.
async fn behind(pipe: usize) -> (TestRoom, DuplexStream, JoinHandle<Result<(), ListenerExit>>) {
    let mut room = TestRoom::new(256);
    let (peer, session) = listen(&room, pipe);
    tokio::task::yield_now().await;
    for _ in 0..1_000 {
        room.post(&"x".repeat(1_000));
    }
    (room, peer, session)
}

#[tokio::test(start_paused = true)]
async fn closes_a_listener_that_takes_nothing() {
    let (room, _peer, session) = behind(64).await;
    let before = Instant::now();
    assert!(matches!(session.await.unwrap(), Err(ListenerExit::Stalled)));
    assert_eq!(before.elapsed(), room.context.limits.load().stall);
}

#[tokio::test(start_paused = true)]
async fn closes_a_listener_below_the_rate() {
    let (_room, mut peer, session) = behind(64 * 1024).await;
    let mut taken = vec![0; 20_000];
    // Any amount at once, but on average less than 1 KB per second.
    let taking = async {
        loop {
            sleep(Duration::from_secs(20)).await;
            peer.read_exact(&mut taken).await.unwrap();
        }
    };
    tokio::select! {
        exit = session => assert!(matches!(exit.unwrap(), Err(ListenerExit::Stalled))),
        () = taking => {}
        () = sleep(Duration::from_secs(600)) => panic!("it is still served"),
    }
}

#[tokio::test(start_paused = true)]
async fn keeps_a_slow_listener() {
    let (_room, mut peer, session) = behind(64).await;
    let mut taken = vec![0; 1_100];
    for _ in 0..300 {
        sleep(Duration::from_secs(1)).await;
        peer.read_exact(&mut taken).await.unwrap();
    }
    assert!(!session.is_finished());
}

#[tokio::test(start_paused = true)]
async fn fetches_nothing_while_the_pipe_is_full() {
    let (room, mut peer, _session) = behind(64).await;
    sleep(Duration::from_secs(1)).await;
    let before = room.context.meters.pages.read();
    assert!(before > 0, "it reads from the journal");
    for _ in 0..100 {
        peer.write_all(b"not a request\n").await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(room.context.meters.pages.read(), before);
    assert_eq!(line(&mut peer).await, format!("Keen Bob: {}\n", "x".repeat(1_000)));
}

#[tokio::test(start_paused = true)]
async fn an_evicted_listener_reads_the_journal() {
    let mut room = TestRoom::new(1);
    let (mut peer, _session) = listen(&room, 7);
    for number in 0..300 {
        room.post(&format!("message {number}"));
    }
    for number in 0..300 {
        assert_eq!(line(&mut peer).await, format!("Keen Bob: message {number}\n"));
        if number == 150 {
            room.post("last");
        }
    }
    assert_eq!(line(&mut peer).await, "Keen Bob: last\n");
}

#[tokio::test(start_paused = true)]
async fn notices_a_disconnect_without_a_message() {
    let room = TestRoom::new(1);
    let (peer, session) = listen(&room, 64);
    sleep(Duration::from_secs(3600)).await;
    assert!(!session.is_finished());
    drop(peer);
    assert!(matches!(session.await.unwrap(), Err(ListenerExit::Ended)));
}

#[tokio::test(start_paused = true)]
async fn stops_reading_a_peer_with_full_replies() {
    let room = TestRoom::new(1);
    let (mut peer, _session) = listen(&room, 64);
    let asking = async {
        loop {
            peer.write_all(b"\x01{\"ping\": 1}\n").await.unwrap();
        }
    };
    assert!(timeout(Duration::from_secs(1), asking).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn close_sends_the_rest_and_the_end() {
    let mut room = TestRoom::new(1 << 20);
    let (mut fresh, one) = listen(&room, 1024);
    let (mut numbered, two) = listen(&room, 1024);
    numbered.write_all(b"\x01{\"resume\": {\"last\": 0}, \"nonce\": \"n\"}\n").await.unwrap();
    line(&mut numbered).await;
    room.post("last");
    room.context.log.close();
    let (mut all, mut text) = (String::new(), String::new());
    fresh.read_to_string(&mut all).await.unwrap();
    assert_eq!(all, "Keen Bob: last\n");
    numbered.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("last"));
    assert!(one.await.unwrap().is_ok() && two.await.unwrap().is_ok());
}

/// A TLS stream accepts 64 KiB that the peer has not read.
#[tokio::test(start_paused = true)]
async fn closes_a_stalled_buffer_in_a_quiet_room() {
    let mut room = TestRoom::new(1 << 20);
    let (_peer, theirs) = duplex(16);
    let session = serve(&room, BufStream::with_capacity(1024, 64 * 1024, theirs));
    tokio::task::yield_now().await;
    room.post(&"x".repeat(1_000));
    let exit = timeout(Duration::from_secs(3600), session).await.expect("it is still served").unwrap();
    assert!(matches!(exit, Err(ListenerExit::Stalled)));
}
