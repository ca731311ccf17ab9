//! Removal of old messages: restarts, crashes, repair, and the size of the file.

use std::collections::VecDeque;
use std::fs;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chat_proto::{Nickname, PostId, Text};
use proptest::prelude::*;
use rusqlite::Connection;

use super::action_tests::{damage, killed};
use super::tests::{ALL, account, post};
use super::*;
use crate::entry::Author;
use crate::journal::data_dir::STORE;
use crate::journal::sqlite::check_store;
use crate::limits::EXPIRY_MESSAGES;
use crate::retention::MESSAGE_BYTES;

type TestClock = Arc<AtomicI64>;

fn open(dir: &Path, clock: &TestClock) -> SqliteJournal {
    let clock = Arc::clone(clock);
    SqliteJournal::open(dir).unwrap().with_clock(move || clock.load(Ordering::Relaxed))
}

fn of_age(ms: u64) -> Retention {
    Retention::everything().with_age(Some(Duration::from_millis(ms)))
}

/// Removes everything that is due, as the journal thread does. Returns the number of messages.
fn expire(journal: &mut SqliteJournal, keep: &Retention) -> u64 {
    let mut removed = 0;
    loop {
        let step = journal.expire(keep).unwrap();
        assert!(step.removed <= EXPIRY_MESSAGES as u64);
        removed += step.removed;
        if !step.more {
            return removed;
        }
        assert!(step.removed > 0, "a step without effect that asks for another one");
    }
}

fn seqs(journal: &SqliteJournal) -> Vec<Seq> {
    journal.reader().read(1, ALL).unwrap().iter().map(crate::entry::LogEntry::seq).collect()
}

#[derive(Debug, Clone)]
enum ExpiryStepOf {
    Post(u8),
    Wait(i64),
    Expire(u64),
    Reopen { clean: bool },
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<ExpiryStepOf>> {
    let step = prop_oneof![
        6 => (1..5u8).prop_map(ExpiryStepOf::Post),
        3 => (0..50i64).prop_map(ExpiryStepOf::Wait),
        3 => (0..100u64).prop_map(ExpiryStepOf::Expire),
        1 => any::<bool>().prop_map(|clean| ExpiryStepOf::Reopen { clean }),
        1 => Just(ExpiryStepOf::Kill),
    ];
    prop::collection::vec(step, 1..40)
}

/// What follows a removal is on the disk when it is confirmed, and so is the removal then.
#[test]
fn only_a_removal_does_not_wait_for_the_disk() {
    let (temp, clock) = (tempfile::tempdir().unwrap(), TestClock::default());
    let mut journal = open(temp.path(), &clock);
    journal.append(&[account(1), post(1, None, "one")]).unwrap();
    clock.store(100, Ordering::Relaxed);
    assert_eq!(expire(&mut journal, &of_age(1)), 1);
    let waits = |journal: &SqliteJournal| {
        let mode = journal.store.connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0));
        mode.unwrap() == 2
    };
    assert!(!waits(&journal));
    journal.append(&[post(1, None, "two")]).unwrap();
    assert!(waits(&journal));
    expire(&mut journal, &of_age(1));
    journal.probe().unwrap();
    assert!(waits(&journal));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_left_is_the_end_of_the_log(steps in steps()) {
        let clock = TestClock::new(AtomicI64::new(1_000));
        let mut dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path(), &clock);
        let streams = journal.streams().to_vec();
        let (mut model, mut head) = (VecDeque::new(), 0);
        for step in steps {
            match step {
                ExpiryStepOf::Post(count) => {
                    for _ in 0..count {
                        head += 1;
                        let appended = journal.append(&[post(1, Some((head % 250) as u8), "text")]).unwrap();
                        // An id is known for as long as its message is kept.
                        if let Appended::Fresh { seq, at } = appended[0] {
                            prop_assert_eq!(seq, head);
                            model.push_back((seq, at));
                        } else {
                            head -= 1;
                        }
                    }
                }
                ExpiryStepOf::Wait(ms) => drop(clock.fetch_add(ms, Ordering::Relaxed)),
                ExpiryStepOf::Expire(age) => {
                    let before = model.len();
                    let oldest = clock.load(Ordering::Relaxed) - age as i64;
                    while model.front().is_some_and(|(_, at)| *at < oldest) {
                        model.pop_front();
                    }
                    prop_assert_eq!(expire(&mut journal, &of_age(age)), (before - model.len()) as u64);
                }
                ExpiryStepOf::Reopen { clean } => {
                    if clean {
                        journal.close().unwrap();
                    }
                    drop(journal);
                    journal = open(dir.path(), &clock);
                }
                ExpiryStepOf::Kill => {
                    let copy = killed(dir.path());
                    journal = open(copy.path(), &clock);
                    dir = copy;
                }
            }
            prop_assert_eq!(journal.recovery(), None);
            prop_assert_eq!((journal.head(), journal.streams()), (head, &streams[..]));
            prop_assert_eq!(journal.reader().oldest(), model.front().map_or(head + 1, |(seq, _)| *seq));
            prop_assert_eq!(seqs(&journal), model.iter().map(|(seq, _)| *seq).collect::<Vec<_>>());
        }
        journal.close().unwrap();
        let report = check_store(dir.path()).unwrap();
        prop_assert!(report.is_good() && report.head == head && report.messages == model.len() as u64, "{report:?}");
        prop_assert_eq!(report.lost_end, None);
    }
}

