//! The batches that a node has appended and not read yet: several at a time, sent again until they are read.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::batch::{BatchEntry, ProposedBatch};
use super::chain::{ChainLink, Generation};
use super::codec::BatchError;
use super::rules::{EPOCH_RENEWED_MS, NumberVerdict};

/// How many batches of a node are on their way at a time: enough that the log always has one to store while another one is
/// on the network, and few enough to be sent again at once.
pub const MAX_IN_FLIGHT: usize = 4;

/// How long a node waits for its oldest batch before it sends all again. Each further time it waits twice as long.
pub const RESEND_AFTER: Duration = Duration::from_millis(500);

/// The longest of these waits.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// Numbers the batches of one run of a node and sends them until they were applied.
#[derive(Debug)]
pub(super) struct Proposer {
    generation: Generation,
    epoch: u64,
    next: u64,
    /// The time of the log at the last batch of the epoch that was applied.
    last_at: i64,
    /// What the clock of the node showed at the last batch of the epoch that was proposed.
    last_clock: i64,
    in_flight: VecDeque<SentBatch>,
    /// How many of `in_flight` need not be sent now.
    sent: usize,
    wait: Duration,
    resend_at: Option<Instant>,
    hurry: Hurry,
}

#[derive(Debug)]
struct SentBatch {
    number: u64,
    bytes: Bytes,
}

/// Whether a lost batch is sent again before its wait has passed. That is done once per wait: a batch that is read as
/// early again and again must not make its node send without a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hurry {
    No,
    Due,
    Done,
}

/// What reading a batch of the epoch means for what is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnBatch {
    /// The oldest one in flight was applied.
    Applied,
    /// Nothing that is in flight was applied.
    Skipped,
}

impl Proposer {
    pub(super) fn new(generation: Generation, epoch: u64, last_at: i64) -> Self {
        Self {
            generation,
            epoch,
            next: 1,
            last_at,
            last_clock: i64::MIN,
            in_flight: VecDeque::new(),
            sent: 0,
            wait: RESEND_AFTER,
            resend_at: None,
            hurry: Hurry::No,
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns whether another batch may be sent.
    pub(super) fn is_ready(&self) -> bool {
        self.in_flight.len() < MAX_IN_FLIGHT
    }

    /// Returns whether the epoch should be replaced before the next batch, because the nodes may have forgotten it. In a
    /// quiet room only the clock of the node shows that; it is compared with itself, because it may be wrong.
    fn is_stale(&self, applied_at: i64, clock: i64) -> bool {
        let age = applied_at.saturating_sub(self.last_at).max(clock.saturating_sub(self.last_clock));
        self.in_flight.is_empty() && self.next > 1 && age > EPOCH_RENEWED_MS
    }

    /// Begins a new epoch, and numbers what is in flight from its beginning.
    fn renew(&mut self) {
        self.epoch = next_epoch(self.epoch);
        self.next = 1;
        for sent in &mut self.in_flight {
            // Both numbers have a fixed size, so neither of the two can fail.
            if let Ok(mut batch) = ProposedBatch::decode(&sent.bytes) {
                (batch.epoch, batch.number) = (self.epoch, self.next);
                sent.number = self.next;
                sent.bytes = batch.encode().unwrap_or_default();
            }
            self.next += 1;
        }
        self.sent = 0;
    }

    /// Adds a batch, in a new epoch if the old one may be forgotten. `applied_at` is the time of the log, and `at` that of
    /// the clock of the node.
    pub(super) fn propose(
        &mut self,
        entries: Vec<BatchEntry>,
        base: ChainLink,
        applied_at: i64,
        at: i64,
        now: Instant,
    ) -> Result<(), BatchError> {
        if self.is_stale(applied_at, at) {
            self.renew();
        }
        let number = self.next;
        let batch = ProposedBatch { generation: self.generation, epoch: self.epoch, number, at, base, entries };
        self.in_flight.push_back(SentBatch { number, bytes: batch.encode()? });
        self.next += 1;
        self.last_clock = at;
        self.resend_at.get_or_insert(now + self.wait);
        Ok(())
    }

    /// Returns the next batch to append.
    pub(super) fn poll_transmit(&mut self) -> Option<Bytes> {
        let batch = self.in_flight.get(self.sent)?;
        self.sent += 1;
        Some(batch.bytes.clone())
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.resend_at
    }

    /// Sends all again if it is time.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.resend_at.is_some_and(|at| at <= now) {
            self.sent = 0;
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
            self.resend_at = Some(now + self.wait);
            self.hurry = if self.hurry == Hurry::Due { Hurry::Done } else { Hurry::No };
        }
    }

