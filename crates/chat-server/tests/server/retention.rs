//! Removal of old messages by the program: a reload of the rule, kills, the check, and what listeners are told.

use std::path::Path;

use serde_json::Value;

use crate::binary::{Program, run};
use crate::metrics::get;
use crate::peer::{GREETING, PROMPT, Peer, guarded, id_post};

fn write(dir: &Path, keep: &str) {
    std::fs::write(dir.join("server.toml"), format!("post-rate = \"off\"\nmin-free = \"off\"\n{keep}\n")).unwrap();
}

fn start(dir: &Path) -> Program {
    let (config, store) = (dir.join("server.toml"), dir.join("store"));
    Program::start(&[
        "--config",
        config.to_str().unwrap(),
        "--data-dir",
        store.to_str().unwrap(),
        "--metrics",
        "127.0.0.1:0",
    ])
}

fn stats(dir: &Path) -> Value {
    let (code, out, err) = run(&["admin", "--data-dir", dir.join("store").to_str().unwrap(), "--json", "stats"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    serde_json::from_str(&out).unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn a_reload_bounds_the_log() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "");
    let program = start(dir.path());
    let mut bob = Peer::connect(program.write).await;
    bob.send("\nBob\n").await;
    bob.expect(format!("{GREETING}{PROMPT}")).await;
    bob.record().await;
    bob.line().await;
    let mut live = Peer::connect(program.listen).await;
    let answer = live.resume("{\"last\": 0}").await;
    let stream = answer["stream"].as_str().unwrap().to_owned();
    for number in 0..400 {
        bob.send(id_post(&number.to_string(), &format!("{number} {}", "x".repeat(8_000)))).await;
        bob.answer().await;
        assert_eq!(live.numbered().await.seq, number + 1);
    }
    assert_eq!(stats(dir.path())["oldest"], 1);
    write(dir.path(), "keep = \"30d,1MB\"");
    program.signal("-HUP");
    // Nothing is posted meanwhile.
    let bounded = async {
        loop {
            let oldest = stats(dir.path())["oldest"].as_u64().unwrap();
            if oldest > 250 {
                return;
            }
        }
    };
    guarded("old messages are removed", bounded).await;
    bob.send(id_post("next", "still there")).await;
    assert_eq!(bob.answer().await["seq"], 401);
    assert_eq!(live.numbered().await.text, "still there");
    let port = program.further.strip_prefix("metrics=").unwrap().parse().unwrap();
    let metrics = get(port, "/metrics").await.1;
    let metric = |name: &str| -> u64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
        line.parse().unwrap()
    };
    assert_eq!(metric("minechat_messages_expired_total") + 1, metric("minechat_log_oldest"));

    let mut program = program;
    for restarted in [false, true] {
        if restarted {
            // Killed, so that the whole store is checked.
            drop(program);
            program = start(dir.path());
        }
        let oldest = stats(dir.path())["oldest"].as_u64().unwrap();
        let (request, mut late) =
            (format!("{{\"stream\": \"{stream}\", \"after\": 3}}"), Peer::connect(program.listen).await);
        let answer = late.resume(&request).await;
        assert_eq!((&answer["from"], &answer["expired"]), (&oldest.into(), &(oldest - 1).into()), "{answer}");
        assert_eq!(late.numbered().await.seq, oldest);
        assert_eq!(answer["stream"], *stream);
    }
    program.signal("-TERM");
    assert_eq!(program.end().0, Some(0));
    let (code, out, _) = run(&["check", "--data-dir", dir.path().join("store").to_str().unwrap()]);
    assert!(code == Some(0) && out.starts_with("good: ") && out.contains("have expired"), "{out}");
    let program = start(dir.path());
    assert_eq!(stats(dir.path())["newest"], 401);
    program.signal("-TERM");
}
