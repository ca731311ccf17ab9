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

#[test]
fn an_epoch_is_forgotten_after_seven_days() {
    let (_dir, mut projection) = created();
    let mut log = TestLog::new();
    let first = log.add(0, 1, vec![BatchEntry::Barrier]);
    log.add(1, 1 + EPOCH_KEPT_MS, vec![BatchEntry::Barrier]);
    log.repeat(first.bytes.clone(), 1 + EPOCH_KEPT_MS);
    log.add(1, 2 + EPOCH_KEPT_MS, vec![BatchEntry::Barrier]);
    log.repeat(first.bytes, 3 + EPOCH_KEPT_MS);
    let run = projection.apply(&log.placed).unwrap();
    let verdicts: Vec<_> = run.batches.iter().map(|batch| batch.verdict).collect();
    use NumberVerdict::{Apply, Repeated};
    assert_eq!(verdicts, [Apply, Apply, Repeated, Apply, Apply]);
}

const DAY: i64 = 24 * 60 * 60 * 1000;

/// A node that appends and reads without delay.
struct NodeAtLog {
    node: Node<SqliteProjection, u64>,
    log: TestLog,
    now: Instant,
    clock: i64,
    _dir: tempfile::TempDir,
}

impl NodeAtLog {
    fn new() -> Self {
        let (_dir, projection) = created();
        Self { node: Node::new(projection, 77), log: TestLog::new(), now: Instant::now(), clock: DAY, _dir }
    }

    fn propose(&mut self, number: u64) {
        let entries = vec![post(SERVER_ACCOUNT, None, &number.to_string())];
        self.node.propose(vec![(number, entries)], self.clock, self.now).unwrap();
    }

    fn store(&mut self, bytes: Bytes) {
        self.log.repeat(bytes, self.clock);
    }

    fn read(&mut self) -> NodeProgress<u64> {
        let unread = usize::try_from(self.node.projection().applied().place).unwrap();
        self.node.receive(&self.log.placed[unread..], self.now).unwrap()
    }

    /// Appends and reads until nothing is in flight, and returns the requests that were answered.
    fn settle(&mut self) -> Vec<u64> {
        let mut answered = Vec::new();
        for _ in 0..20 {
            while let Some(bytes) = self.node.poll_transmit() {
                self.store(bytes);
            }
            answered.extend(self.read().answers.into_iter().map(|answer| answer.request));
            let Some(due) = self.node.deadline() else { break };
            self.now = due;
            self.node.handle_timeout(due);
        }
        assert!(self.node.is_idle());
        answered
    }
}

#[test]
fn a_node_goes_on_after_a_quiet_week() {
    let mut one = NodeAtLog::new();
    one.propose(0);
    assert_eq!(one.settle(), [0]);
    one.clock += 8 * DAY;
    one.propose(1);
    assert_eq!(one.settle(), [1]);
    // The clock of this node stands, and it has not read what another one appends.
    let clock = one.clock;
    one.log.add(0, clock + 8 * DAY, Vec::new());
    (2..5).for_each(|number| one.propose(number));
    one.clock = clock + 8 * DAY;
    assert_eq!(one.settle(), [2, 3, 4]);
    assert_eq!(texts(one.node.projection()), ["0", "1", "2", "3", "4"]);
}

#[derive(Debug, Clone)]
enum NodeStep {
    Propose,
    /// One of the batches that were sent is stored.
    Store(prop::sample::Index),
    /// What was not stored is lost.
    Pass {
        days: i64,
    },
    Wait {
        millis: u64,
    },
}

