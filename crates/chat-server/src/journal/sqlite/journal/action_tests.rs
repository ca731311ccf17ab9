//! Actions of operators in both journals: replay, crashes, repair, and what is left of a removed text.

use std::fs;
use std::time::Duration;

use chat_proto::{Nickname, Text};
use proptest::prelude::*;

use super::tests::{ALL, account, post};
use super::*;
use crate::accounts::TokenHash;
use crate::action::{ActionDraft, OperatorAction, Sanctions};
use crate::entry::{Author, LogEntry};
use crate::journal::MemoryJournal;
use crate::journal::data_dir::STORE;
use crate::journal::sqlite::schema;

fn draft(action: OperatorAction) -> Draft {
    let (actor, reason) = (Nickname::new("root").unwrap(), Text::new("because").ok());
    Draft::Action(ActionDraft { actor, reason, action })
}

fn remove(seqs: impl Into<Vec<Seq>>) -> Draft {
    draft(OperatorAction::Remove { seqs: seqs.into() })
}

#[derive(Debug, Clone)]
enum RoomStep {
    Post(AccountId),
    Act(OperatorAction),
    Reopen,
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<RoomStep>> {
    let nickname = || "Keen Bob".to_owned();
    let of = move |account: AccountId, kind: u8, until: Option<i64>| match kind {
        0 => OperatorAction::Mute { account, nickname: nickname(), until },
        1 => OperatorAction::Unmute { account, nickname: nickname() },
        2 => OperatorAction::Ban { account, nickname: nickname(), until },
        3 => OperatorAction::Unban { account, nickname: nickname() },
        4 => OperatorAction::Revoke { account, nickname: nickname() },
        5 => OperatorAction::Restore { account, nickname: nickname() },
        6 => OperatorAction::BanAddress { addresses: format!("192.0.2.{account}").parse().unwrap(), until },
        7 => OperatorAction::UnbanAddress { addresses: format!("192.0.2.{account}").parse().unwrap() },
        8 => OperatorAction::Rename { account, nickname: nickname(), to: format!("Odd {}", until.unwrap_or(3)) },
        9 => OperatorAction::Token { account, nickname: nickname(), hash: TokenHash::from_bytes([account as u8; 32]) },
        10 => OperatorAction::Erase { account },
        _ => OperatorAction::Kick { account, nickname: nickname() },
    };
    let step = prop_oneof![
        4 => (1..4i64).prop_map(RoomStep::Post),
        2 => prop::collection::vec(1..30u64, 1..4).prop_map(|seqs| RoomStep::Act(OperatorAction::Remove { seqs })),
        4 => (1..4i64, 0..12u8, prop::option::of(0..2i64)).prop_map(move |(account, kind, until)| {
            RoomStep::Act(of(account, kind, until.map(|end| end * i64::MAX / 2)))
        }),
        1 => Just(RoomStep::Reopen),
        1 => Just(RoomStep::Kill),
    ];
    prop::collection::vec(step, 1..40)
}

/// Entries, accounts and actions of a journal, without the times.
type Content = (Vec<String>, Vec<(AccountId, TokenHash, Nickname, bool)>, Vec<(u64, Seq, ActionDraft)>);

/// Returns what a journal has.
fn content(journal: &mut dyn Journal) -> Content {
    let entries = journal.reader().read(1, ALL).unwrap();
    let entries = entries.iter().map(|entry| match entry {
        LogEntry::Message(message) => format!("{} {}: {}", message.seq, message.nickname, message.text),
        LogEntry::Removed(tombstone) => format!("{} removed by {} {:?}", tombstone.seq, tombstone.by, tombstone.reason),
    });
    let accounts = journal.accounts().unwrap().into_iter().map(|of| (of.id, of.token, of.nickname, of.revoked));
    let actions =
        journal.reader().actions().unwrap().into_iter().map(|record| (record.number, record.head, record.draft));
    (entries.collect(), accounts.collect(), actions.collect())
}

fn replayed(journal: &mut dyn Journal) -> Sanctions {
    let mut sanctions = Sanctions::default();
    journal.reader().actions().unwrap().iter().for_each(|record| sanctions.apply(&record.draft));
    sanctions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn replay_leads_to_the_live_state(steps in steps()) {
        let mut dir = tempfile::tempdir().unwrap();
        let mut sqlite = SqliteJournal::open(dir.path()).unwrap();
        let mut memory = MemoryJournal::new();
        let mut live = Sanctions::default();
        for journal in [&mut sqlite as &mut dyn Journal, &mut memory] {
            journal.append(&[account(1), account(2), account(3)]).unwrap();
        }
        for (number, step) in steps.iter().enumerate() {
            let next = match step {
                RoomStep::Post(account) => post(*account, None, &format!("text {number}")),
                RoomStep::Act(action) => {
                    let act = draft(action.clone());
                    if let Draft::Action(draft) = &act {
                        live.apply(draft);
                    }
                    act
                }
                RoomStep::Reopen => {
                    drop(sqlite);
                    sqlite = SqliteJournal::open(dir.path()).unwrap();
                    prop_assert_eq!(sqlite.recovery(), None);
                    continue;
                }
                RoomStep::Kill => {
                    let copy = killed(dir.path());
                    sqlite = SqliteJournal::open(copy.path()).unwrap();
                    dir = copy;
                    prop_assert_eq!(sqlite.recovery(), None);
                    continue;
                }
            };
            sqlite.append(std::slice::from_ref(&next)).unwrap();
            memory.append(&[next]).unwrap();
        }
        prop_assert_eq!(content(&mut sqlite), content(&mut memory));
        drop(sqlite);
        let mut sqlite = SqliteJournal::open(dir.path()).unwrap();
        prop_assert_eq!(content(&mut sqlite), content(&mut memory));
        prop_assert_eq!(&replayed(&mut sqlite), &live);
        prop_assert_eq!(&replayed(&mut memory), &live);
    }
}

/// Copies the files of an open store, as `kill -9` would leave them.
pub(super) fn killed(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(dir).unwrap().flatten() {
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

#[test]
fn an_action_and_its_effect_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    journal.append(&[account(1), post(1, Some(1), "one"), post(1, None, "two")]).unwrap();
    let revoke = draft(OperatorAction::Revoke { account: 1, nickname: "n1".into() });
    let appended = journal.append(&[remove([1]), revoke, post(1, Some(1), "one")]).unwrap();
    assert!(matches!(appended[..], [Appended::Action { number: 1, .. }, Appended::Action { number: 2, .. }, _]));
    assert_eq!(appended[2], Appended::Repeated { seq: 1 }, "a removed post is not stored again");
    let copy = killed(dir.path());
    let mut again = SqliteJournal::open(copy.path()).unwrap();
    assert_eq!(again.recovery(), None);
    assert_eq!(content(&mut again), content(&mut journal));
    assert_eq!(content(&mut again).0[0], "1 removed by root Some(Text(\"because\"))");
    assert!(content(&mut again).1[0].3, "revoked");
}

#[test]
fn an_erased_account_is_in_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    let nickname = || "Keen SECRETNAME".to_owned();
    let (token, name) = (TokenHash::from_bytes([7; 32]), Nickname::new(&nickname()).unwrap());
    journal.append(&[account(1), Draft::Account { token, nickname: name.clone() }]).unwrap();
    let author = Arc::new(Author { id: 2, nickname: name });
    let text = Text::new("SECRETTEXT").unwrap();
    journal.append(&[post(1, None, "kept"), Draft::Post { author, id: None, text }]).unwrap();
    journal
        .append(&[
            draft(OperatorAction::Mute { account: 2, nickname: nickname(), until: None }),
            draft(OperatorAction::Rename { account: 2, nickname: nickname(), to: "Odd SECRETTWO".into() }),
            draft(OperatorAction::Kick { account: 1, nickname: "Keen Bob".into() }),
        ])
        .unwrap();
    assert!(!files_with(dir.path(), "SECRETNAME").is_empty() && !files_with(dir.path(), "SECRETTWO").is_empty());
    journal.append(&[remove([2])]).unwrap();
    journal.append(&[draft(OperatorAction::Erase { account: 2 })]).unwrap();
    for secret in ["SECRETNAME", "SECRETTWO", "SECRETTEXT", "\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}"] {
        assert_eq!(files_with(dir.path(), secret), Vec::<String>::new(), "{secret:?}");
    }
    let copy = killed(dir.path());
    let mut again = SqliteJournal::open(copy.path()).unwrap();
    assert_eq!(content(&mut again), content(&mut journal));
    let (_, accounts, actions) = content(&mut again);
    assert_eq!((accounts[1].0, accounts[1].2.as_str(), accounts[1].3), (2, "erased-2", true));
    assert!(matches!(&actions[2].2.action, OperatorAction::Kick { nickname, .. } if nickname == "Keen Bob"));
    // Its number is not given to another account.
    assert_eq!(again.append(&[account(3)]).unwrap(), [Appended::Account(3)]);
}

/// Returns the files that contain a text.
fn files_with(dir: &Path, text: &str) -> Vec<String> {
    let holds = |path: &Path| fs::read(path).unwrap().windows(text.len()).any(|found| found == text.as_bytes());
    let files = fs::read_dir(dir).unwrap().flatten().filter(|file| holds(&file.path()));
    files.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_removed_text_is_in_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    // Small ones, ones that fill a page, and ones that need several.
    let secret = |number: usize| format!("SECRET{number:04}END");
    let text = |number: usize| format!("{}{}", secret(number), "x".repeat([10, 700, 3_900, 12_000][number % 4]));
    for number in 0..200 {
        journal.append(&[post(1, None, &text(number))]).unwrap();
    }
    journal.store.connection.execute_batch("PRAGMA wal_checkpoint(FULL)").unwrap();
    assert!(!files_with(dir.path(), &secret(7)).is_empty());
    journal.append(&[remove((1..=200).filter(|seq| seq % 3 == 0).collect::<Vec<_>>())]).unwrap();
    for number in 0..200 {
        let found = files_with(dir.path(), &secret(number));
        assert_eq!(found.is_empty(), (number + 1) % 3 == 0, "{number} is in {found:?}");
    }
    // A reader that still needs the log delays its erasure, and not for ever.
    let reader = schema::open_for_reading(&dir.path().join(STORE)).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let _: i64 = reader.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).unwrap();
    journal.store.connection.busy_timeout(Duration::ZERO).unwrap();
    journal.append(&[post(1, None, "LATESECRET"), remove([201])]).unwrap();
    journal.append(&[post(1, None, "LASTSECRET")]).unwrap();
    journal.append(&[remove([202])]).unwrap();
    assert!(journal.store.erasing);
    drop(reader);
    journal.tidy().unwrap();
    assert!(!journal.store.erasing);
    for secret in ["LATESECRET", "LASTSECRET"] {
        assert_eq!(files_with(dir.path(), secret), Vec::<String>::new());
    }
}

