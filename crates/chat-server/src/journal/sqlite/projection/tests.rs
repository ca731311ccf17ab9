//! Applies batches to stores of nodes, in different groups, after failures, and against the rules.

use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_proto::{Nickname, PostId, Text};
use proptest::prelude::*;

use super::*;
use crate::accounts::TokenHash;
use crate::action::{AccountId, ActionDraft, OperatorAction};
use crate::entry::{Author, Draft, SERVER_ACCOUNT};
use crate::journal::sqlite::{SqliteJournal, revoke_account_by_id};
use crate::journal::{Journal as _, ReadLimit};
use crate::replication::rules::{Divergence, EPOCH_KEPT_MS, NumberVerdict};
use crate::replication::{BatchEntry, EntryOutcome, Node, NodeProgress, ProposedBatch};

const GENERATION: Generation = Generation::from_bytes([7; 16]);
const ALL: ReadLimit = ReadLimit { messages: usize::MAX, bytes: usize::MAX };

mod node;
mod store;

/// A log that stores every batch at once.
struct TestLog {
    end: ChainLink,
    placed: Vec<PlacedBatch>,
    numbers: [u64; 3],
}

impl TestLog {
    fn new() -> Self {
        Self { end: ChainLink::beginning(GENERATION), placed: Vec::new(), numbers: [0; 3] }
    }

    /// Appends the next batch of an epoch, at a time of both clocks.
    fn add(&mut self, epoch: usize, at: i64, entries: Vec<BatchEntry>) -> PlacedBatch {
        self.numbers[epoch] += 1;
        let number = self.numbers[epoch];
        let base = self.end;
        self.place(ProposedBatch { generation: GENERATION, epoch: epoch as u64, number, at, base, entries }, at)
    }

    /// Appends a batch as it is, at a time of the log.
    fn place(&mut self, batch: ProposedBatch, at: i64) -> PlacedBatch {
        self.repeat(batch.encode().unwrap(), at)
    }

    fn repeat(&mut self, bytes: Bytes, at: i64) -> PlacedBatch {
        self.end = self.end.after(at, &bytes);
        let placed = PlacedBatch { place: self.end.place, at, bytes };
        self.placed.push(placed.clone());
        placed
    }
}

fn post(account: AccountId, id: Option<u8>, text: &str) -> BatchEntry {
    let author = Arc::new(Author { id: account, nickname: Nickname::new(&format!("Keen {account}")).unwrap() });
    let id = id.map(|id| PostId::new(&format!("p{id}")).unwrap());
    BatchEntry::of(&Draft::Post { author, id, text: Text::new(text).unwrap() })
}

fn register(number: u8, nickname: &str) -> BatchEntry {
    let (token, nickname) = (TokenHash::from_bytes([number; 32]), Nickname::new(nickname).unwrap());
    BatchEntry::of(&Draft::Account { token, nickname })
}

fn act(action: OperatorAction) -> BatchEntry {
    BatchEntry::of(&Draft::Action(ActionDraft { actor: Nickname::new("operator").unwrap(), reason: None, action }))
}

fn rename(account: AccountId, to: &str) -> BatchEntry {
    act(OperatorAction::Rename { account, nickname: String::new(), to: to.into() })
}

fn revoke(account: AccountId) -> BatchEntry {
    act(OperatorAction::Revoke { account, nickname: String::new() })
}

fn created() -> (tempfile::TempDir, SqliteProjection) {
    let dir = tempfile::tempdir().unwrap();
    let projection = SqliteProjection::create(dir.path(), GENERATION).unwrap();
    (dir, projection)
}

/// Creates another node with a copy of the store, which must be closed.
fn copied(dir: &Path) -> (tempfile::TempDir, SqliteProjection) {
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(dir.join("room.db"), copy.path().join("room.db")).unwrap();
    let projection = SqliteProjection::open(copy.path()).unwrap();
    (copy, projection)
}

fn outcomes(run: &AppliedRun) -> Vec<EntryOutcome> {
    run.batches.iter().flat_map(|batch| &batch.entries).map(|(_, outcome)| *outcome).collect()
}

fn texts(projection: &SqliteProjection) -> Vec<String> {
    let entries = projection.reader().read(1, ALL).unwrap();
    entries.iter().map(|entry| entry.message().map_or_else(String::new, |found| found.text.to_string())).collect()
}

