//! The monitoring port: its output line by line, and its limits.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use chat_server::{MemoryJournal, Readiness};
use serde_json::json;

use crate::binary::Program;
use crate::peer::{GREETING, PROMPT, Peer, config, guarded, id_post, start};
use crate::storage::Fillable;

fn watched(arguments: &[&str]) -> (Program, SocketAddr) {
    let program = Program::start(&[&["--memory", "--metrics", "127.0.0.1:0"], arguments].concat());
    let port = program.further.strip_prefix("metrics=").unwrap().parse().unwrap();
    (program, port)
}

/// Sends a request and returns the response: status, header lines, body.
async fn say(port: SocketAddr, request: &str) -> (u16, Vec<String>, String) {
    let mut peer = Peer::connect(port).await;
    peer.send_lossy(request).await;
    let answer = peer.everything().await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
    (status, head.lines().map(str::to_lowercase).collect(), body.to_owned())
}

pub(crate) async fn get(port: SocketAddr, path: &str) -> (u16, String) {
    let (status, _, body) = say(port, &format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n")).await;
    (status, body)
}

/// Parses the metrics as Prometheus does, strictly: each sample belongs to the family described before it.
async fn figures(port: SocketAddr) -> BTreeMap<String, f64> {
    let (status, text) = get(port, "/metrics").await;
    assert_eq!(status, 200);
    let (mut samples, mut family, mut described) = (BTreeMap::new(), String::new(), String::new());
    let body = text.strip_suffix("# EOF\n").unwrap();
    for line in body.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "HELP", name, help] => {
                let known = name.starts_with("minechat_") || name.starts_with("process_");
                assert!(!help.is_empty() && known, "{line}");
                name.clone_into(&mut described);
            }
            ["#", "TYPE", name, kind] => {
                assert!(["counter", "gauge", "histogram", "info"].contains(&kind) && name == described, "{line}");
                name.clone_into(&mut family);
            }
            ["#", "UNIT", name, unit] => assert!(name == family && name.ends_with(&format!("_{unit}")), "{line}"),
            [_, _] => {
                let (name, value) = line.rsplit_once(' ').unwrap();
                assert!(!family.is_empty() && name.starts_with(&family), "{line} is not of {family}");
                let value: f64 = value.parse().unwrap();
                assert!(value.is_finite() && samples.insert(name.to_owned(), value).is_none(), "{line}");
            }
            _ => panic!("no line of this format: {line}"),
        }
    }
    samples
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let (program, port) = watched(&["--post-rate", "0.001:3", "--max-connections", "3"]);
    let mut listener = Peer::connect(program.listen).await.seated().await;
    let mut bob = Peer::connect(program.write).await;
    bob.expect(GREETING).await;
    bob.send("\nBob\n").await;
    bob.expect(PROMPT).await;
    bob.record().await;
    bob.line().await;
    for (id, text, verdict) in [("1", "one", "ok"), ("1", "one", "ok"), ("2", "two", "ok"), ("3", "three", "no")] {
        assert_eq!(bob.post(id, text).await[verdict], id);
    }
    assert_eq!(bob.post("4", &"x".repeat(17 * 1024)).await["code"], json!("too_long"));
    assert_eq!(bob.post("5", " ").await["code"], json!("blank"));
    bob.send("\u{1}{\"id\": \"6\", \"text\": 6}\n").await;
    assert_eq!(bob.answer().await["code"], json!("malformed"));
    let mut stranger = Peer::connect(program.write).await;
    stranger.send("unknown-token\n").await;
    stranger.expect(format!("{GREETING}null\n{PROMPT}")).await;
    Peer::connect(program.write).await.expect_end().await;
    let heard = listener.line().await.len() + listener.line().await.len();

    let figures = figures(port).await;
    let expected = [
        ("build_info{version=\"0.1.0\"}", 1),
        ("ready", 1),
        ("connections_open{port=\"listen\"}", 1),
        ("connections_open{port=\"write\"}", 2),
        ("connections_accepted_total{port=\"listen\"}", 1),
        ("connections_accepted_total{port=\"write\"}", 2),
        ("connections_refused_total{limit=\"total\",port=\"write\"}", 1),
        ("connections_refused_total{limit=\"total\",port=\"listen\"}", 0),
        ("connections_refused_total{limit=\"address\",port=\"write\"}", 0),
        ("logins_total{result=\"accepted\"}", 0),
        ("logins_total{result=\"denied\"}", 1),
        ("registrations_total{result=\"accepted\"}", 1),
        ("registrations_total{result=\"refused\"}", 0),
        ("registrations_refused_total{reason=\"rate\"}", 0),
        ("posts_stored_total", 2),
        ("posts_repeated_total", 1),
        ("posts_declined_total{code=\"rate\"}", 1),
        ("posts_declined_total{code=\"too_long\"}", 1),
        ("posts_declined_total{code=\"blank\"}", 1),
        ("posts_declined_total{code=\"malformed\"}", 1),
        ("posts_declined_total{code=\"muted\"}", 0),
        ("posts_declined_total{code=\"banned\"}", 0),
        ("posts_declined_total{code=\"storage\"}", 0),
        ("commits_total{result=\"stored\"}", 4),
        ("commits_total{result=\"failed\"}", 0),
        ("commit_duration_seconds_count", 4),
        ("commit_duration_seconds_bucket{le=\"+Inf\"}", 4),
        ("delivered_messages_total", 2),
        ("delivered_bytes_total", heard),
        ("listeners_stalled_total", 0),
        ("listeners_reading_store", 0),
        ("log_head", 2),
    ];
    for (name, value) in expected {
        assert_eq!(figures.get(&format!("minechat_{name}")), Some(&(value as f64)), "{name}");
    }
    assert!(figures["minechat_ring_bytes"] > 0.0);
    assert_eq!(figures["minechat_confirmation_duration_seconds_count"], 3.0, "confirmed, repeated ones included");
    if cfg!(target_os = "linux") {
        for name in ["process_open_fds", "process_max_fds", "process_resident_memory_bytes"] {
            assert!(figures[name] > 1.0, "{name}");
        }
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((now - figures["process_start_time_seconds"]).abs() < 600.0);
        assert!(figures["process_cpu_seconds_total"] >= 0.0);
    }
    let steps: Vec<f64> =
        figures.iter().filter(|(name, _)| name.contains("commit_duration_seconds_bucket")).map(|(_, v)| *v).collect();
    assert!(steps.len() > 10 && steps.iter().all(|count| *count <= 4.0), "{steps:?}");
}