#[test]
fn an_empty_log_continues_its_numbers_and_times() {
    let clock = TestClock::new(AtomicI64::new(5_000));
    for clean in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path(), &clock);
        journal.append(&[post(1, None, "one"), post(1, None, "SECRETTEXT")]).unwrap();
        clock.store(9_000, Ordering::Relaxed);
        assert_eq!(expire(&mut journal, &of_age(1_000)), 2);
        if clean {
            journal.close().unwrap();
        }
        drop(journal);
        // The clock has gone back in the meantime.
        clock.store(1_000, Ordering::Relaxed);
        let mut journal = open(dir.path(), &clock);
        assert_eq!((journal.head(), journal.reader().oldest(), journal.recovery()), (2, 3, None));
        assert_eq!(journal.append(&[post(1, None, "three")]).unwrap(), [Appended::Fresh { seq: 3, at: 5_000 }]);
        assert_eq!(journal.reader().first_after(0).unwrap(), 3);
        journal.close().unwrap();
        let file = fs::read(dir.path().join(STORE)).unwrap();
        assert!(!file.windows(10).any(|found| found == b"SECRETTEXT"), "the text is in a free page");
        clock.store(5_000, Ordering::Relaxed);
    }
}

#[test]
fn a_store_stays_within_its_size() {
    const LIMIT: u64 = 4 * 1024 * 1024;
    let keep = Retention::everything().with_bytes(Some(LIMIT));
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    journal.append(&[account(1)]).unwrap();
    // Both kinds of load: many small messages, and few large ones.
    let mut number: i64 = 0;
    for (text, at_once, times) in [(40, 2_000, 60), (12_000, 40, 60)] {
        for _ in 0..times {
            let drafts: Vec<Draft> = (0..at_once)
                .map(|_| {
                    number += 1;
                    let author = Arc::new(Author { id: number % 7, nickname: Nickname::new("Keen Bob").unwrap() });
                    // Some have ids, whose index shrinks too.
                    let id = (number % 2 == 0).then(|| PostId::new(&format!("p{number}")).unwrap());
                    let text = Text::new(&format!("{number} {}", "x".repeat(text))).unwrap();
                    Draft::Post { author, id, text }
                })
                .collect();
            journal.append(&drafts).unwrap();
            // As the journal thread does it.
            let (added, mut freed) = (at_once as u64 * (text as u64 + MESSAGE_BYTES), 0);
            while freed < added + added / 2 {
                let step = journal.expire(&keep).unwrap();
                assert!(step.removed <= EXPIRY_MESSAGES as u64);
                freed += step.bytes;
                if !step.more {
                    break;
                }
            }
            let size = fs::metadata(dir.path().join(STORE)).unwrap().len();
            // As documented: the content of two transactions more.
            assert!(size <= LIMIT + 2 * 1024 * 1024, "{size}");
        }
    }
    expire(&mut journal, &keep);
    let left = seqs(&journal);
    assert_eq!(left.last(), Some(&journal.head()));
    let bytes: usize = journal.reader().read(1, ALL).unwrap().iter().map(crate::entry::LogEntry::text_bytes).sum();
    assert!(bytes as u64 > LIMIT / 2, "only {bytes} bytes are left");
    // The newest message stays, however little is to be kept.
    expire(&mut journal, &Retention::everything().with_bytes(Some(1)));
    assert_eq!(seqs(&journal), [journal.head()]);
    journal.close().unwrap();
    assert!(check_store(dir.path()).unwrap().is_good());
}

