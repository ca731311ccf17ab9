//! The commands that make several nodes of a server and a server alone of a node, with real nats-server processes where a
//! log is needed.

use std::path::Path;

use serde_json::{Value, json};
use testkit::nats_servers::NatsServers;

use crate::binary::{Program, run};
use crate::peer::{CONFIRMED, GREETING, PROMPT, Peer, WELCOME, guarded};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Three nats-server, and a folder in which each node has its store.
struct Cluster {
    nats: NatsServers,
    folder: tempfile::TempDir,
}

impl Cluster {
    async fn start() -> Self {
        let program = NatsServers::program().unwrap();
        let nats = NatsServers::start(&program, 3).await.unwrap();
        Self { nats, folder: tempfile::tempdir().unwrap() }
    }

    /// A configuration file with the log and the store of a node.
    fn config(&self, node: &str) -> String {
        let path = self.folder.path().join(format!("{node}.toml"));
        let (servers, store) = (self.nats.addresses().join(","), self.folder.path().join(node));
        std::fs::write(&path, format!("nats = {servers:?}\nnats-log = \"test\"\ndata-dir = {store:?}\n")).unwrap();
        text(&path).to_owned()
    }

    fn serve(&self, node: &str) -> Program {
        Program::start(&["--config", &self.config(node)])
    }

    fn try_run(&self, node: &str, words: &[&str]) -> (Option<i32>, String, String) {
        run(&[&["cluster"], words, &["--config", &self.config(node)]].concat())
    }

    fn run(&self, node: &str, words: &[&str]) -> String {
        let (code, out, err) = self.try_run(node, words);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{words:?}: {out}");
        out
    }

    /// Runs a command that must fail, and returns its sentence.
    fn refused(&self, node: &str, words: &[&str]) -> String {
        let (code, out, err) = self.try_run(node, words);
        assert!(matches!(code, Some(1 | 2)) && out.is_empty() && err.lines().count() == 1, "{words:?}: {out}{err}");
        err
    }

    fn status(&self, node: &str) -> Value {
        let (_, out, err) = self.try_run(node, &["status", "--json"]);
        assert_eq!(err, "");
        serde_json::from_str(&out).unwrap()
    }

    fn backup(&self, node: &str) -> String {
        let file = self.folder.path().join("copy");
        let (code, _, err) = run(&["admin", "backup", text(&file), "--config", &self.config(node)]);
        assert_eq!((code, err.as_str()), (Some(0), ""));
        text(&file).to_owned()
    }

    fn check(&self, node: &str) -> String {
        let (code, out, _) = run(&["check", "--config", &self.config(node)]);
        assert_eq!(code, Some(0), "{out}");
        out
    }

    /// Waits until a node has applied what another one has stored.
    async fn reaches(&self, node: &str, newest: u64) {
        let caught_up = async {
            while self.status(node)["store"]["newest"] != json!(newest) {
                tokio::task::yield_now().await;
            }
        };
        guarded("a node that catches up", caught_up).await;
    }
}

async fn registered(program: &Program) -> (Peer, String) {
    let mut peer = Peer::connect(program.write).await;
    peer.send("\nBob\n").await;
    peer.expect(format!("{GREETING}{PROMPT}")).await;
    let token = peer.record().await.token;
    peer.expect(WELCOME).await;
    (peer, token)
}

async fn logged_in(program: &Program, token: &str) -> Peer {
    let mut peer = Peer::connect(program.write).await;
    peer.send(format!("{token}\n")).await;
    peer.expect(GREETING).await;
    peer.record().await;
    peer.expect(WELCOME).await;
    peer
}

async fn say(peer: &mut Peer, said: &str) {
    peer.send(format!("{said}\n\n")).await;
    peer.expect(CONFIRMED).await;
}

fn end(program: Program) {
    program.signal("-TERM");
    assert_eq!(program.end().0, Some(0));
}

