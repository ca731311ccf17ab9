//! The program behind a balancer that sends PROXY headers.

use serde_json::json;

use crate::binary::Program;
use crate::metrics::get;
use crate::peer::{GREETING, PROMPT, Peer};

const BEHIND: [&str; 6] =
    ["--memory", "--proxy-from", "127.0.0.0/8,::1", "--max-connections-per-address", "1", "--max-connections=100"];

/// Connects as a balancer does for a client.
async fn connect(port: std::net::SocketAddr, client: &str) -> Peer {
    let mut peer = Peer::connect(port).await;
    peer.send(format!("PROXY TCP4 {client} 127.0.0.1 50000 5000\r\n")).await;
    peer
}

#[tokio::test]
async fn limits_and_log_use_the_real_address() {
    let program = Program::start(&BEHIND);
    let mut first = connect(program.write, "192.0.2.1").await;
    first.expect(GREETING).await;
    connect(program.write, "192.0.2.1").await.expect_end().await;
    // What follows the header in the same segment belongs to the connection. The port for listeners reads it too.
    let mut second = Peer::connect(program.write).await;
    second.send("PROXY TCP4 192.0.2.2 127.0.0.1 50000 5050\r\nno token\n").await;
    second.expect(format!("{GREETING}null\n{PROMPT}")).await;
    let mut listener = Peer::connect(program.listen).await;
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend([192, 0, 2, 3, 127, 0, 0, 1, 0, 1, 0, 2]);
    listener.send(header).await;
    let mut listener = listener.seated().await;
    first.send("\nBob\n").await;
    first.expect(PROMPT).await;
    first.record().await;
    first.line().await;
    assert_eq!(first.post("1", "hello").await["ok"], json!("1"));
    assert!(listener.line().await.ends_with(": hello\n"));
    program.signal("-TERM");
    drop(second);
    first.expect_end().await;
    drop((first, listener));
    let (_, _, log) = program.end();
    assert!(log.contains("too many connections; closed new ones count=1 peer=192.0.2.1"), "{log}");
    assert!(log.contains("an unknown token count=1 peer=192.0.2.2"), "{log}");
}

#[tokio::test]
async fn health_checks_and_other_peers_cost_nothing() {
    let program = Program::start(&[&BEHIND[..], &["--metrics", "127.0.0.1:0"]].concat());
    for _ in 0..20 {
        Peer::connect(program.write).await.end().await;
        // A balancer that checks for itself is a client with its own address.
        let mut own = Peer::connect(program.write).await;
        own.send("PROXY UNKNOWN\r\n").await;
        own.expect(GREETING).await;
    }
    let mut without = Peer::connect(program.write).await;
    without.send_lossy("no header, but a long line\n").await;
    without.everything().await;
    let figures = get(program.further.strip_prefix("metrics=").unwrap().parse().unwrap(), "/metrics").await.1;
    assert!(figures.contains("minechat_connections_accepted_total{port=\"write\"} 20\n"), "{figures}");
    program.signal("-TERM");
    let (_, _, log) = program.end();
    assert!(log.contains("without a valid PROXY header count=1 peer=127.0.0.1"), "{log}");
}

#[tokio::test]
async fn header_of_other_peers_is_another_protocol() {
    let program = Program::start(&["--memory", "--proxy-from", "192.0.2.0/24"]);
    let mut forged = connect(program.write, "198.51.100.1").await;
    forged.expect(GREETING).await;
    forged.rest_lossy().await;
}