#[test]
fn repair_keeps_the_beginning_of_the_log() {
    // A store of an earlier program has its tables elsewhere.
    for (earlier, all) in [(false, false), (true, false), (false, true)] {
        let clock = TestClock::new(AtomicI64::new(1_000));
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path(), &clock);
        if earlier {
            journal.store.connection.execute_batch("DROP TABLE expired; DROP TABLE action").unwrap();
        }
        let write = |journal: &mut SqliteJournal, from: Seq| {
            for number in from..from + 40 {
                journal.append(&[post(1, None, &format!("message {number} {}", "x".repeat(300)))]).unwrap();
            }
        };
        write(&mut journal, 1);
        journal.close().unwrap();
        drop(journal);
        let mut journal = open(dir.path(), &clock);
        clock.store(10_000, Ordering::Relaxed);
        write(&mut journal, 41);
        clock.store(11_000, Ordering::Relaxed);
        assert_eq!(expire(&mut journal, &of_age(5_000)), 40);
        let oldest = if all { 81 } else { 41 };
        if all {
            journal.append(&[account(7)]).unwrap();
            clock.store(99_000, Ordering::Relaxed);
            assert_eq!(expire(&mut journal, &of_age(5_000)), 40);
        }
        journal.close().unwrap();
        drop(journal);
        damage(dir.path(), if all { "n7" } else { "message 60 " });
        let journal = open(dir.path(), &clock);
        assert!(matches!(journal.recovery(), Some(Recovery::SetAside { .. })));
        assert_eq!((journal.head(), journal.reader().oldest()), (80, oldest), "earlier: {earlier}, all: {all}");
        assert_eq!(journal.streams().last().unwrap().first, 81);
    }
}

#[test]
fn a_damaged_beginning_is_damage() {
    let clock = TestClock::new(AtomicI64::new(1_000));
    for clean in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path(), &clock);
        journal.append(&[post(1, None, "one")]).unwrap();
        clock.fetch_add(5_000, Ordering::Relaxed);
        expire(&mut journal, &of_age(1_000));
        journal.append(&[post(1, None, "two")]).unwrap();
        journal.store.connection.execute("UPDATE expired SET seq = 5", []).unwrap();
        if clean {
            journal.close().unwrap();
        }
        drop(journal);
        assert!(!check_store(dir.path()).unwrap().is_good());
        let journal = open(dir.path(), &clock);
        assert!(journal.recovery().is_some());
        assert_eq!((journal.head(), seqs(&journal)), (2, vec![2]));
    }
}

#[test]
fn a_damaged_number_removes_nothing() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::default());
    let mut journal = open(dir.path(), &clock);
    journal.append(&[account(1), post(1, None, "one"), post(1, None, "two")]).unwrap();
    let other = Connection::open(dir.path().join(STORE)).unwrap();
    other.execute("UPDATE message SET seq = 1000000 WHERE seq = 2", []).unwrap();
    clock.store(1_000, Ordering::Relaxed);
    assert!(matches!(journal.expire(&of_age(10)), Err(JournalError::Damaged)));
    let left: i64 = other.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 2);
}
