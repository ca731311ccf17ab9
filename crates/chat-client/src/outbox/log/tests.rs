//! Tests of the outbox file: restarts, growth, damage.

use chat_proto::DeclineCode;
use private_files::LockError;

use super::*;

fn refused() -> DeliveryState {
    DeliveryState::Refused { code: DeclineCode::Other("unknown".into()), retry_after: None, reason: None }
}

fn id(n: u32) -> PostId {
    PostId::new(&format!("post-{n}")).unwrap()
}

fn text(raw: &str) -> Text {
    Text::new(raw).unwrap()
}

fn states(outbox: &Outbox) -> Vec<(String, DeliveryState)> {
    outbox.entries().into_iter().map(|entry| (entry.text.to_string(), entry.state)).collect()
}

#[test]
fn reopens_with_order_and_states() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox");
    let outbox = Outbox::open(&path, "room Bob").unwrap();
    for n in 0..5 {
        outbox.add(&id(n), &text(&format!("line\n{n}"))).unwrap();
    }
    outbox.mark(&[id(1), id(2)], &DeliveryState::Written).unwrap();
    outbox.mark(&[id(3)], &refused()).unwrap();
    outbox.done(&id(2)).unwrap();
    outbox.done(&id(0)).unwrap();
    let expected = [("line\n1", DeliveryState::Written), ("line\n3", refused()), ("line\n4", DeliveryState::Queued)];
    let expected = expected.map(|(text, state)| (text.to_owned(), state));
    assert_eq!(states(&outbox), expected);
    assert!(matches!(Outbox::open(&path, "room Bob"), Err(OutboxError::Locked(LockError::Held { .. }))));
    drop(outbox);

    let other = Outbox::open(&path, "room Eve").unwrap();
    assert_eq!(other.entries(), []);
    drop(other);
    let again = Outbox::open(&path, "room Bob").unwrap();
    assert_eq!(states(&again), expected);
    assert_eq!(again.fresh().len(), 2);
    assert_eq!(again.warnings(), []);
}

#[test]
fn old_entry_is_stale() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox");
    let typed = SystemTime::now() - STALE - std::time::Duration::from_secs(60);
    let entry = OutboxEntry { id: id(1), text: text("old"), typed, state: DeliveryState::Queued };
    let mut line = Vec::new();
    OutboxRecord::Added { scope: "s".into(), entry }.append(&mut line);
    std::fs::write(&path, line).unwrap();
    let outbox = Outbox::open(&path, "s").unwrap();
    assert_eq!((outbox.fresh().len(), outbox.stale().len()), (0, 1));
}

const STALE: std::time::Duration = super::super::entry::STALE_AFTER;

#[test]
fn compaction_bounds_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox");
    let outbox = Outbox::open(&path, "s").unwrap();
    outbox.add(&id(0), &text("stays")).unwrap();
    for n in 1..3000 {
        outbox.add(&id(n), &text(&"x".repeat(200))).unwrap();
        outbox.done(&id(n)).unwrap();
        if outbox.needs_compaction() {
            outbox.compact();
        }
    }
    assert!(std::fs::metadata(&path).unwrap().len() < 2 * COMPACT_ABOVE_BYTES);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let ours = outbox.lock().file.as_ref().unwrap().metadata().unwrap();
        assert_eq!(ours.ino(), std::fs::metadata(&path).unwrap().ino(), "what is appended is appended to the file");
    }
    drop(outbox);
    assert_eq!(states(&Outbox::open(&path, "s").unwrap()), [("stays".to_owned(), DeliveryState::Queued)]);
}

#[test]
fn damage_is_set_aside_and_named() {
    let mut whole = Vec::new();
    let entry = |n| OutboxEntry {
        id: id(n),
        text: text(&format!("t{n}")),
        typed: SystemTime::UNIX_EPOCH,
        state: DeliveryState::Queued,
    };
    for n in 0..4 {
        OutboxRecord::Added { scope: "s".into(), entry: entry(n) }.append(&mut whole);
    }
    let check = |damaged: &[u8], spoilt: usize| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outbox");
        std::fs::write(&path, damaged).unwrap();
        let outbox = Outbox::open(&path, "s").unwrap();
        assert!(outbox.entries().len() >= 4 - spoilt);
        match &outbox.warnings()[..] {
            [.., FileWarning::Repaired(Repair::SetAside { to, .. })] => {
                assert!(!std::fs::read(to).unwrap().is_empty());
                assert!(outbox.entries().iter().all(|entry| entry.state != DeliveryState::Queued));
            }
            _ => assert!(outbox.entries().iter().all(|entry| entry.text.as_str().starts_with('t'))),
        }
        let before = states(&outbox);
        drop(outbox);
        assert_eq!(states(&Outbox::open(&path, "s").unwrap()), before);
    };
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x15;
        check(&damaged, 2);
        check(&whole[..at], 4);
    }
}

#[test]
fn moved_file_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox");
    let outbox = Outbox::open(&path, "s").unwrap();
    outbox.add(&id(1), &text("one")).unwrap();
    std::fs::rename(&path, dir.path().join("elsewhere")).unwrap();
    outbox.add(&id(2), &text("two")).unwrap();
    drop(outbox);
    let again = Outbox::open(&path, "s").unwrap();
    assert_eq!(again.entries().iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>(), ["one", "two"]);
}
