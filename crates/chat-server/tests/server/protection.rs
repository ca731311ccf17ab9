//! What keeps clients from filling the disk: byte rates, the space of the store, and who may register.

use std::path::Path;

use serde_json::json;

use crate::binary::Program;
use crate::metrics::get;
use crate::peer::{CONFIRMED, GREETING, PROMPT, Peer, guarded};

const SCRAPED: [&str; 2] = ["--metrics", "127.0.0.1:0"];

fn metrics(program: &Program) -> std::net::SocketAddr {
    program.further.strip_prefix("metrics=").unwrap().parse().unwrap()
}

/// Registers an account with this line in place of the nickname.
async fn registered(program: &Program, line: &str) -> (Peer, String) {
    let mut peer = Peer::connect(program.write).await;
    peer.expect(GREETING).await;
    peer.send(format!("\n{line}\n")).await;
    peer.expect(PROMPT).await;
    let nickname = peer.record().await.nickname;
    peer.line().await;
    (peer, nickname)
}

async fn ready(program: &Program, status: u16, body: &str) {
    let port = metrics(program);
    let becomes = async { while get(port, "/readyz").await != (status, body.to_owned()) {} };
    guarded(body, becomes).await;
}

/// Writes a configuration, and starts a program with it.
fn start(dir: &Path, content: &str) -> Program {
    std::fs::write(dir.join("server.toml"), content).unwrap();
    let (config, store) = (dir.join("server.toml"), dir.join("store"));
    let options = ["--config", config.to_str().unwrap(), "--data-dir", store.to_str().unwrap()];
    Program::start(&[&SCRAPED[..], &options[..]].concat())
}

#[cfg(unix)]
#[tokio::test]
async fn too_little_space_declines_posts_only() {
    for limit in ["max-store = \"1K\"", "min-free = \"1000000T\""] {
        let dir = tempfile::tempdir().unwrap();
        let program = start(dir.path(), "");
        let (mut bob, _) = registered(&program, "Bob").await;
        assert_eq!(bob.post("1", "kept").await["ok"], json!("1"));
        std::fs::write(dir.path().join("server.toml"), limit).unwrap();
        program.signal("-HUP");
        ready(&program, 503, "too little space for the store\n").await;
        let answer = bob.post("2", "declined").await;
        assert_eq!((&answer["no"], &answer["code"]), (&json!("2"), &json!("storage")), "{answer}");
        assert!(answer["retry_after_ms"].as_u64().unwrap() >= 1_000, "{answer}");
        // Reading continues.
        let mut listener = Peer::connect(program.listen).await;
        listener.resume("{\"last\": 5}").await;
        assert_eq!(listener.numbered().await.text, "kept");
        // Nothing is confirmed or registered.
        let mut plain = Peer::connect(program.write).await;
        plain.send("\nAnn\n").await;
        plain.expect(format!("{GREETING}{PROMPT}")).await;
        plain.expect_end().await;
        std::fs::write(dir.path().join("server.toml"), "").unwrap();
        program.signal("-HUP");
        ready(&program, 200, "ready\n").await;
        assert_eq!(bob.post("2", "now").await["ok"], json!("2"));
        program.signal("-TERM");
        let (_, _, log) = program.end();
        assert!(log.contains("posts are declined") && log.contains("space for messages again"), "{log}");
    }
}

#[tokio::test]
async fn byte_rate_declines_or_delays_posts() {
    let program = Program::start(&["--memory", "--post-bytes", "1K:20K"]);
    let (mut bob, _) = registered(&program, "Bob").await;
    let text = "x".repeat(12_000);
    assert_eq!(bob.post("1", &text).await["ok"], json!("1"));
    let answer = bob.post("2", &text).await;
    assert_eq!(answer["code"], json!("rate"));
    assert!((1_000..8_000).contains(&answer["retry_after_ms"].as_u64().unwrap()), "{answer}");
    // A plain post is confirmed, and the next one is read later.
    let (mut ann, _) = registered(&program, "Ann").await;
    ann.send(format!("{}\n\n", "y".repeat(16_000))).await;
    ann.expect(CONFIRMED).await;
    program.signal("-TERM");
    let (_, _, log) = program.end();
    let line = log.lines().find(|line| line.contains("put off posts")).unwrap();
    assert!(line.contains("peer=127.0.0.1 account=\"") && line.contains("Bob\""), "{line}");
}

#[tokio::test]
async fn closed_room_registers_no_account() {
    let program = Program::start(&["--memory", "--registration", "closed"]);
    let mut bob = Peer::connect(program.write).await;
    bob.send("\nBob\n").await;
    bob.expect(format!("{GREETING}{PROMPT}null\n{PROMPT}")).await;
    program.signal("-TERM");
    let (_, _, log) = program.end();
    assert!(log.contains("refused registrations without an invitation count=1 peer=127.0.0.1"), "{log}");
}

#[tokio::test]
async fn invitation_code_precedes_the_nickname() {
    let dir = tempfile::tempdir().unwrap();
    let program = start(dir.path(), "registration = \"invite:k3f9-Wq\"\n");
    let mut bob = Peer::connect(program.write).await;
    bob.send("\nBob\n").await;
    bob.expect(format!("{GREETING}{PROMPT}null\n{PROMPT}")).await;
    // The same connection may try again.
    bob.send("k3f9-Wq Bob\n").await;
    let nickname = bob.record().await.nickname;
    assert!(nickname.ends_with(" Bob") && !nickname.contains("k3f9"), "{nickname}");
    let (_, nameless) = registered(&program, "k3f9-Wq").await;
    assert!(nameless.ends_with(" anonymous"), "{nameless}");
    program.signal("-TERM");
    let (_, _, log) = program.end();
    assert!(!log.contains("k3f9"), "{log}");
}

#[tokio::test]
async fn log_lines_name_the_peer() {
    let program = Program::start(&["--memory", "--max-connections", "1"]);
    let mut wrong = Peer::connect(program.write).await;
    wrong.send("not a token\n").await;
    wrong.expect(format!("{GREETING}null\n{PROMPT}")).await;
    Peer::connect(program.listen).await.expect_end().await;
    program.signal("-TERM");
    let (_, _, log) = program.end();
    for event in ["refused logins with an unknown token", "too many connections; closed new ones"] {
        assert!(log.contains(&format!("{event} count=1 peer=127.0.0.1")), "{log}");
    }
}
