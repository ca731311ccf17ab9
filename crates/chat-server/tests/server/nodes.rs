//! Several nodes of one room, over a log in memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chat_server::replication::{BatchLog, Generation, LogState, MemoryLog, PlacedBatch, SharedBatchLog};
use chat_server::{Readiness, Server, ServerHandle, SqliteProjection};
use serde_json::json;
use tempfile::TempDir;

use crate::peer::{CONFIRMED, GREETING, Peer, config, guarded, id_post};

/// A room on several nodes.
struct Nodes {
    log: MemoryLog,
    dirs: Vec<TempDir>,
}

impl Nodes {
    fn new(count: usize) -> Self {
        let dirs: Vec<_> = (0..count).map(|_| tempfile::tempdir().unwrap()).collect();
        SqliteProjection::create(dirs[0].path(), Generation::random()).unwrap();
        for dir in &dirs[1..] {
            std::fs::copy(dirs[0].path().join("room.db"), dir.path().join("room.db")).unwrap();
        }
        Self { log: MemoryLog::default(), dirs }
    }

    async fn start(&self, node: usize) -> ServerHandle {
        let store = SqliteProjection::open(self.dirs[node].path()).unwrap();
        Server::start_node(config(), store, self.log.clone()).await.unwrap()
    }
}

/// Waits for a readiness. It changes within about a second.
async fn reaches(server: &ServerHandle, wanted: Readiness) {
    let observer = server.observer();
    let reached = async {
        while observer.readiness() != wanted {
            tokio::task::yield_now().await;
        }
    };
    guarded(&format!("{wanted:?}"), reached).await;
}

#[tokio::test]
async fn nodes_show_the_same_room() {
    let nodes = Nodes::new(2);
    let (one, two) = (nodes.start(0).await, nodes.start(1).await);
    let mut listener = Peer::listening(&two).await;
    let (mut writer, record) = Peer::registered(&one, "Bob").await;
    let stored = writer.post("p1", "from one").await;
    listener.expect(format!("{}: from one\n", record.nickname)).await;
    // The token works at once at the other node, and the repetition is the same message.
    let mut moved = Peer::logged_in(&two, &record.token).await;
    assert_eq!(moved.post("p1", "from one").await, stored);
    let after = moved.post("p2", "from two").await;
    assert_eq!(after, json!({ "ok": "p2", "stream": stored["stream"], "seq": 2 }));
    // A listener that has seen it there goes on here without a gap.
    let request = format!("{{\"stream\": {}, \"after\": 1}}", stored["stream"]);
    let (mut resumed, answer) = Peer::resuming(&one, &request).await;
    assert_eq!(answer["from"], json!(2));
    assert_eq!(resumed.numbered().await.text, "from two");
    one.drain().await.unwrap();
    two.drain().await.unwrap();
}

#[tokio::test]
async fn names_that_look_alike_are_given_once() {
    let nodes = Nodes::new(2);
    let mut config = [config(), config()];
    // Both choose the same adjective.
    config.iter_mut().for_each(|config| config.seed = Some(7));
    let [first, second] = config;
    let one = Server::start_node(first, SqliteProjection::open(nodes.dirs[0].path()).unwrap(), nodes.log.clone());
    let two = Server::start_node(second, SqliteProjection::open(nodes.dirs[1].path()).unwrap(), nodes.log.clone());
    let (one, two) = (one.await.unwrap(), two.await.unwrap());
    let ((_, first), (_, second)) = tokio::join!(Peer::registered(&one, "Bob"), Peer::registered(&two, "Bob"));
    assert_ne!(first.nickname, second.nickname);
}

#[tokio::test]
async fn posts_are_declined_while_the_log_is_away() {
    let nodes = Nodes::new(1);
    let server = nodes.start(0).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    let first = writer.post("p1", "before").await;
    reaches(&server, Readiness::Ready).await;
    nodes.log.set_away(true);
    reaches(&server, Readiness::LogAway).await;
    let answer = writer.post("p2", "meanwhile").await;
    // Either at once, or after the log has had time to come back.
    assert_eq!((&answer["no"], &answer["code"]), (&json!("p2"), &json!("unavailable")));
    // Listeners are served.
    let (mut listener, _) = Peer::resuming(&server, "{\"last\": 1}").await;
    assert_eq!(listener.numbered().await.text, "before");
    // An unknown token may be known to another node, so nothing is said.
    let mut stranger = Peer::connect(server.write_addr()).await;
    stranger.send("9a08f44c-c541-41eb-8c47-0242ac110002\n").await;
    stranger.expect(GREETING).await;
    stranger.expect_end().await;
    // A plain post is not confirmed.
    let mut plain = Peer::logged_in(&server, &record.token).await;
    plain.send("plain\n\n").await;
    plain.expect_end().await;

    nodes.log.set_away(false);
    reaches(&server, Readiness::Ready).await;
    let mut writer = Peer::logged_in(&server, &record.token).await;
    assert_eq!(writer.post("p1", "before").await, first);
    assert_eq!(writer.post("p2", "meanwhile").await["seq"], json!(2));
    assert_eq!(listener.numbered().await.text, "meanwhile");
    server.drain().await.unwrap();
}

