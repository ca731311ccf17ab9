//! Small hostile loads against the real program; `siege` in testkit has the large ones. These tests check behaviour,
//! never speed.

use crate::binary::Program;
use crate::peer::{GREETING, PROMPT, Peer, guarded, id_post};

/// Returns a registered writer and its token.
async fn registered(program: &Program) -> (Peer, String) {
    let mut peer = Peer::connect(program.write).await;
    peer.expect(GREETING).await;
    peer.send("\nBob\n").await;
    peer.expect(PROMPT).await;
    let token = peer.record().await.token;
    peer.line().await;
    (peer, token)
}

async fn logged_in(program: &Program, token: &str) -> Peer {
    let mut peer = Peer::connect(program.write).await;
    peer.expect(GREETING).await;
    peer.send(format!("{token}\n")).await;
    peer.record().await;
    peer.line().await;
    peer
}

#[cfg(target_os = "linux")]
fn peak_kib(program: &Program) -> u64 {
    testkit::process::peak_kib(program.pid()).unwrap()
}

#[cfg(target_os = "linux")]
fn descriptors(program: &Program) -> usize {
    testkit::process::descriptors(program.pid()).unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn closes_endless_lines_in_flat_memory() {
    const TOTAL: usize = 32 * 1024 * 1024;
    let program = Program::start(&["--memory"]);
    let (_bob, token) = registered(&program).await;
    let before = peak_kib(&program);
    let chunk = vec![b'x'; 256 * 1024];
    for place in ["token", "chat", "extension", "listen"] {
        let mut sent = 0;
        while sent < TOTAL {
            let mut peer = match place {
                "token" => Peer::connect(program.write).await,
                "listen" => Peer::connect(program.listen).await,
                _ => logged_in(&program, &token).await,
            };
            if place == "extension" {
                peer.send("\u{1}{\"id\": \"1\", \"text\": \"").await;
            }
            // Until the server closes, because it accepts no line without end.
            let poured = async {
                while peer.try_send(&chunk).await {
                    sent += chunk.len();
                }
            };
            guarded(place, poured).await;
            sent += chunk.len();
        }
    }
    let grown = peak_kib(&program) - before;
    assert!(grown < 32 * 1024, "{grown} KiB more");
    logged_in(&program, &token).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn closes_slow_peers_and_frees_descriptors() {
    let program = Program::start(&["--memory", "--login-within", "0.5"]);
    let (bob, token) = registered(&program).await;
    drop(bob);
    // The lowest count without connections: the task of the last connection may still be ending.
    let mut idle = descriptors(&program);
    for _ in 0..100 {
        idle = idle.min(descriptors(&program));
        tokio::task::yield_now().await;
    }
    let mut crowd = Vec::new();
    for _ in 0..200 {
        let mut peer = Peer::connect(program.write).await;
        peer.send_lossy("x").await;
        crowd.push(peer);
    }
    let honest = logged_in(&program, &token).await;
    for peer in &mut crowd {
        assert_eq!(peer.everything().await, GREETING);
    }
    drop(honest);
    let back = async {
        while descriptors(&program) > idle {
            tokio::task::yield_now().await;
        }
    };
    guarded("descriptors", back).await;
}

#[tokio::test]
async fn closes_connections_over_the_limit() {
    let program = Program::start(&["--memory", "--max-connections", "20"]);
    let (mut bob, _) = registered(&program).await;
    let (mut inside, mut refused) = (Vec::new(), 0);
    for _ in 0..100 {
        let mut peer = Peer::connect(program.write).await;
        match peer.next_line().await {
            Some(greeting) => {
                assert_eq!(greeting, GREETING);
                inside.push(peer);
            }
            None => refused += 1,
        }
    }
    assert_eq!((inside.len(), refused), (19, 81));
    bob.send(id_post("1", "still here")).await;
    assert_eq!(bob.answer().await["ok"], "1");
    drop(inside);
    // A place is free as soon as the server has noticed one of the disconnects.
    let again = async { while Peer::connect(program.write).await.next_line().await.is_none() {} };
    guarded("a free place", again).await;
}
