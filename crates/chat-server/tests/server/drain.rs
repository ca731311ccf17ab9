//! The clean shutdown of a server.

use chat_server::{MemoryJournal, SqliteJournal};
use serde_json::json;
use tokio::net::TcpStream;

use crate::peer::{GREETING, Peer, config_on_own_address, guarded, id_post, on_disk, start};

#[tokio::test]
async fn drain_answers_what_has_arrived() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(config_on_own_address(), SqliteJournal::open(&dir).unwrap()).await;
    let (listen, write) = (server.listen_addr(), server.write_addr());
    let mut listener = Peer::listening(&server).await;
    let (mut writer, _) = Peer::registered(&server, "Bob").await;
    let mut silent = Peer::connect(write).await;
    silent.expect(GREETING).await;
    let posts: String = (0..500).map(|number| id_post(&format!("p{number}"), &format!("text {number}"))).collect();
    writer.send(posts).await;
    // The first answer shows that it has started.
    let mut answers = vec![writer.answer().await];
    let drained = tokio::spawn(server.drain());
    for line in writer.rest().await {
        answers.push(serde_json::from_str(line.strip_prefix('\u{1}').unwrap()).unwrap());
    }
    silent.expect_end().await;
    let seen = listener.rest().await;
    guarded("draining", drained).await.unwrap().unwrap();
    let stored = answers.iter().filter(|answer| answer["ok"].is_string()).count();
    let declined = answers.iter().filter(|answer| answer["code"] == json!("draining")).count();
    assert_eq!((stored + declined, seen.len()), (answers.len(), stored));
    assert!(stored > 0);
    for port in [listen, write] {
        assert!(TcpStream::connect(port).await.is_err());
    }
    let report = chat_server::check_store(dir.path()).unwrap();
    assert!(report.is_good());
    assert_eq!(report.messages, stored as u64);
}

#[tokio::test]
async fn drain_frees_ports_and_store() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        let server = on_disk(&dir).await;
        let (mut writer, _) = Peer::registered(&server, "Bob").await;
        writer.post("p", "x").await;
        server.drain().await.unwrap();
    }
}

#[tokio::test]
async fn dropping_the_handle_closes_connections() {
    let server = start(config_on_own_address(), MemoryJournal::new()).await;
    let (listen, write) = (server.listen_addr(), server.write_addr());
    let mut listener = Peer::listening(&server).await;
    let (mut writer, _) = Peer::registered(&server, "Bob").await;
    drop(server);
    listener.expect_end().await;
    writer.expect_end().await;
    for port in [listen, write] {
        // The task that owns the port ends when the runtime next polls it.
        let refused = async {
            while TcpStream::connect(port).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        guarded("a refused connection", refused).await;
    }
}

/// Clients that survive a refused connection, but not a reset, reconnect at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reconnect_at_the_end_is_refused() {
    for _ in 0..5 {
        let server = start(config_on_own_address(), MemoryJournal::new()).await;
        let (listen, write) = (server.listen_addr(), server.write_addr());
        let mut peers = Vec::new();
        for _ in 0..20 {
            peers.push(Peer::listening(&server).await);
            let mut writer = Peer::connect(write).await;
            writer.expect(GREETING).await;
            peers.push(writer);
        }
        let mut reconnecting = tokio::task::JoinSet::new();
        for mut peer in peers {
            reconnecting.spawn(async move {
                peer.expect_end().await;
                for port in [listen, write] {
                    assert!(TcpStream::connect(port).await.is_err(), "accepted while the server ends");
                }
            });
        }
        guarded("draining", server.drain()).await.unwrap();
        guarded("all peers", reconnecting.join_all()).await;
    }
}