fn node_steps() -> impl Strategy<Value = Vec<NodeStep>> {
    let step = prop_oneof![
        4 => Just(NodeStep::Propose),
        4 => any::<prop::sample::Index>().prop_map(NodeStep::Store),
        1 => (1..10i64).prop_map(|days| NodeStep::Pass { days }),
        2 => (0..4_000u64).prop_map(|millis| NodeStep::Wait { millis }),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Batches are lost, late and repeated, and days pass while they are in flight: each is applied once, in its order.
    #[test]
    fn a_new_epoch_repeats_and_loses_nothing(steps in node_steps()) {
        let mut one = NodeAtLog::new();
        let (mut proposed, mut answered, mut sent) = (0, Vec::new(), Vec::new());
        for step in steps {
            match step {
                NodeStep::Propose if one.node.is_ready() => {
                    one.propose(proposed);
                    proposed += 1;
                }
                NodeStep::Propose => {}
                NodeStep::Store(index) if !sent.is_empty() => {
                    let bytes: &Bytes = index.get(&sent);
                    one.store(bytes.clone());
                    answered.extend(one.read().answers.into_iter().map(|answer| answer.request));
                }
                NodeStep::Store(_) => {}
                NodeStep::Pass { days } => {
                    one.clock += days * DAY;
                    sent.clear();
                }
                NodeStep::Wait { millis } => {
                    one.now += Duration::from_millis(millis);
                    one.node.handle_timeout(one.now);
                }
            }
            sent.extend(std::iter::from_fn(|| one.node.poll_transmit()));
        }
        answered.extend(one.settle());
        prop_assert_eq!(&answered, &(0..proposed).collect::<Vec<_>>());
        let expected: Vec<_> = (0..proposed).map(|number| number.to_string()).collect();
        prop_assert_eq!(texts(one.node.projection()), expected);
    }
}

#[test]
fn another_log_stops_the_node_for_good() {
    let (dir, mut projection) = created();
    let mut log = TestLog::new();
    let good = log.add(0, 1, vec![post(0, None, "one")]);
    let before = log.end;
    let stops = |bytes: Bytes| PlacedBatch { place: 2, at: 2, bytes };
    let batch = |generation: Generation, base: ChainLink| ProposedBatch {
        generation,
        epoch: 1,
        number: 1,
        at: 2,
        base,
        entries: vec![post(0, None, "two")],
    };
    let other = ChainLink { place: 1, hash: before.hash.after(1, b"other") };
    let mut torn = batch(GENERATION, before).encode().unwrap().to_vec();
    torn[40] ^= 1;
    let cases = [
        (batch(Generation::from_bytes([8; 16]), before).encode().unwrap(), Divergence::Generation),
        (batch(GENERATION, other).encode().unwrap(), Divergence::Base(1)),
        (batch(GENERATION, ChainLink { place: 2, ..before }).encode().unwrap(), Divergence::BaseAhead(2)),
        (torn.into(), Divergence::Unreadable(crate::replication::BatchError::Checksum)),
    ];
    projection.apply(std::slice::from_ref(&good)).unwrap();
    let hash = projection.content_hash().unwrap();
    projection.close().unwrap();
    drop(projection);
    for (bytes, why) in cases {
        let mut projection = SqliteProjection::open(dir.path()).unwrap();
        let run = projection.apply(&[stops(bytes)]).unwrap();
        assert_eq!((run.batches.len(), run.stopped), (0, Some(StoppedAt { place: 2, why })));
        assert_eq!((projection.applied().place, projection.content_hash().unwrap()), (1, hash));
    }
}

#[test]
fn a_store_has_one_use() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    let nickname = Nickname::new("Keen Bob").unwrap();
    journal.append(&[Draft::Account { token: TokenHash::from_bytes([1; 32]), nickname: nickname.clone() }]).unwrap();
    let stream = journal.streams().to_vec();
    drop(journal);
    assert!(matches!(SqliteProjection::open(dir.path()), Err(JournalError::NotOfCluster)));
    let mut projection = SqliteProjection::create(dir.path(), GENERATION).unwrap();
    assert_eq!(projection.streams(), stream);
    // The names of before are taken.
    let mut log = TestLog::new();
    let run = projection.apply(&[log.add(0, 1, vec![register(2, "Keen ВОВ")])]).unwrap();
    assert_eq!(outcomes(&run), [EntryOutcome::LooksTaken]);
    drop(projection);
    assert!(matches!(SqliteJournal::open(dir.path()), Err(JournalError::OfCluster)));
    assert!(matches!(SqliteProjection::create(dir.path(), GENERATION), Err(JournalError::OfCluster)));
    assert!(matches!(revoke_account_by_id(dir.path(), 1, &nickname), Err(JournalError::OfCluster)));
    SqliteProjection::open(dir.path()).unwrap();
}

