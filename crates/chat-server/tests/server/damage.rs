//! A store that was damaged while no server ran.

use std::fs;
use std::path::Path;

use chat_server::{Recovery, SqliteJournal};
use serde_json::json;

use crate::peer::{Peer, config, on_disk, start};

async fn filled(dir: &tempfile::TempDir, posts: usize) -> (String, String) {
    let server = on_disk(dir).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    let mut stream = String::new();
    for number in 1..=posts {
        let answer = writer.post(&format!("p{number}"), &format!("text {number} {}", "x".repeat(300))).await;
        stream = answer["stream"].as_str().unwrap().to_owned();
    }
    server.drain().await.unwrap();
    (record.token, stream)
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn flipped_bit_costs_one_message() {
    let dir = tempfile::tempdir().unwrap();
    let (token, stream) = filled(&dir, 40).await;
    let store = dir.path().join("room.db");
    let bytes = fs::read(&store).unwrap();
    let needle = b"text 17 xxx";
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    flip(&store, at + 9);
    assert!(!chat_server::check_store(dir.path()).unwrap().is_good());

    let journal = SqliteJournal::open(dir.path()).unwrap();
    let Some(Recovery::SetAside { file, messages: 39, accounts: 1 }) = journal.recovery().cloned() else {
        panic!("{:?}", journal.recovery())
    };
    assert!(file.exists() && file.starts_with(dir.path()));
    let server = start(config(), journal).await;
    let mut writer = Peer::logged_in(&server, &token).await;
    assert_eq!(writer.post("p40", "again").await["seq"], json!(40));
    assert_eq!(writer.post("p41", "new").await["seq"], json!(41));
    let (mut listener, answer) = Peer::resuming(&server, &format!("{{\"stream\": \"{stream}\", \"after\": 15}}")).await;
    assert_ne!(answer["stream"], stream.as_str());
    assert_eq!(answer["from"], json!(16));
    for seq in (16..=41).filter(|&seq| seq != 17) {
        assert_eq!(listener.numbered().await.seq, seq);
    }
    server.drain().await.unwrap();
    assert!(chat_server::check_store(dir.path()).unwrap().is_good());
    assert_eq!(SqliteJournal::open(dir.path()).unwrap().recovery(), None);
}

#[tokio::test]
async fn notices_a_lost_tail_of_an_intact_file() {
    let dir = tempfile::tempdir().unwrap();
    let (_, stream) = filled(&dir, 5).await;
    let backup = fs::read(dir.path().join("room.db")).unwrap();
    let server = on_disk(&dir).await;
    let (mut writer, _) = Peer::registered(&server, "Eve").await;
    for number in 6..=8 {
        assert_eq!(writer.post(&format!("q{number}"), "tail").await["stream"], stream.as_str());
    }
    server.drain().await.unwrap();
    fs::write(dir.path().join("room.db"), backup).unwrap();

    let journal = SqliteJournal::open(dir.path()).unwrap();
    assert_eq!(journal.recovery(), Some(&Recovery::TailLost { stored: 8, found: 5 }));
    let server = start(config(), journal).await;
    let (mut writer, _) = Peer::registered(&server, "Joe").await;
    assert_eq!(writer.post("r", "other").await["seq"], json!(6));
    // A listener that saw the lost messages gets the new sixth one, and the new stream tells it of the gap.
    let (mut listener, answer) = Peer::resuming(&server, &format!("{{\"stream\": \"{stream}\", \"after\": 8}}")).await;
    assert_ne!(answer["stream"], stream.as_str());
    assert_eq!(answer["from"], json!(6));
    assert_eq!(listener.numbered().await.text, "other");
}

#[test]
fn keeps_the_intact_part_of_any_damage() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    runtime.block_on(filled(&dir, 40));
    let whole = fs::read(dir.path().join("room.db")).unwrap();
    assert!(whole.len() > 5 * 4096);
    let flips = (0..110).chain((110..whole.len()).step_by(211)).map(|at| (at, false));
    let cuts = (0..whole.len()).step_by(1531).map(|at| (at, true));
    for (at, cut) in flips.chain(cuts) {
        let damaged = tempfile::tempdir().unwrap();
        let mut bytes = whole.clone();
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 0x55;
        }
        fs::write(damaged.path().join("room.db"), bytes).unwrap();
        fs::copy(dir.path().join("mark"), damaged.path().join("mark")).unwrap();
        let journal = SqliteJournal::open(damaged.path()).unwrap_or_else(|error| panic!("{at} {cut}: {error:?}"));
        let recovery = journal.recovery().cloned();
        drop(journal);
        let report = chat_server::check_store(damaged.path()).unwrap();
        assert!(report.is_good(), "{at} {cut}");
        if cut {
            assert!(recovery.is_some(), "a cut at {at} is reported");
        } else {
            // At most one page is lost, and every loss is reported.
            assert!(report.messages >= 40 - 14, "{at}: {} messages", report.messages);
            assert!(report.messages == 40 && report.accounts == 1 || recovery.is_some(), "{at}");
        }
        // A repaired store stays repaired.
        assert_eq!(SqliteJournal::open(damaged.path()).unwrap().recovery(), None, "{at} {cut}");
    }
}

