//! A node at a log: quiet weeks, lost batches and new epochs.

use super::*;

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
