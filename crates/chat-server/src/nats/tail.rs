//! Which batches come next: what was published again and what was fetched, in one order without repetitions.

use std::collections::VecDeque;

use crate::replication::PlacedBatch;

/// Bytes of batches that wait to be applied. A node that is behind fetches no more beyond it.
const WAITING_BYTES: usize = 8 * 1024 * 1024;

/// The batches that were read and not applied yet.
#[derive(Debug)]
pub(super) struct LogTail {
    /// The place of the next batch to read.
    next: u64,
    waiting: VecDeque<PlacedBatch>,
    bytes: usize,
    /// A later place is known to be stored.
    behind: bool,
}

impl LogTail {
    /// Creates the tail after the last place that was applied.
    pub(super) fn after(applied: u64) -> Self {
        Self { next: applied + 1, waiting: VecDeque::new(), bytes: 0, behind: false }
    }

    /// Returns the place of the next batch to read.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Takes a batch that was published as stored. It is kept only if it is the next one, and there is space. Returns true
    /// if it is kept.
    pub(super) fn published(&mut self, batch: PlacedBatch) -> bool {
        if batch.place < self.next {
            return false;
        }
        if batch.place > self.next || !self.has_space() {
            self.behind = true;
            return false;
        }
        self.keep(batch);
        true
    }

    /// Takes a batch that was fetched. A place may be missing before it: the node decides what that means.
    pub(super) fn fetched(&mut self, batch: PlacedBatch) {
        if batch.place >= self.next {
            self.keep(batch);
        }
    }

    /// Notes whether there is more than was fetched.
    pub(super) fn set_behind(&mut self, behind: bool) {
        self.behind = behind;
    }

    /// Returns whether a fetch would bring something, and what it brings could be kept.
    pub(super) fn wants_fetch(&self) -> bool {
        self.behind && self.has_space()
    }

    /// Returns whether all that is known to be stored was applied.
    pub(super) fn is_at_end(&self) -> bool {
        !self.behind && self.waiting.is_empty()
    }

    /// Returns batches after the last place that was applied, and forgets those up to it.
    pub(super) fn read(&mut self, applied: u64, count: usize, bytes: usize) -> Vec<PlacedBatch> {
        while let Some(first) = self.waiting.front()
            && first.place <= applied
        {
            self.bytes -= first.bytes.len();
            self.waiting.pop_front();
        }
        let mut size = 0;
        let fits = |batch: &&PlacedBatch| {
            let first = size == 0;
            size += batch.bytes.len();
            first || size <= bytes
        };
        self.waiting.iter().take(count).take_while(fits).cloned().collect()
    }

    /// Forgets what was not applied, because places are missing in it.
    pub(super) fn read_again(&mut self, applied: u64) {
        *self = Self { behind: true, ..Self::after(applied) };
    }

    /// Returns whether another batch may be kept.
    pub(super) fn has_space(&self) -> bool {
        self.bytes < WAITING_BYTES
    }

    fn keep(&mut self, batch: PlacedBatch) {
        self.next = batch.place + 1;
        self.bytes += batch.bytes.len();
        self.waiting.push_back(batch);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn batch(place: u64) -> PlacedBatch {
        PlacedBatch { place, at: 0, bytes: Bytes::from_static(b"a batch") }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Published(u64),
        Fetch(u64),
        Apply(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1..30u64).prop_map(Step::Published),
            (1..8u64).prop_map(Step::Fetch),
            (0..8usize).prop_map(Step::Apply),
        ]
    }

    proptest! {
        /// Whatever is published lost, twice or early: what is read are all places, each once, in their order.
        #[test]
        fn every_place_is_read_once(steps in prop::collection::vec(step(), 0..200)) {
            let (mut tail, mut applied) = (LogTail::after(0), 0);
            for step in steps {
                match step {
                    Step::Published(place) => {
                        let next = tail.next();
                        prop_assert_eq!(tail.published(batch(place)), place == next);
                        prop_assert!(place <= next || tail.wants_fetch());
                    }
                    Step::Fetch(count) => {
                        let from = tail.next();
                        (from..from + count).for_each(|place| tail.fetched(batch(place)));
                        tail.set_behind(false);
                    }
                    Step::Apply(count) => {
                        for read in tail.read(applied, count, usize::MAX) {
                            prop_assert_eq!(read.place, applied + 1);
                            applied = read.place;
                        }
                    }
                }
            }
            let rest = tail.read(applied, usize::MAX, usize::MAX);
            prop_assert_eq!(applied + rest.len() as u64 + 1, tail.next());
        }
    }

    #[test]
    fn what_was_not_applied_is_read_again() {
        let mut tail = LogTail::after(4);
        tail.fetched(batch(5));
        tail.fetched(batch(7));
        assert_eq!(tail.read(4, 10, 100).len(), 2);
        assert_eq!(tail.read(4, 10, 100).len(), 2);
        tail.read_again(5);
        assert!(tail.wants_fetch() && tail.read(5, 10, 100).is_empty());
        assert_eq!(tail.next(), 6);
    }

    #[test]
    fn a_node_that_applies_nothing_keeps_a_bounded_number() {
        let mut tail = LogTail::after(0);
        let large = Bytes::from(vec![0; 1024 * 1024]);
        let kept = (1..100).filter(|place| tail.published(PlacedBatch { place: *place, at: 0, bytes: large.clone() }));
        assert_eq!(kept.count(), WAITING_BYTES / large.len());
        assert!(!tail.wants_fetch());
    }
}