/// What a node has lost at its end it applies again, so it begins no new stream.
#[test]
fn an_old_copy_catches_up() {
    let (dir, mut projection) = created();
    let mut log = TestLog::new();
    projection.apply(&[log.add(0, 1, vec![post(0, None, "one")])]).unwrap();
    projection.close().unwrap();
    let copy = std::fs::read(dir.path().join("room.db")).unwrap();
    drop(projection);
    let mut projection = SqliteProjection::open(dir.path()).unwrap();
    let stream = projection.streams().to_vec();
    let later = log.add(0, 2, vec![post(0, None, "two")]);
    projection.apply(std::slice::from_ref(&later)).unwrap();
    let hash = projection.content_hash().unwrap();
    projection.close().unwrap();
    drop(projection);
    std::fs::write(dir.path().join("room.db"), copy).unwrap();
    let mut projection = SqliteProjection::open(dir.path()).unwrap();
    assert_eq!((projection.applied().place, projection.streams()), (1, &stream[..]));
    projection.apply(&[later]).unwrap();
    assert_eq!(projection.content_hash().unwrap(), hash);
}

#[test]
fn a_damaged_store_is_not_repaired() {
    let (dir, mut projection) = created();
    let mut log = TestLog::new();
    projection.apply(&[log.add(0, 1, vec![post(0, None, "unmistakable")])]).unwrap();
    projection.close().unwrap();
    drop(projection);
    let path = dir.path().join("room.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(12).position(|found| found == b"unmistakable").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(SqliteProjection::open(dir.path()), Err(JournalError::Damaged)));
}

/// Damage that leaves the structure of the file intact.
#[test]
fn damage_of_the_place_in_the_log_is_found() {
    for change in [
        "UPDATE proposer SET number = number + 1",
        "UPDATE looks SET account = 2",
        "UPDATE chain SET hash = zeroblob(32) WHERE place = 0",
        "DELETE FROM chain WHERE place = 1",
        "UPDATE replica SET at = at + 1",
        "DELETE FROM replica",
    ] {
        let (dir, mut projection) = created();
        let mut log = TestLog::new();
        projection.apply(&[log.add(0, 1, vec![register(1, "Keen Bob")])]).unwrap();
        projection.close().unwrap();
        drop(projection);
        let connection = rusqlite::Connection::open(dir.path().join("room.db")).unwrap();
        assert_eq!(connection.execute(change, []).unwrap(), 1, "{change}");
        drop(connection);
        assert!(matches!(SqliteProjection::open(dir.path()), Err(JournalError::Damaged)), "{change}");
        let report = crate::journal::sqlite::check_store(dir.path()).unwrap();
        assert_eq!((report.damaged_rows, report.is_good()), (1, false), "{change}");
    }
}

#[test]
fn a_server_alone_does_not_repair_it() {
    let (dir, mut projection) = created();
    let mut log = TestLog::new();
    projection.apply(&[log.add(0, 1, vec![post(0, None, "one")])]).unwrap();
    projection.close().unwrap();
    drop(projection);
    let path = dir.path().join("room.db");
    let bytes = std::fs::read(&path).unwrap();
    // The magic, the format, the mark, the whole header, and all but the header.
    for damaged in [0..1, 60..64, 68..72, 0..100, 100..4096] {
        let mut changed = bytes.clone();
        changed[damaged.clone()].fill(0xa5);
        std::fs::write(&path, &changed).unwrap();
        assert!(matches!(SqliteJournal::open(dir.path()), Err(JournalError::OfCluster)), "{damaged:?}");
        assert_eq!(std::fs::read(&path).unwrap(), changed, "{damaged:?}");
    }
}