#[tokio::test]
async fn answers_three_paths_and_two_methods() {
    let (_program, port) = watched(&[]);
    assert_eq!(get(port, "/healthz").await, (200, "alive\n".to_owned()));
    assert_eq!(get(port, "/readyz?verbose").await, (200, "ready\n".to_owned()));
    for path in ["/", "/metrics/", "/../etc/passwd", "/nothing"] {
        assert_eq!(get(port, path).await.0, 404, "{path}");
    }
    let (status, head, body) = say(port, "HEAD /metrics HTTP/1.1\r\nHost: here\r\n\r\n").await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert!(head.iter().any(|line| line == "connection: close"), "{head:?}");
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let request = format!("{method} /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n\r\nx");
        let (status, head, _) = say(port, &request).await;
        assert!(status == 405 && head.iter().any(|line| line == "allow: get, head"), "{method}: {head:?}");
    }
}

#[tokio::test]
async fn closes_invalid_requests() {
    let (_program, port) = watched(&[]);
    let endless = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(1024 * 1024));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(2000));
    for hostile in [endless.as_str(), many.as_str(), "\u{1}{\"ping\": 1}\n", "\r\n\r\nGET", "GET /metrics\r\n\r\n"] {
        let mut peer = Peer::connect(port).await;
        peer.send_lossy(hostile).await;
        peer.end_lossy().await;
        let answer = peer.everything().await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(get(port, "/healthz").await.0, 200);
}

#[cfg(unix)]
#[tokio::test]
async fn draining_server_is_alive_but_not_ready() {
    let (program, port) = watched(&["--drain-within", "600"]);
    // A listener that does not read its backlog delays the end.
    let mut dead = Peer::connect_narrow(program.listen).await.seated().await;
    let mut bob = Peer::connect(program.write).await;
    bob.expect(GREETING).await;
    bob.send("\nBob\n").await;
    bob.expect(PROMPT).await;
    bob.record().await;
    bob.line().await;
    let text = "x".repeat(16_000);
    for turn in 0..16 {
        let posts: String = (0..40).map(|number| id_post(&format!("{turn}-{number}"), &text)).collect();
        bob.send(posts).await;
        for _ in 0..40 {
            assert!(bob.answer().await["ok"].is_string());
        }
    }
    drop(bob);
    assert_eq!(get(port, "/readyz").await.0, 200);
    program.signal("-TERM");
    let draining = async { while get(port, "/readyz").await != (503, "draining\n".to_owned()) {} };
    guarded("draining", draining).await;
    assert_eq!(get(port, "/healthz").await.0, 200);
    assert_eq!(figures(port).await["minechat_ready"], 0.0);
    while dead.try_chunk().await.is_ok_and(|count| count > 0) {}
    assert_eq!(program.end().0, Some(0));
}

#[tokio::test]
async fn failing_store_is_not_ready() {
    let full = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let set = |value| full.store(value, std::sync::atomic::Ordering::SeqCst);
    let journal = Fillable { inner: MemoryJournal::new(), full: std::sync::Arc::clone(&full) };
    let server = start(config(), journal).await;
    let observer = server.observer();
    let becomes = async |readiness| {
        // There are no posts: the readiness request alone makes the server test the store.
        let wait = async {
            while observer.readiness() != readiness {
                tokio::task::yield_now().await;
            }
        };
        guarded("readiness", wait).await;
    };
    assert_eq!(observer.readiness(), Readiness::Ready);
    set(true);
    becomes(Readiness::StoreFails).await;
    set(false);
    becomes(Readiness::Ready).await;
    server.drain().await.unwrap();
    assert_eq!(observer.readiness(), Readiness::Draining);
}