/// A random entry of few accounts, ids and names, so that they meet often.
fn entry() -> impl Strategy<Value = BatchEntry> {
    let name = || prop::sample::select(&["Keen Bob", "Keen ВОВ", "Calm Eve", "Calm Igor", "Calm igor"][..]);
    prop_oneof![
        6 => (0..4i64, prop::option::of(0..4u8)).prop_map(|(account, id)| post(account, id, "text")),
        2 => (0..4u8, name()).prop_map(|(number, name)| register(number, name)),
        1 => (1..4i64, name()).prop_map(|(account, to)| rename(account, to)),
        1 => (1..4i64).prop_map(revoke),
        1 => (1..4i64).prop_map(|account| act(OperatorAction::Restore { account, nickname: String::new() })),
        1 => (1..4i64).prop_map(|account| act(OperatorAction::Erase { account })),
        1 => (0..20u64).prop_map(|seq| act(OperatorAction::Remove { seqs: vec![seq] })),
        1 => (0..20u64).prop_map(|through| BatchEntry::Expire { through }),
        1 => Just(BatchEntry::Barrier),
    ]
}

#[derive(Debug, Clone)]
enum LogStep {
    Batch {
        epoch: usize,
        clock: i64,
        entries: Vec<BatchEntry>,
    },
    /// The batch so many places ago is stored again.
    Repeat(usize),
    /// The next batch of an epoch was lost.
    Lose(usize),
}

fn steps() -> impl Strategy<Value = Vec<LogStep>> {
    let entries = || prop::collection::vec(entry(), 0..5);
    let step = prop_oneof![
        6 => (0..3usize, -100..100i64, entries())
            .prop_map(|(epoch, clock, entries)| LogStep::Batch { epoch, clock, entries }),
        1 => (0..5usize).prop_map(LogStep::Repeat),
        1 => (0..3usize).prop_map(LogStep::Lose),
    ];
    prop::collection::vec(step, 1..25)
}