    /// Sends all again soon: an append failed, or the connection to the log is a new one.
    pub(super) fn resend(&mut self, now: Instant) {
        if !self.in_flight.is_empty() {
            self.resend_at = Some(now);
        }
    }

    /// Notes that a batch of this epoch was read, in the order of the places. `at` is the time of the log.
    pub(super) fn was_read(&mut self, number: u64, verdict: NumberVerdict, at: i64, now: Instant) -> OwnBatch {
        // The numbers of an epoch are applied in their order, so all before the oldest one in flight were.
        let is_oldest = self.in_flight.front().is_some_and(|batch| batch.number == number);
        match verdict {
            NumberVerdict::Apply => {
                if is_oldest {
                    self.in_flight.pop_front();
                    self.sent = self.sent.saturating_sub(1);
                }
                self.last_at = at;
                self.start_waiting(now);
                if is_oldest { OwnBatch::Applied } else { OwnBatch::Skipped }
            }
            NumberVerdict::Early => {
                if is_oldest {
                    // Nothing before it is missing, so the epoch is forgotten. None of what is in flight was applied, nor
                    // will any copy of it that is in the log with a number of the old epoch.
                    self.renew();
                    self.last_at = at;
                    self.start_waiting(now);
                } else if self.hurry == Hurry::No {
                    self.resend(now);
                    self.hurry = Hurry::Due;
                }
                OwnBatch::Skipped
            }
            NumberVerdict::Repeated => OwnBatch::Skipped,
        }
    }

    fn start_waiting(&mut self, now: Instant) {
        (self.wait, self.hurry) = (RESEND_AFTER, Hurry::No);
        self.resend_at = (!self.in_flight.is_empty()).then(|| now + self.wait);
    }
}