/// Damages a page of messages.
pub(super) fn damage(dir: &Path, text: &str) {
    let path = dir.join(STORE);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(text.len()).position(|found| found == text.as_bytes()).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
}

#[test]
fn repair_keeps_actions_and_tombstones() {
    // A store of an earlier program has its table of actions elsewhere.
    for earlier in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = SqliteJournal::open(dir.path()).unwrap();
        if earlier {
            journal.store.connection.execute_batch("DROP TABLE action").unwrap();
        }
        for number in 0..100 {
            journal.append(&[post(1, None, &format!("message {number} {}", "x".repeat(300)))]).unwrap();
        }
        journal.close().unwrap();
        drop(journal);
        let mut journal = SqliteJournal::open(dir.path()).unwrap();
        journal.append(&[remove([5, 6]), draft(OperatorAction::Kick { account: 1, nickname: "n1".into() })]).unwrap();
        let before = content(&mut journal);
        journal.close().unwrap();
        drop(journal);
        damage(dir.path(), "message 50 ");
        let mut journal = SqliteJournal::open(dir.path()).unwrap();
        assert!(matches!(journal.recovery(), Some(Recovery::SetAside { .. })));
        let after = content(&mut journal);
        assert_eq!((after.2, after.0.len()), (before.2, 99), "earlier program: {earlier}");
        assert!(after.0[4].contains("removed by root"));
    }
}

#[test]
fn earlier_programs_open_stores_without_actions_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    let format = |journal: &SqliteJournal| -> i64 {
        journal.store.connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    };
    journal.append(&[post(1, None, "one")]).unwrap();
    journal.probe().unwrap();
    assert_eq!(format(&journal), 1);
    journal.append(&[remove([1])]).unwrap();
    journal.probe().unwrap();
    assert_eq!(format(&journal), 2);
    journal.append(&[draft(OperatorAction::Erase { account: 1 })]).unwrap();
    assert_eq!(format(&journal), 3, "programs that know tombstones only would take it for damage");
    journal.append(&[remove([1])]).unwrap();
    assert_eq!(format(&journal), 3);
    journal.close().unwrap();
    drop(journal);
    assert_eq!(SqliteJournal::open(dir.path()).unwrap().recovery(), None);
}