#[tokio::test]
#[ignore = "needs nats-server: run by .ci/cluster"]
async fn from_a_server_to_three_nodes_and_back() {
    let cluster = Cluster::start().await;
    let store = cluster.folder.path().join("one");
    let alone = Program::start(&["--data-dir", text(&store)]);
    let (mut bob, token) = registered(&alone).await;
    say(&mut bob, "alone").await;
    assert!(cluster.refused("one", &["init"]).contains("is in use by another server"));
    drop(bob);
    end(alone);
    let before = cluster.check("one");

    assert_eq!(cluster.run("one", &["init"]), "the log test begins with 1 messages and 1 account\n");
    assert_eq!(cluster.run("one", &["init"]), "the log test begins with this store already\n");
    assert_eq!(cluster.check("one"), before);
    let one = cluster.serve("one");
    let mut bob = logged_in(&one, &token).await;
    say(&mut bob, "one node").await;
    let copy = cluster.backup("one");
    for node in ["two", "three"] {
        let joined = cluster.run(node, &["join", "--snapshot", &copy]);
        assert!(joined.starts_with("joined at place "), "{joined}");
    }
    assert!(cluster.refused("two", &["join", "--snapshot", &copy]).contains("--replace"));
    let (two, three) = (cluster.serve("two"), cluster.serve("three"));
    let mut moved = logged_in(&two, &token).await;
    say(&mut moved, "three nodes").await;
    cluster.reaches("three", 3).await;
    let status = cluster.status("three");
    assert_eq!((&status["problems"], status["store"]["behind"].is_u64()), (&json!([]), true), "{status}");
    assert_eq!(status["log"]["copies"].as_array().unwrap().len(), 3);
    let (code, out, err) = cluster.try_run("three", &["status"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("log test: generation ") && out.contains("\nstore: generation "), "{out}");
    assert!(cluster.refused("one", &["init"]).contains("in use"));

    // The node that stayed behind gets the rest from the log.
    end(three);
    say(&mut moved, "two nodes").await;
    drop((bob, moved));
    end(one);
    end(two);
    assert!(cluster.refused("three", &["init"]).contains("is one of a node already"));
    assert!(cluster.run("three", &["leave"]).contains("; the newest message is 4\n"));
    assert_eq!(cluster.run("three", &["leave"]), "the store is one of a server alone already\n");
    // Interrupted after the log was closed: the next run goes on.
    assert!(cluster.run("one", &["leave"]).contains("; the newest message is 4\n"));
    assert_eq!(cluster.check("one"), cluster.check("three"));
    let alone = Program::start(&["--data-dir", text(&cluster.folder.path().join("three"))]);
    let mut bob = logged_in(&alone, &token).await;
    say(&mut bob, "alone again").await;
    let stream = |checked: &str| checked.split_once(" stream=").unwrap().1.split(' ').next().unwrap().to_owned();
    assert_eq!(stream(&cluster.check("three")), stream(&before));
    assert!(cluster.status("two")["log"]["closed"] == json!(true));
    assert!(cluster.refused("two", &["reseed"]).contains("was closed"));
}

#[tokio::test]
#[ignore = "needs nats-server: run by .ci/cluster"]
async fn a_lost_log_is_begun_again_by_the_furthest_node() {
    let mut cluster = Cluster::start().await;
    cluster.run("one", &["init"]);
    let one = cluster.serve("one");
    let (mut bob, token) = registered(&one).await;
    say(&mut bob, "first").await;
    let copy = cluster.backup("one");
    cluster.run("two", &["join", "--snapshot", &copy]);
    say(&mut bob, "second").await;
    drop(bob);
    end(one);
    assert!(cluster.refused("one", &["reseed"]).contains("has everything that this store needs"));
    assert!(cluster.refused("two", &["reseed"]).contains("choose the node that is furthest"));
    let (code, out, _) =
        run(&["cluster", "leave", "--as-it-is", "--data-dir", text(&cluster.folder.path().join("none"))]);
    assert_eq!((code, out.as_str()), (Some(1), ""));

    // All of NATS is lost.
    cluster.nats = NatsServers::start(&NatsServers::program().unwrap(), 3).await.unwrap();
    let lost = cluster.status("one");
    assert_eq!(lost["log"], json!(null));
    assert!(lost["problems"][0].as_str().unwrap().starts_with("there is no log test in NATS"), "{lost}");
    assert_eq!(cluster.run("one", &["reseed"]), "the log test begins with 2 messages and 1 account\n");
    assert!(cluster.refused("two", &["reseed"]).contains("join with a copy of that one"));
    assert!(cluster.refused("two", &["join", "--replace", "--snapshot", &copy]).contains("of another log than test"));
    let one = cluster.serve("one");
    let copy = cluster.backup("one");
    assert!(cluster.run("two", &["join", "--replace", "--snapshot", &copy]).contains("; the room that was there is "));
    let two = cluster.serve("two");
    let mut moved = logged_in(&two, &token).await;
    say(&mut moved, "third").await;
    cluster.reaches("one", 3).await;
    assert_eq!(cluster.status("one")["store"]["stream"], lost["store"]["stream"]);
    drop(moved);
    end(one);
    end(two);
    let (code, out, err) =
        run(&["cluster", "leave", "--as-it-is", "--data-dir", text(&cluster.folder.path().join("two"))]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
}

#[test]
fn a_log_that_cannot_be_reached_is_named() {
    let dir = tempfile::tempdir().unwrap();
    // Closed again: nothing listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (nats, path) = (port.to_string(), text(dir.path()));
    for words in [&["init"][..], &["join", "--snapshot", "copy"], &["status"]] {
        let (code, out, err) = run(&[&["cluster"], words, &["--data-dir", path]].concat());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{words:?}");
        assert!(err.contains("--nats") && err.lines().count() == 1, "{err}");
    }
    let (code, out, err) = run(&["cluster", "init", "--nats", &nats, "--data-dir", path]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.starts_with("chat-server: no NATS server answers at ") && err.lines().count() == 1, "{err}");
    let (code, out, err) = run(&["cluster", "status", "--nats", &nats, "--data-dir", path]);
    assert_eq!((code, err.as_str()), (Some(1), ""));
    assert!(out.contains("problem: no NATS server answers at ") && out.contains("problem: the store "), "{out}");
    let (code, _, err) = run(&["cluster", "leave", "--nats", &nats, "--data-dir", path]);
    assert_eq!((code, err), (Some(0), String::new()), "init has only opened the store of a server alone");
}
