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

/// A journal whose pages are read only once the gate opens, as from a slow disk.
struct Gated {
    inner: MemoryJournal,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    waiting: AtomicUsize,
}

/// Opens the gate at the end of a test, however it ends: the runtime waits for its blocking threads.
struct OpensGate(Arc<Gate>);

impl Drop for OpensGate {
    fn drop(&mut self) {
        *self.0.open.lock().unwrap() = true;
        self.0.opened.notify_all();
    }
}

struct GatedReader {
    inner: Arc<dyn JournalReader>,
    gate: Arc<Gate>,
}

impl Journal for Gated {
    fn streams(&self) -> &[LogStream] {
        self.inner.streams()
    }

    fn head(&self) -> u64 {
        self.inner.head()
    }

    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
        self.inner.accounts()
    }

    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
        self.inner.append(drafts)
    }

    fn probe(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        Arc::new(GatedReader { inner: self.inner.reader(), gate: Arc::clone(&self.gate) })
    }
}

impl JournalReader for GatedReader {
    fn oldest(&self) -> u64 {
        self.inner.oldest()
    }

    fn read(&self, from: u64, page: ReadLimit) -> Result<Vec<LogEntry>, JournalError> {
        self.gate.waiting.fetch_add(1, Ordering::SeqCst);
        let open = self.gate.open.lock().unwrap();
        drop(self.gate.opened.wait_while(open, |open| !*open).unwrap());
        self.inner.read(from, page)
    }

    fn first_after(&self, at: i64) -> Result<u64, JournalError> {
        self.inner.first_after(at)
    }
}