/// Returns the epoch after one, which is as random as the first one of the node.
fn next_epoch(epoch: u64) -> u64 {
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = Sha256::digest(epoch.to_le_bytes()).into();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposer(now: Instant, batches: u64) -> Proposer {
        let generation = Generation::from_bytes([1; 16]);
        let mut proposer = Proposer::new(generation, 7, 0);
        for _ in 0..batches {
            propose(&mut proposer, 0, 0, now);
        }
        proposer
    }

    fn propose(proposer: &mut Proposer, applied_at: i64, clock: i64, now: Instant) {
        let base = ChainLink::beginning(Generation::from_bytes([1; 16]));
        proposer.propose(vec![BatchEntry::Barrier], base, applied_at, clock, now).unwrap();
    }

    fn transmitted(proposer: &mut Proposer) -> Vec<u64> {
        let number = |bytes: Bytes| ProposedBatch::decode(&bytes).unwrap().number;
        std::iter::from_fn(|| proposer.poll_transmit()).map(number).collect()
    }

    #[test]
    fn sends_all_again_with_growing_waits() {
        let now = Instant::now();
        let mut proposer = proposer(now, 4);
        assert!(!proposer.is_ready());
        assert_eq!(transmitted(&mut proposer), [1, 2, 3, 4]);
        proposer.handle_timeout(now + RESEND_AFTER / 2);
        assert!(transmitted(&mut proposer).is_empty());
        let mut then = now;
        for times in [1, 2, 4, 8, 16, 16] {
            then += RESEND_AFTER * times;
            assert_eq!(proposer.deadline(), Some(then));
            proposer.handle_timeout(then);
            assert_eq!(transmitted(&mut proposer), [1, 2, 3, 4]);
        }
        proposer.was_read(1, NumberVerdict::Apply, 0, then);
        assert_eq!(proposer.deadline(), Some(then + RESEND_AFTER));
        assert!(proposer.is_ready());
    }

    #[test]
    fn a_lost_batch_is_sent_with_those_behind_it() {
        let now = Instant::now();
        let mut proposer = proposer(now, 3);
        transmitted(&mut proposer);
        proposer.was_read(1, NumberVerdict::Apply, 0, now);
        // The second was lost.
        proposer.was_read(3, NumberVerdict::Early, 0, now);
        proposer.handle_timeout(now);
        assert_eq!(transmitted(&mut proposer), [2, 3]);
        proposer.was_read(2, NumberVerdict::Apply, 0, now);
        proposer.was_read(3, NumberVerdict::Apply, 0, now);
        assert!(proposer.deadline().is_none() && transmitted(&mut proposer).is_empty());
    }

    #[test]
    fn an_idle_epoch_is_renewed() {
        let now = Instant::now();
        let day = EPOCH_RENEWED_MS;
        // The time of the log, that of the clock, and whether they make the epoch old. The clock is a year ahead.
        for (applied_at, clock, renewed) in [
            (1_000, 365 * day, false),
            (1_000 + day, 366 * day, false),
            (1_001 + day, 365 * day, true),
            (1_000, 366 * day + 1, true),
            (1_000, 0, false),
        ] {
            let mut proposer = Proposer::new(Generation::from_bytes([1; 16]), 7, 0);
            propose(&mut proposer, 0, 365 * day, now);
            assert_eq!(proposer.was_read(1, NumberVerdict::Apply, 1_000, now), OwnBatch::Applied);
            propose(&mut proposer, applied_at, clock, now);
            assert_eq!(proposer.epoch() != 7, renewed, "{applied_at} {clock}");
            // Not while something is in flight.
            let epoch = proposer.epoch();
            propose(&mut proposer, i64::MAX, i64::MAX, now);
            assert_eq!(proposer.epoch(), epoch);
        }
    }

    #[test]
    fn a_forgotten_epoch_is_replaced() {
        let now = Instant::now();
        let mut proposer = proposer(now, 4);
        transmitted(&mut proposer);
        proposer.was_read(1, NumberVerdict::Apply, 0, now);
        assert_eq!(proposer.was_read(2, NumberVerdict::Early, 1_000, now), OwnBatch::Skipped);
        assert_ne!(proposer.epoch(), 7);
        assert_eq!(transmitted(&mut proposer), [1, 2, 3]);
        for number in 1..=3 {
            assert_eq!(proposer.was_read(number, NumberVerdict::Apply, 1_000, now), OwnBatch::Applied);
        }
        assert!(proposer.deadline().is_none() && proposer.is_ready());
    }

    #[test]
    fn early_batches_do_not_end_the_waiting() {
        let now = Instant::now();
        let mut proposer = proposer(now, 3);
        transmitted(&mut proposer);
        proposer.was_read(2, NumberVerdict::Early, 0, now);
        proposer.handle_timeout(now);
        assert_eq!(transmitted(&mut proposer), [1, 2, 3]);
        for _ in 0..3 {
            proposer.was_read(2, NumberVerdict::Early, 0, now);
            proposer.handle_timeout(now);
        }
        assert!(transmitted(&mut proposer).is_empty());
        let then = now + 2 * RESEND_AFTER;
        assert_eq!(proposer.deadline(), Some(then));
        proposer.handle_timeout(then);
        assert_eq!(transmitted(&mut proposer), [1, 2, 3]);
        proposer.was_read(2, NumberVerdict::Early, 0, then);
        assert_eq!(proposer.deadline(), Some(then));
    }
}
