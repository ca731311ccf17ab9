//! Compares both journals with a plain list, and tests the store on a full disk.

use std::collections::HashMap;

use chat_proto::{Nickname, PostId, Text};
use private_files::file;
use proptest::prelude::*;

use super::*;
use crate::accounts::TokenHash;
use crate::entry::{Author, LogEntry, MessageRecord};
use crate::journal::data_dir::STORE;
use crate::journal::sqlite::check_store;
use crate::journal::{MemoryJournal, ReadLimit};

pub(super) const ALL: ReadLimit = ReadLimit { messages: usize::MAX, bytes: usize::MAX };

pub(super) fn post(account: AccountId, id: Option<u8>, text: &str) -> Draft {
    let author = Arc::new(Author { id: account, nickname: Nickname::new(&format!("Keen {account}")).unwrap() });
    let id = id.map(|id| PostId::new(&format!("p{id}")).unwrap());
    Draft::Post { author, id, text: Text::new(text).unwrap() }
}

pub(super) fn account(number: u8) -> Draft {
    Draft::Account {
        token: TokenHash::from_bytes([number; 32]),
        nickname: Nickname::new(&format!("n{number}")).unwrap(),
    }
}

#[derive(Debug, Clone)]
enum StoreStep {
    Append(Vec<(AccountId, Option<u8>)>),
    Read { from: Seq, messages: usize },
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<StoreStep>> {
    let drafts = prop::collection::vec((1..4i64, prop::option::of(0..6u8)), 1..6);
    let step = prop_oneof![
        4 => drafts.prop_map(StoreStep::Append),
        2 => (1..40u64, 1..8usize).prop_map(|(from, messages)| StoreStep::Read { from, messages }),
        1 => Just(StoreStep::Reopen),
    ];
    prop::collection::vec(step, 1..20)
}

/// The expected behaviour of a journal, as a list.
#[derive(Default)]
struct StoreModel {
    messages: Vec<(String, String)>,
    posts: HashMap<(AccountId, u8), Seq>,
}

impl StoreModel {
    fn append(&mut self, drafts: &[(AccountId, Option<u8>)]) -> Vec<(Seq, bool)> {
        let mut answers = Vec::new();
        for &(account, id) in drafts {
            if let Some(&seq) = id.and_then(|id| self.posts.get(&(account, id))) {
                answers.push((seq, false));
                continue;
            }
            let seq = self.messages.len() as Seq + 1;
            self.messages.push((format!("Keen {account}"), format!("text {seq}")));
            if let Some(id) = id {
                self.posts.insert((account, id), seq);
            }
            answers.push((seq, true));
        }
        answers
    }
}

fn check(journal: &mut dyn Journal, model: &mut StoreModel, step: &StoreStep) {
    match step {
        StoreStep::Append(wanted) => {
            let mut next = model.messages.len() + 1;
            let drafts: Vec<_> = wanted
                .iter()
                .scan(model.posts.clone(), |posts, &(account, id)| {
                    let fresh = id.is_none_or(|id| posts.insert((account, id), 0).is_none());
                    let draft = post(account, id, &format!("text {next}"));
                    next += usize::from(fresh);
                    Some(draft)
                })
                .collect();
            let answers: Vec<_> = journal
                .append(&drafts)
                .unwrap()
                .into_iter()
                .map(|appended| match appended {
                    Appended::Fresh { seq, .. } => (seq, true),
                    Appended::Repeated { seq } => (seq, false),
                    other => panic!("{other:?} was not asked for"),
                })
                .collect();
            assert_eq!(answers, model.append(wanted));
            assert_eq!(journal.head(), model.messages.len() as Seq);
        }
        StoreStep::Read { from, messages } => {
            let read = journal.reader().read(*from, ReadLimit { messages: *messages, bytes: usize::MAX }).unwrap();
            let expected = model.messages.iter().enumerate().skip(*from as usize - 1).take(*messages);
            let seen = read
                .iter()
                .filter_map(LogEntry::message)
                .map(|m| (m.seq as usize - 1, m.nickname.as_str(), m.text.as_str()));
            assert!(seen.eq(expected.map(|(index, (nick, text))| (index, nick.as_str(), text.as_str()))));
        }
        StoreStep::Reopen => {}
    }
}

fn times_are_in_order_and_found(journal: &dyn Journal) {
    let reader = journal.reader();
    let messages: Vec<MessageRecord> =
        reader.read(1, ALL).unwrap().iter().filter_map(|entry| entry.message().cloned()).collect();
    assert!(messages.is_sorted_by_key(|message| message.at));
    for at in messages.iter().flat_map(|message| [message.at - 1, message.at]).chain([0, i64::MAX]) {
        let expected = messages.iter().find(|message| message.at > at).map_or(journal.head() + 1, |m| m.seq);
        assert_eq!(reader.first_after(at).unwrap(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_journals_behave_like_a_list(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        let mut sqlite = SqliteJournal::open(dir.path()).unwrap();
        let mut memory = MemoryJournal::new();
        let (mut sqlite_model, mut memory_model) = (StoreModel::default(), StoreModel::default());
        let stream = sqlite.streams().to_vec();
        for step in &steps {
            if matches!(step, StoreStep::Reopen) {
                drop(sqlite);
                sqlite = SqliteJournal::open(dir.path()).unwrap();
                prop_assert_eq!(sqlite.recovery(), None);
                prop_assert_eq!(sqlite.streams(), &stream[..]);
            }
            check(&mut sqlite, &mut sqlite_model, step);
            check(&mut memory, &mut memory_model, step);
        }
        times_are_in_order_and_found(&sqlite);
        times_are_in_order_and_found(&memory);
    }
}

#[test]
fn pages_are_bounded_and_never_empty() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    journal.append(&(0..10).map(|_| post(1, None, &"x".repeat(100))).collect::<Vec<_>>()).unwrap();
    let read = |from, messages, bytes| journal.reader().read(from, ReadLimit { messages, bytes }).unwrap().len();
    assert_eq!(
        (read(1, 3, 10_000), read(1, 10, 250), read(1, 10, 1), read(9, 10, 10_000), read(11, 10, 10)),
        (3, 3, 1, 2, 0)
    );
}

#[test]
fn full_disk_stores_nothing_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    journal.append(&[account(1), post(1, Some(1), "before")]).unwrap();
    let pages: i64 = journal.store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    journal.store.connection.query_row(&format!("PRAGMA max_page_count = {}", pages + 2), [], |_| Ok(())).unwrap();
    let large: Vec<_> = (10..20).map(|id| post(1, Some(id), &"x".repeat(4000))).collect();
    for _ in 0..3 {
        assert!(matches!(journal.append(&large), Err(JournalError::Full)));
        assert_eq!((journal.head(), journal.reader().read(1, ALL).unwrap().len()), (1, 1));
    }
    assert_eq!(journal.append(&[post(1, Some(1), "before")]).unwrap(), [Appended::Repeated { seq: 1 }]);
    journal.store.connection.query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(())).unwrap();
    assert_eq!(journal.append(&large).unwrap().len(), 10);
    assert_eq!(journal.head(), 11);
    drop(journal);
    assert_eq!(SqliteJournal::open(dir.path()).unwrap().recovery(), None);
}

#[test]
fn log_time_never_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    let far = i64::MAX / 2;
    journal.log.advance(far);
    assert_eq!(journal.append(&[post(1, None, "x")]).unwrap(), [Appended::Fresh { seq: 1, at: far }]);
    drop(journal);
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    assert_eq!(journal.append(&[post(1, None, "y")]).unwrap(), [Appended::Fresh { seq: 2, at: far }]);
}

