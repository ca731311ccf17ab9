//! Tests the check that goes on behind a server which was started after a crash.

use std::fs;

use rusqlite::Connection;

use super::tests::{ALL, account, post};
use super::*;
use crate::journal::data_dir::STORE;
use crate::journal::sqlite::background_check::BackgroundCheck;

const MESSAGES: Seq = 300;

/// Creates a store as a crash leaves it.
fn crashed(dir: &Path) {
    let mut journal = SqliteJournal::open(dir).unwrap();
    let mut drafts = vec![account(1)];
    drafts.extend((1..=MESSAGES).map(|number| post(1, None, &format!("text {number} {}", "x".repeat(100)))));
    journal.append(&drafts).unwrap();
}

/// Flips a bit in the text of the 17th message, far from the head.
fn damage(dir: &Path) {
    let store = dir.join(STORE);
    let mut bytes = fs::read(&store).unwrap();
    let needle = b"text 17 xxx";
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    bytes[at + 9] ^= 1;
    fs::write(&store, bytes).unwrap();
}

fn places(journal: &SqliteJournal) -> Vec<Seq> {
    journal.reader().read(1, ALL).unwrap().iter().map(crate::entry::LogEntry::seq).collect()
}

#[test]
fn damage_is_never_served_and_ends_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    crashed(dir.path());
    damage(dir.path());
    let whole: Vec<Seq> = (1..=MESSAGES).filter(|&seq| seq != 17).collect();

    let mut journal = SqliteJournal::open_checking_behind(dir.path()).unwrap();
    assert_eq!((journal.recovery(), journal.head()), (None, MESSAGES));
    // Whether the check has come this far or not.
    assert_eq!(places(&journal), whole);
    journal.store.check.as_mut().unwrap().wait();
    assert!(matches!(journal.append(&[post(1, None, "new")]), Err(JournalError::DamageFound)));
    assert!(matches!(journal.tidy(), Err(JournalError::DamageFound)));
    drop(journal);

    // Not trusted again without a repair, which is as after a check before the start.
    let journal = SqliteJournal::open_checking_behind(dir.path()).unwrap();
    assert!(matches!(journal.recovery(), Some(Recovery::SetAside { messages: 299, accounts: 1, .. })));
    assert_eq!(places(&journal), whole);
    assert_eq!(journal.streams().len(), 2, "listeners are told of the gap");
}

#[test]
fn damage_at_the_head_is_found_before_the_start() {
    let dir = tempfile::tempdir().unwrap();
    crashed(dir.path());
    let store = dir.path().join(STORE);
    let mut bytes = fs::read(&store).unwrap();
    let needle = format!("text {MESSAGES} xxx");
    let at = bytes.windows(needle.len()).position(|window| window == needle.as_bytes()).unwrap();
    bytes[at + 10] ^= 1;
    fs::write(&store, bytes).unwrap();
    let journal = SqliteJournal::open_checking_behind(dir.path()).unwrap();
    assert!(matches!(journal.recovery(), Some(Recovery::SetAside { messages: 299, .. })));
}

// Elsewhere each start checks everything.
#[cfg(unix)]
#[test]
fn sound_store_is_trusted_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    crashed(dir.path());
    let mut journal = SqliteJournal::open_checking_behind(dir.path()).unwrap();
    // The check sees one state, although a message is added while it runs.
    journal.append(&[post(1, None, "new")]).unwrap();
    journal.store.check.as_mut().unwrap().wait();
    journal.append(&[post(1, None, "newer")]).unwrap();
    journal.close().unwrap();
    drop(journal);
    assert!(dir.path().join("closed").exists());
    let journal = SqliteJournal::open_checking_behind(dir.path()).unwrap();
    assert!(journal.store.check.is_none());
    assert_eq!(journal.head(), MESSAGES + 2);
}

#[test]
fn check_that_did_not_end_begins_again_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    crashed(dir.path());
    damage(dir.path());
    // Opened without any check, as if each server ended before its check had come to the damage.
    for _ in 0..2 {
        let mut journal = SqliteJournal::open_checking_behind(dir.path()).unwrap();
        let unended = BackgroundCheck::unended();
        drop(journal.store.check.replace(unended).unwrap());
        let _ = fs::remove_file(dir.path().join("closed"));
        journal.append(&[post(1, None, "new")]).unwrap();
        journal.close().unwrap();
        assert!(!dir.path().join("closed").exists());
    }
}

/// A reader has met damage: the next start repairs it, however the server ended.
#[test]
fn damage_that_was_read_is_repaired_by_the_next_start() {
    for in_order in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        crashed(dir.path());
        damage(dir.path());
        let mut journal = SqliteJournal::open_checking_behind(dir.path()).unwrap();
        // As if the check had not come so far.
        drop(journal.store.check.replace(BackgroundCheck::unended()));
        let _ = fs::remove_file(dir.path().join("closed"));
        assert_eq!(places(&journal).len(), 299);
        if in_order {
            journal.close().unwrap();
        }
        drop(journal);
        let journal = SqliteJournal::open_checking_behind(dir.path()).unwrap();
        assert!(matches!(journal.recovery(), Some(Recovery::SetAside { messages: 299, .. })), "{in_order}");
        drop(journal);
        assert!(!dir.path().join("closed").exists(), "the repaired store is no longer suspect");
    }
}

#[test]
fn repetition_of_a_damaged_message_is_not_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    journal.append(&[account(1), post(1, Some(1), "text")]).unwrap();
    let other = Connection::open(dir.path().join(STORE)).unwrap();
    other.execute("UPDATE message SET text = 'else' WHERE seq = 1", []).unwrap();
    assert!(matches!(journal.append(&[post(1, Some(1), "text")]), Err(JournalError::Damaged)));
}