#[test]
fn reports_a_damaged_write_ahead_log() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (live, dead) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    const FILES: [&str; 3] = ["room.db", "room.db-wal", "mark"];
    runtime.block_on(async {
        let server = on_disk(&live).await;
        let (mut writer, _) = Peer::registered(&server, "Bob").await;
        for number in 1..=12 {
            writer.post(&format!("p{number}"), "text").await;
        }
        // As kill -9 would leave it.
        for name in FILES {
            fs::copy(live.path().join(name), dead.path().join(name)).unwrap();
        }
    });
    let log = fs::read(dead.path().join("room.db-wal")).unwrap();
    assert!(log.len() > 10 * 4096);
    let flips = (0..64).chain((64..log.len()).step_by(509)).map(|at| (at, false));
    let cuts = (0..log.len()).step_by(2500).map(|at| (at, true));
    for (at, cut) in flips.chain(cuts) {
        let damaged = tempfile::tempdir().unwrap();
        for name in FILES {
            fs::copy(dead.path().join(name), damaged.path().join(name)).unwrap();
        }
        let mut bytes = log.clone();
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 0x55;
        }
        fs::write(damaged.path().join("room.db-wal"), bytes).unwrap();
        let journal = SqliteJournal::open(damaged.path()).unwrap_or_else(|error| panic!("{at} {cut}: {error:?}"));
        let recovery = journal.recovery().cloned();
        drop(journal);
        let report = chat_server::check_store(damaged.path()).unwrap();
        assert!(report.is_good(), "{at} {cut}");
        assert!(report.messages == 12 || recovery.is_some(), "{at} {cut}: {} messages", report.messages);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn damaged_row_is_logged_at_a_bounded_rate() {
    let dir = tempfile::tempdir().unwrap();
    crate::clean_shutdown::rotten(dir.path());
    let program = crate::binary::Program::start(&["--data-dir", dir.path().to_str().unwrap()]);
    for _ in 0..200 {
        let mut listener = Peer::connect(program.listen).await;
        listener.resume("{\"last\": 40}").await;
        for _ in 0..39 {
            listener.numbered().await;
        }
    }
    program.signal("-TERM");
    let (code, _, log) = program.end();
    assert_eq!(code, Some(0), "{log}");
    let lines = log.lines().filter(|line| line.contains("damaged messages")).count();
    assert!((1..100).contains(&lines), "{lines} lines: {log}");
}

#[cfg(unix)]
#[tokio::test]
async fn damage_found_behind_a_server_stops_it_and_the_next_start_repairs() {
    let dir = tempfile::tempdir().unwrap();
    crate::clean_shutdown::rotten(dir.path());
    // As a crash leaves it.
    fs::remove_file(dir.path().join("closed")).unwrap();
    let arguments = ["--data-dir", dir.path().to_str().unwrap()];
    let (code, _, log) = crate::binary::Program::start(&arguments).end();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("damage was found in the store"), "{log}");

    let program = crate::binary::Program::start(&arguments);
    let mut listener = Peer::connect(program.listen).await;
    listener.resume("{\"last\": 40}").await;
    for seq in (1..=40).filter(|&seq| seq != 17) {
        assert_eq!(listener.numbered().await.seq, seq);
    }
    program.signal("-TERM");
    let (code, _, log) = program.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains(".damaged-"), "{log}");
}
