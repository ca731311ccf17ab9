//! The batches that a node has appended and not read yet: several at a time, sent again until they are read.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

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
    in_flight: VecDeque<SentBatch>,
    /// How many of `in_flight` need not be sent now.
    sent: usize,
    wait: Duration,
    resend_at: Option<Instant>,
}

#[derive(Debug)]
struct SentBatch {
    number: u64,
    bytes: Bytes,
}

impl Proposer {
    pub(super) fn new(generation: Generation, epoch: u64, last_at: i64) -> Self {
        Self {
            generation,
            epoch,
            next: 1,
            last_at,
            in_flight: VecDeque::new(),
            sent: 0,
            wait: RESEND_AFTER,
            resend_at: None,
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns whether another batch may be sent.
    pub(super) fn is_ready(&self) -> bool {
        self.in_flight.len() < MAX_IN_FLIGHT
    }

    /// Returns whether the epoch should be replaced before the next batch, because other nodes may have forgotten it.
    pub(super) fn is_stale(&self, now: i64) -> bool {
        self.in_flight.is_empty() && self.next > 1 && now.saturating_sub(self.last_at) > EPOCH_RENEWED_MS
    }

    /// Begins a new epoch. Nothing may be in flight.
    pub(super) fn renew(&mut self, epoch: u64) {
        (self.epoch, self.next) = (epoch, 1);
    }

    /// Adds a batch and returns its number.
    pub(super) fn propose(
        &mut self,
        entries: Vec<BatchEntry>,
        base: ChainLink,
        at: i64,
        now: Instant,
    ) -> Result<u64, BatchError> {
        let number = self.next;
        let batch = ProposedBatch { generation: self.generation, epoch: self.epoch, number, at, base, entries };
        self.in_flight.push_back(SentBatch { number, bytes: batch.encode()? });
        self.next += 1;
        self.resend_at.get_or_insert(now + self.wait);
        Ok(number)
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
        }
    }

    /// Sends all again soon: an append failed, or the connection to the log is a new one.
    pub(super) fn resend(&mut self, now: Instant) {
        if !self.in_flight.is_empty() {
            self.resend_at = Some(now);
        }
    }

    /// Notes that a batch of this epoch was read.
    pub(super) fn was_read(&mut self, number: u64, verdict: NumberVerdict, at: i64, now: Instant) {
        match verdict {
            NumberVerdict::Apply => {
                // The numbers of an epoch are applied in their order, so it is the oldest one.
                if self.in_flight.front().is_some_and(|batch| batch.number == number) {
                    self.in_flight.pop_front();
                    self.sent = self.sent.saturating_sub(1);
                }
                self.last_at = at;
                self.wait = RESEND_AFTER;
                self.resend_at = (!self.in_flight.is_empty()).then(|| now + self.wait);
            }
            // The ones behind it were read with it, so this is done once for all of them.
            NumberVerdict::Early => self.resend(now),
            NumberVerdict::Repeated => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposer(now: Instant, batches: u64) -> Proposer {
        let generation = Generation::from_bytes([1; 16]);
        let mut proposer = Proposer::new(generation, 7, 0);
        for number in 1..=batches {
            let base = ChainLink::beginning(generation);
            assert_eq!(proposer.propose(vec![BatchEntry::Barrier], base, 0, now).unwrap(), number);
        }
        proposer
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
        let mut proposer = proposer(now, 1);
        assert!(!proposer.is_stale(i64::MAX), "something is in flight");
        proposer.was_read(1, NumberVerdict::Apply, 1_000, now);
        assert!(!proposer.is_stale(1_000 + EPOCH_RENEWED_MS));
        assert!(proposer.is_stale(1_001 + EPOCH_RENEWED_MS));
        proposer.renew(8);
        assert_eq!((proposer.epoch(), proposer.is_stale(i64::MAX)), (8, false));
    }
}