fn log_of(steps: Vec<LogStep>) -> TestLog {
    let mut log = TestLog::new();
    for (step, now) in steps.into_iter().zip((1_000..).step_by(10)) {
        match step {
            LogStep::Batch { epoch, clock, entries } => {
                log.numbers[epoch] += 1;
                let (number, base) = (log.numbers[epoch], log.end);
                let at = now + clock;
                log.place(
                    ProposedBatch { generation: GENERATION, epoch: epoch as u64, number, at, base, entries },
                    now,
                );
            }
            LogStep::Repeat(back) => {
                let index = log.placed.len().checked_sub(1 + back);
                if let Some(bytes) = index.map(|index| log.placed[index].bytes.clone()) {
                    log.repeat(bytes, now);
                }
            }
            LogStep::Lose(epoch) => log.numbers[epoch] += 1,
        }
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Two nodes read the log in different pieces; one of them is restarted, and its disk fails again and again.
    #[test]
    fn any_two_nodes_come_to_the_same_store(steps in steps(), sizes in prop::collection::vec(1..5usize, 30)) {
        let log = log_of(steps);
        let (dir, mut one) = created();
        one.close().unwrap();
        drop(one);
        let (other_dir, mut other) = copied(dir.path());
        let mut one = SqliteProjection::open(dir.path()).unwrap();
        let mut all = Vec::new();
        let (mut rest, mut sizes) = (&log.placed[..], sizes.into_iter());
        while !rest.is_empty() {
            let (now, later) = rest.split_at(sizes.next().unwrap_or(9).min(rest.len()));
            all.extend(one.apply(now).unwrap().batches);
            rest = later;
        }
        let mut works = false;
        other = other.with_commit_check(move || { works = !works; !works });
        let mut again = Vec::new();
        for (index, placed) in log.placed.iter().enumerate() {
            let run = match other.apply(std::slice::from_ref(placed)) {
                Ok(run) => run,
                Err(_) => other.apply(std::slice::from_ref(placed)).unwrap(),
            };
            again.extend(run.batches);
            if index % 7 == 3 {
                let mut works = false;
                drop(other);
                other = SqliteProjection::open(other_dir.path()).unwrap()
                    .with_commit_check(move || { works = !works; !works });
            }
        }
        prop_assert_eq!(&all, &again);
        prop_assert_eq!(one.applied(), log.end);
        prop_assert_eq!(one.content_hash().unwrap(), other.content_hash().unwrap());
    }

    /// The numbers of messages have no holes, and each id of an author is stored once.
    #[test]
    fn applying_keeps_the_rules_of_a_journal(steps in steps()) {
        let log = log_of(steps);
        let (_dir, mut projection) = created();
        let run = projection.apply(&log.placed).unwrap();
        prop_assert!(run.stopped.is_none());
        let (mut head, mut last_at) = (0, 0);
        for outcome in outcomes(&run) {
            match outcome {
                EntryOutcome::Fresh { seq, at } => {
                    prop_assert_eq!(seq, head + 1);
                    prop_assert!(at >= last_at);
                    (head, last_at) = (seq, at);
                }
                EntryOutcome::Repeated { seq } => prop_assert!(seq <= head),
                _ => {}
            }
        }
        prop_assert_eq!(projection.head(), head);
        prop_assert!(projection.applied_at() <= log.placed.iter().map(|placed| placed.at).max().unwrap_or(0));
        let accounts = projection.accounts().unwrap();
        let names: Vec<_> = accounts.iter().filter(|account| !account.is_erased()).map(|found| &found.nickname).collect();
        for (index, name) in names.iter().enumerate() {
            for other in &names[..index] {
                prop_assert!(name != other && !chat_proto::display::looks_like(name.as_str(), other.as_str()));
            }
        }
    }
}

#[test]
fn repeated_and_early_batches_add_nothing() {
    let (_dir, mut projection) = created();
    let mut log = TestLog::new();
    let first = log.add(0, 1, vec![post(0, None, "one")]);
    log.repeat(first.bytes.clone(), 2);
    // The second batch is lost, and then sent again with the third.
    log.numbers[0] += 1;
    let third = log.add(0, 3, vec![post(0, None, "three")]);
    let base = ChainLink::beginning(GENERATION);
    let entries = vec![post(0, None, "two")];
    log.place(ProposedBatch { generation: GENERATION, epoch: 0, number: 2, at: 4, base, entries }, 4);
    log.repeat(third.bytes, 5);
    let run = projection.apply(&log.placed).unwrap();
    let verdicts: Vec<_> = run.batches.iter().map(|batch| batch.verdict).collect();
    use NumberVerdict::{Apply, Early, Repeated};
    assert_eq!(verdicts, [Apply, Repeated, Early, Apply, Apply]);
    assert_eq!(texts(&projection), ["one", "two", "three"]);
}

#[test]
fn an_id_is_stored_once_for_all_nodes() {
    let (_dir, mut projection) = created();
    let mut log = TestLog::new();
    log.add(0, 1, vec![register(1, "Keen Bob"), post(1, Some(1), "one")]);
    log.add(1, 2, vec![post(1, Some(1), "one"), post(1, Some(2), "two")]);
    let run = projection.apply(&log.placed).unwrap();
    assert_eq!(outcomes(&run)[2..], [EntryOutcome::Repeated { seq: 1 }, EntryOutcome::Fresh { seq: 2, at: 2 }]);
}

#[test]
fn names_that_look_alike_are_given_once() {
    let (_dir, mut projection) = created();
    let mut log = TestLog::new();
    log.add(0, 1, vec![register(1, "Keen Bob"), register(2, "Calm Eve")]);
    log.add(1, 2, vec![register(3, "Keen ВОВ"), rename(2, "Keen B0B"), rename(2, "Shy Eve"), register(4, "Calm EVE")]);
    log.add(2, 3, vec![act(OperatorAction::Erase { account: 1 }), register(5, "Keen Bob"), rename(1, "Wise Owl")]);
    let run = projection.apply(&log.placed).unwrap();
    use EntryOutcome::{Acted, LooksTaken, Registered};
    let expected = [
        Registered(1),
        Registered(2),
        LooksTaken,
        LooksTaken,
        Acted { number: 1, at: 2 },
        // A former name stays taken.
        LooksTaken,
        Acted { number: 2, at: 3 },
        Registered(3),
        Acted { number: 3, at: 3 },
    ];
    assert_eq!(outcomes(&run), expected);
    // An erased account cannot be renamed.
    assert!(projection.accounts().unwrap()[0].is_erased());
}

#[test]
fn nothing_follows_a_revocation() {
    let (_dir, mut projection) = created();
    let mut log = TestLog::new();
    log.add(0, 1, vec![register(1, "Keen Bob"), post(1, Some(1), "before")]);
    log.add(1, 2, vec![revoke(1)]);
    // The node that accepts the post does not know it yet.
    log.add(0, 3, vec![post(1, Some(2), "after"), post(SERVER_ACCOUNT, None, "other")]);
    let run = projection.apply(&log.placed).unwrap();
    assert_eq!(outcomes(&run)[3..], [EntryOutcome::Revoked, EntryOutcome::Fresh { seq: 2, at: 3 }]);
    assert_eq!(texts(&projection), ["before", "other"]);
}

#[test]
fn an_erased_account_leaves_no_text() {
    let (_dir, mut projection) = created();
    let mut log = TestLog::new();
    log.add(0, 1, vec![register(1, "Keen Bob"), post(1, None, "known")]);
    // The node of the operator has not seen this one when it removes the messages of the account.
    log.add(0, 2, vec![post(1, None, "unknown")]);
    log.add(1, 3, vec![act(OperatorAction::Remove { seqs: vec![1] }), act(OperatorAction::Erase { account: 1 })]);
    projection.apply(&log.placed).unwrap();
    assert_eq!(texts(&projection), ["", ""]);
}

/// An action that was proposed before an erasure and placed after it does not bring the names back.
#[test]
fn an_erased_account_leaves_no_name() {
    let (_dir, mut projection) = created();
    let mut log = TestLog::new();
    log.add(0, 1, vec![register(1, "Keen Bob"), act(OperatorAction::Erase { account: 1 })]);
    let name = || "Keen Bob".to_owned();
    let late = [
        OperatorAction::Mute { account: 1, nickname: name(), until: None },
        OperatorAction::Rename { account: 1, nickname: name(), to: "Calm Bob".to_owned() },
    ];
    log.add(1, 2, late.into_iter().map(act).collect());
    projection.apply(&log.placed).unwrap();
    let actions = projection.reader().actions().unwrap();
    assert_eq!(actions.len(), 3);
    assert!(!format!("{actions:?}").contains("Bob"), "{actions:?}");
}

#[test]
fn only_a_removal_empties_the_write_ahead_log() {
    let (dir, mut projection) = created();
    let mut log = TestLog::new();
    projection.tidy().unwrap();
    let logged = || std::fs::metadata(dir.path().join("room.db-wal")).unwrap().len();
    projection.apply(&[log.add(0, 1, vec![post(0, None, "unmistakable")])]).unwrap();
    assert!(logged() > 0);
    let reads = rusqlite::Connection::open(dir.path().join("room.db")).unwrap();
    reads.execute_batch("BEGIN; SELECT count(*) FROM message;").unwrap();
    projection.apply(&[log.add(0, 2, vec![act(OperatorAction::Remove { seqs: vec![1] })])]).unwrap();
    // A reader needs it. Later it is emptied.
    assert!(logged() > 0);
    drop(reads);
    projection.tidy().unwrap();
    assert_eq!(logged(), 0);
    projection.apply(&[log.add(0, 3, vec![BatchEntry::Expire { through: 1 }])]).unwrap();
    assert_eq!(logged(), 0);
}

#[test]
fn after_a_failed_sync_the_store_is_opened_again() {
    let (dir, mut projection) = created();
    let mut log = TestLog::new();
    let one = log.add(0, 1, vec![post(0, None, "one")]);
    projection.may_commit = Box::new(|| Err(JournalError::SyncFailed));
    assert!(matches!(projection.apply(std::slice::from_ref(&one)), Err(JournalError::SyncFailed)));
    projection.may_commit = Box::new(|| Ok(()));
    assert!(matches!(projection.apply(std::slice::from_ref(&one)), Err(JournalError::SyncFailed)));
    assert!(matches!(projection.tidy(), Err(JournalError::SyncFailed)));
    assert!(matches!(projection.close(), Err(JournalError::SyncFailed)));
    drop(projection);
    let mut projection = SqliteProjection::open(dir.path()).unwrap();
    projection.apply(&[one]).unwrap();
    assert_eq!(texts(&projection), ["one"]);
}

#[test]
fn one_wrong_clock_does_not_move_the_time() {
    let (_dir, mut projection) = created();
    let mut log = TestLog::new();
    let mut add = |epoch, clock, placed| {
        let (base, entries) = (ChainLink::beginning(GENERATION), vec![post(0, None, "x")]);
        let batch = ProposedBatch { generation: GENERATION, epoch, number: 1, at: clock, base, entries };
        log.place(batch, placed)
    };
    let placed = [add(1, 9_000_000, 1_000), add(2, 1_100, 1_100), add(3, 5, 1_200)];
    let run = projection.apply(&placed).unwrap();
    let times: Vec<_> = outcomes(&run)
        .into_iter()
        .filter_map(|outcome| if let EntryOutcome::Fresh { at, .. } = outcome { Some(at) } else { None })
        .collect();
    assert_eq!(times, [1_000, 1_100, 1_100]);
}