#[test]
fn leaves_a_newer_store_alone() {
    let dir = tempfile::tempdir().unwrap();
    let journal = SqliteJournal::open(dir.path()).unwrap();
    journal
        .store
        .connection
        .execute_batch(&format!("PRAGMA user_version = 5; PRAGMA application_id = {}", 0x6d63_6805))
        .unwrap();
    drop(journal);
    assert!(matches!(SqliteJournal::open(dir.path()), Err(JournalError::TooNew { found: 5, known: 4 })));
}

#[test]
fn finishes_an_interrupted_repair() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join(STORE);
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    journal.append(&[post(1, None, "x")]).unwrap();
    drop(journal);
    std::fs::rename(&store, file::with_suffix(&store, ".new")).unwrap();
    assert_eq!(SqliteJournal::open(dir.path()).unwrap().head(), 1);
    // An unfinished one next to a store is discarded.
    std::fs::write(file::with_suffix(&store, ".part"), "half").unwrap();
    assert_eq!(SqliteJournal::open(dir.path()).unwrap().head(), 1);
    // A finished one is complete, while the old store may have lost its write-ahead log already.
    std::fs::copy(&store, file::with_suffix(&store, ".new")).unwrap();
    std::fs::write(&store, "what is left of the old one").unwrap();
    assert_eq!(SqliteJournal::open(dir.path()).unwrap().head(), 1);
    let aside = std::fs::read_dir(dir.path()).unwrap().flatten();
    assert!(aside.into_iter().any(|entry| entry.file_name().to_string_lossy().contains(".damaged-")));
}

#[test]
fn memory_journal_drops_its_oldest() {
    let mut journal = MemoryJournal::with_limit(10 * 400);
    for id in 0..100 {
        journal.append(&[post(1, Some(id), &"x".repeat(250))]).unwrap();
    }
    let oldest = journal.reader().oldest();
    assert_eq!((oldest, journal.head()), (91, 100));
    assert_eq!(journal.reader().read(1, ALL).unwrap().first().unwrap().seq(), oldest);
}

/// As after a backup was restored next to the marker of the directory that it came from.
#[test]
fn check_reports_a_lost_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    journal.append(&[post(1, None, "a")]).unwrap();
    journal.close().unwrap();
    let backup = std::fs::read(dir.path().join(STORE)).unwrap();
    journal.append(&[post(1, None, "b"), post(1, None, "c")]).unwrap();
    journal.close().unwrap();
    drop(journal);
    assert_eq!(check_store(dir.path()).unwrap().lost_end, None);
    std::fs::write(dir.path().join(STORE), backup).unwrap();
    let report = check_store(dir.path()).unwrap();
    assert_eq!((report.is_good(), report.head, report.lost_end), (true, 1, Some(3)));
}

#[test]
fn probe_writes_and_stores_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    let log = || std::fs::read(dir.path().join("room.db-wal")).unwrap();
    let before = log();
    journal.probe().unwrap();
    assert!(log() != before, "a page and its frame");
    journal.store.connection.pragma_update(None, "query_only", true).unwrap();
    assert!(journal.probe().is_err());
    journal.store.connection.pragma_update(None, "query_only", false).unwrap();
    journal.append(&[account(1)]).unwrap();
    assert_eq!(journal.head(), 0);
    drop(journal);
    assert!(check_store(dir.path()).unwrap().is_good());
}

#[cfg(unix)]
#[test]
fn shortened_log_stops_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    journal.append(&[account(1)]).unwrap();
    let log = std::fs::File::options().write(true).open(dir.path().join("room.db-wal")).unwrap();
    log.set_len(0).unwrap();
    assert!(matches!(journal.append(&[account(2)]), Err(JournalError::Replaced { .. })));
    assert!(journal.probe().is_err());
}
