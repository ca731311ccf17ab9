//! Listeners that resume while pages are read from a slow disk.

use super::*;

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
    /// Looking up a time waits too.
    for_times: bool,
}

impl Gate {
    fn wait(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
    }

    /// Waits until this many reads are at the gate.
    async fn is_reached_by(&self, reads: usize) {
        timeout(Duration::from_secs(60), async {
            while self.waiting.load(Ordering::SeqCst) < reads {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("all turns are taken");
    }
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
        self.gate.wait();
        self.inner.read(from, page)
    }

    fn first_after(&self, at: i64) -> Result<u64, JournalError> {
        if self.gate.for_times {
            self.gate.wait();
        }
        self.inner.first_after(at)
    }
}

/// Returns a room with 50 messages, most of them behind the gate.
fn room_behind(gate: &Arc<Gate>) -> (TestRoom, OpensGate) {
    let (given, opens) = (Arc::clone(gate), OpensGate(Arc::clone(gate)));
    let mut room = TestRoom::on(1, ServerConfig::default(), |inner| Gated { inner, gate: given });
    for number in 0..50 {
        room.post(&format!("message {number}"));
    }
    (room, opens)
}

/// A storm of connections that resume must not make others wait for the disk.
#[tokio::test]
async fn resumes_while_all_pages_are_being_read() {
    let gate = Arc::new(Gate::default());
    let (room, _opens) = room_behind(&gate);
    let mut storm = Vec::new();
    for _ in 0..1_000 {
        let (mut peer, session) = listen(&room, 4 * 1024);
        peer.write_all(b"\x01{\"resume\": {\"last\": 9999999}, \"nonce\": \"n\"}\n").await.unwrap();
        storm.push((peer, session));
    }
    gate.is_reached_by(READS_AT_ONCE).await;
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

/// A host that connects, requests and is gone again must not fill the room with sessions that wait for their turn.
#[tokio::test]
async fn listeners_that_are_gone_wait_for_no_turn() {
    let (pages, time) = ("{\"last\": 9999999}", "{\"after_time\": 0}");
    for (request, reads, more) in [(pages, READS_AT_ONCE, 0), (time, 1, 0), (pages, READS_AT_ONCE, 5_000)] {
        let gate = Arc::new(Gate { for_times: true, ..Gate::default() });
        let (room, _opens) = room_behind(&gate);
        let mut storm = Vec::new();
        for _ in 0..50 {
            let (mut peer, session) = listen(&room, 16 * 1024);
            let request = format!("\u{1}{{\"resume\": {request}, \"nonce\": \"n\"}}\n{}", "\n".repeat(more));
            peer.write_all(request.as_bytes()).await.unwrap();
            storm.push((peer, session));
        }
        gate.is_reached_by(reads).await;
        let sessions: Vec<_> = storm.into_iter().map(|(_, session)| session).collect();
        timeout(Duration::from_secs(60), async {
            while sessions.iter().filter(|session| !session.is_finished()).count() > reads {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("only those that read are left");
    }
}