#[tokio::test]
async fn what_was_sent_to_the_log_is_not_declined() {
    let nodes = Nodes::new(1);
    let server = nodes.start(0).await;
    let (mut writer, _) = Peer::registered(&server, "Bob").await;
    reaches(&server, Readiness::Ready).await;
    // Lost by the log: the node sends it again when it can, and the writer gets its one answer.
    nodes.log.set_away(true);
    writer.send(id_post("p1", "sent into nothing")).await;
    reaches(&server, Readiness::LogAway).await;
    nodes.log.set_away(false);
    let answer = writer.answer().await;
    if answer["no"] == json!("p1") {
        // It was still queued when the log went away.
        assert_eq!(writer.post("p1", "sent into nothing").await["seq"], json!(1));
    } else {
        assert_eq!(answer["seq"], json!(1));
    }
    server.drain().await.unwrap();
}

type Waker = Arc<dyn Fn() + Send + Sync>;

/// A log that stores what it gets, and of which nothing can be read for a while.
#[derive(Clone, Default)]
struct HeldLog {
    log: MemoryLog,
    held: Arc<AtomicBool>,
    away: Arc<AtomicBool>,
    waker: Arc<Mutex<Option<Waker>>>,
}

impl HeldLog {
    fn set(&self, held: bool, away: bool) {
        self.held.store(held, Ordering::SeqCst);
        self.away.store(away, Ordering::SeqCst);
        let waker = self.waker.lock().unwrap().clone();
        waker.unwrap()();
    }
}

impl BatchLog for HeldLog {
    fn append(&mut self, batch: Bytes) {
        self.log.append(batch);
    }

    fn read(&mut self, after: u64) -> Vec<PlacedBatch> {
        if self.held.load(Ordering::SeqCst) { Vec::new() } else { self.log.read(after) }
    }

    fn change_copy(&mut self) {}
}

impl SharedBatchLog for HeldLog {
    fn set_waker(&mut self, wake: Waker) {
        *self.waker.lock().unwrap() = Some(Arc::clone(&wake));
        self.log.set_waker(wake);
    }

    fn state(&mut self) -> LogState {
        if self.away.load(Ordering::SeqCst) { LogState::Away { why: "it is held".into() } } else { self.log.state() }
    }
}

/// A post that is in the log is neither confirmed before the node has applied it, nor declined when the log goes away.
#[tokio::test]
async fn what_is_in_the_log_has_no_answer_until_it_is_applied() {
    let nodes = Nodes::new(1);
    let log = HeldLog::default();
    let store = SqliteProjection::open(nodes.dirs[0].path()).unwrap();
    let server = Server::start_node(config(), store, log.clone()).await.unwrap();
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    reaches(&server, Readiness::Ready).await;
    let before = log.log.len();
    log.set(true, false);
    writer.send(id_post("p1", "in the log")).await;
    let stored = async {
        while log.log.len() == before {
            tokio::task::yield_now().await;
        }
    };
    guarded("a stored batch", stored).await;
    log.set(true, true);
    reaches(&server, Readiness::LogAway).await;
    // What waits behind it is declined, on the same thread and later.
    let mut other = Peer::logged_in(&server, &record.token).await;
    assert_eq!(other.post("p2", "queued").await["code"], json!("unavailable"));
    assert!(writer.has_nothing(), "an answer before the post was applied");
    log.set(false, false);
    assert_eq!(writer.answer().await["ok"], json!("p1"));
    server.drain().await.unwrap();
}

#[tokio::test]
async fn a_node_that_was_away_gets_everything() {
    let nodes = Nodes::new(2);
    let one = nodes.start(0).await;
    let (mut writer, record) = Peer::registered(&one, "Bob").await;
    for number in 1..=1_000 {
        writer.send(id_post(&format!("p{number}"), &format!("text {number}"))).await;
    }
    for number in 1..=1_000 {
        assert_eq!(writer.answer().await["seq"], json!(number));
    }
    let two = nodes.start(1).await;
    reaches(&two, Readiness::Ready).await;
    let (mut listener, answer) = Peer::resuming(&two, "{\"last\": 3}").await;
    assert_eq!(answer["head"], json!(1_000));
    assert_eq!(listener.numbered().await.text, "text 998");
    let mut plain = Peer::logged_in(&two, &record.token).await;
    plain.send("plain\n\n").await;
    plain.expect(CONFIRMED).await;
    one.drain().await.unwrap();
    two.drain().await.unwrap();
    let hash = |dir: &TempDir| {
        use chat_server::replication::Projection as _;
        SqliteProjection::open(dir.path()).unwrap().content_hash().unwrap()
    };
    let applied = |dir: &TempDir| {
        use chat_server::replication::Projection as _;
        SqliteProjection::open(dir.path()).unwrap().applied()
    };
    // Both have applied the same, up to what each has read last.
    assert_eq!(applied(&nodes.dirs[0]).place.abs_diff(applied(&nodes.dirs[1]).place), 0);
    assert_eq!(hash(&nodes.dirs[0]), hash(&nodes.dirs[1]));
}