/// A storm of connections that resume must not make others wait for the disk.
#[tokio::test]
async fn resumes_while_all_pages_are_being_read() {
    let gate = Arc::new(Gate::default());
    let (given, _opens) = (Arc::clone(&gate), OpensGate(Arc::clone(&gate)));
    let mut room = TestRoom::on(1, ServerConfig::default(), |inner| Gated { inner, gate: given });
    for number in 0..50 {
        room.post(&format!("message {number}"));
    }
    let mut storm = Vec::new();
    for _ in 0..1_000 {
        let (mut peer, session) = listen(&room, 4 * 1024);
        peer.write_all(b"\x01{\"resume\": {\"last\": 9999999}, \"nonce\": \"n\"}\n").await.unwrap();
        storm.push((peer, session));
    }
    timeout(Duration::from_secs(60), async {
        while gate.waiting.load(Ordering::SeqCst) < READS_AT_ONCE {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("all turns are taken");
    let stream = room.context.stream().unwrap().clone();
    for request in [
        "{\"last\": 3}".to_owned(),
        format!("{{\"stream\": \"{stream}\", \"after\": 47}}"),
        "{\"after_time\": 0}".to_owned(),
    ] {
        let (mut peer, _session) = listen(&room, 4 * 1024);
        peer.write_all(format!("\u{1}{{\"resume\": {request}, \"nonce\": \"n\"}}\n").as_bytes()).await.unwrap();
        let answer = timeout(Duration::from_secs(60), line(&mut peer)).await.expect("an answer without the disk");
        assert!(answer.contains("\"head\": 50"), "{answer}");
    }
}

/// Removes messages as the journal thread does.
fn remove(room: &mut TestRoom, seqs: &[u64]) {
    let action = OperatorAction::Remove { seqs: seqs.to_vec() };
    room.act(ActionDraft { actor: Nickname::new("root").unwrap(), reason: None, action });
}

#[tokio::test(start_paused = true)]
async fn a_removed_text_does_not_reach_those_behind() {
    for numbered in [false, true] {
        let mut room = TestRoom::new(1 << 20);
        let (mut peer, _session) = listen(&room, 40);
        if numbered {
            peer.write_all(b"\x01{\"resume\": {\"last\": 0}, \"nonce\": \"n\"}\n").await.unwrap();
            line(&mut peer).await;
        }
        for number in 1..=9 {
            room.post(&format!("message {number}"));
        }
        // The pipe holds the first line in part.
        sleep(Duration::from_secs(1)).await;
        remove(&mut room, &[3, 4, 9]);
        let mut seen = Vec::new();
        for _ in 0..if numbered { 9 } else { 6 } {
            seen.push(line(&mut peer).await);
        }
        for (index, seq) in [1, 2, 5, 6, 7, 8].into_iter().enumerate() {
            if numbered {
                assert!(seen.iter().any(|line| line.contains(&format!("\"seq\": {seq}, "))), "{seen:?}");
            } else {
                assert_eq!(seen[index], format!("Keen Bob: message {seq}\n"));
            }
        }
        for seq in [3, 4, 9].into_iter().filter(|_| numbered) {
            assert!(seen[seq - 1].starts_with(&format!("\u{1}{{\"removed\": {seq}, ")), "{seen:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_torn_line_of_a_removed_text_ends_the_connection() {
    let mut room = TestRoom::new(1 << 20);
    let (peer, session) = listen(&room, 20);
    tokio::task::yield_now().await;
    room.post("a text that is longer than the pipe");
    room.post("another one of the same length, say");
    sleep(Duration::from_secs(1)).await;
    remove(&mut room, &[1]);
    let mut peer = peer;
    let mut rest = String::new();
    peer.read_to_string(&mut rest).await.unwrap();
    assert!("Keen Bob: a text that is longer than the pipe".starts_with(&rest), "{rest}");
    assert!(matches!(session.await.unwrap(), Err(ListenerExit::TornLine)));
}

/// The rule that leaves the newest message only.
const NEWEST: Retention = Retention::everything().with_bytes(Some(1));

#[tokio::test(start_paused = true)]
async fn those_behind_are_told_what_has_expired() {
    for numbered in [false, true] {
        // The shared log has the newest message only.
        let mut room = TestRoom::new(1);
        let mut example = bytes::BytesMut::new();
        let text = chat_proto::Text::new("message 1").unwrap();
        match numbered {
            true => chat_proto::encode_numbered(&mut example, 1, 1_700_000_000_000, "Keen Bob", &text),
            false => chat_proto::encode_plain(&mut example, "Keen Bob", &text),
        }
        // Two lines fit into the pipe, so that none is sent in part.
        let (mut peer, _session) = listen(&room, 2 * example.len());
        if numbered {
            peer.write_all(b"\x01{\"resume\": {\"last\": 0}, \"nonce\": \"n\"}\n").await.unwrap();
            line(&mut peer).await;
        }
        for number in 1..=9 {
            room.post(&format!("message {number}"));
        }
        sleep(Duration::from_secs(1)).await;
        assert_eq!(room.expire(&NEWEST), 8);
        for seq in [1, 2] {
            let line = line(&mut peer).await;
            assert!(line.contains(&format!("message {seq}")), "{line}");
        }
        if numbered {
            assert_eq!(line(&mut peer).await, "\u{1}{\"expired\": 8}\n");
        }
        assert!(line(&mut peer).await.contains("message 9"));
    }
}

#[tokio::test(start_paused = true)]
async fn resume_says_what_has_expired() {
    let mut room = TestRoom::new(1 << 20);
    for number in 1..=9 {
        room.post(&format!("message {number}"));
    }
    room.expire(&NEWEST);
    let stream = room.context.stream().unwrap().clone();
    for (request, expired) in [
        (format!("{{\"stream\": \"{stream}\", \"after\": 2}}"), Some(8)),
        (format!("{{\"stream\": \"{stream}\", \"after\": 7}}"), Some(8)),
        (format!("{{\"stream\": \"{stream}\", \"after\": 8}}"), None),
        ("{\"stream\": \"other\", \"after\": 2}".to_owned(), None),
        ("{\"last\": 5}".to_owned(), None),
        ("{\"after_time\": 0}".to_owned(), None),
    ] {
        let (mut peer, _session) = listen(&room, 4 * 1024);
        peer.write_all(format!("\u{1}{{\"resume\": {request}, \"nonce\": \"n\"}}\n").as_bytes()).await.unwrap();
        let answer = line(&mut peer).await;
        assert!(answer.contains("\"from\": 9, \"head\": 9"), "{answer}");
        let said = answer.contains("\"expired\": 8, \"nonce\"");
        assert_eq!((said, answer.contains("expired")), (expired.is_some(), expired.is_some()), "{request}: {answer}");
    }
}
