//! One node: what it proposes, what it applies, and which request each outcome answers. It has no clock, no thread and no
//! connection of its own.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::batch::{BatchEntry, PlacedBatch};
use super::projection::{AppliedBatch, AppliedRun, EntryOutcome, Projection, StoppedAt};
use super::proposer::{OwnBatch, Proposer};
use super::rules::{Divergence, PlaceVerdict, judge_place};
use crate::error::JournalError;

/// A node of a room. `R` identifies a request of the program that drives it.
///
/// A request is answered only when its entries were applied to the store of this node. What was proposed is never declined,
/// because it may still be stored.
///
/// ```
/// use std::time::Instant;
///
/// use chat_proto::Nickname;
/// use chat_server::replication::{BatchEntry, EntryOutcome, Generation, Looks, Node, PlacedBatch};
/// use chat_server::{SqliteProjection, TokenHash};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dir = tempfile::tempdir()?;
/// let store = SqliteProjection::create(dir.path(), Generation::random())?;
/// let (mut node, now) = (Node::new(store, 1), Instant::now());
///
/// let nickname = Nickname::new("Keen Bob")?;
/// let looks = Looks::of(nickname.as_str());
/// let entry = BatchEntry::Register { token: TokenHash::from_bytes([7; 32]), nickname, looks };
/// assert!(node.propose(vec![("the first request", vec![entry])], 1_000, now).is_ok());
///
/// // A log that keeps what it is given. It is read by all nodes.
/// let mut log = Vec::new();
/// while let Some(bytes) = node.poll_transmit() {
///     log.push(PlacedBatch { place: log.len() as u64 + 1, at: 1_000, bytes });
/// }
/// let answers = node.receive(&log, now)?.answers;
/// assert_eq!(answers[0].request, "the first request");
/// assert_eq!(answers[0].outcomes, [EntryOutcome::Registered(1)]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Node<P, R> {
    projection: P,
    proposer: Proposer,
    /// In the order of the batches in flight of `proposer`.
    in_flight: VecDeque<InFlight<R>>,
    /// Requests that wait for the next barrier.
    barriers: Vec<R>,
    barrier_in_flight: bool,
    stopped: Option<StoppedAt>,
    /// How often the batch at the next place could not be read.
    unreadable: u8,
}

/// How often a batch that cannot be read is read again, each time from another copy, before the node stops.
const READ_AGAIN: u8 = 3;

/// The requests of a batch that was proposed.
#[derive(Debug)]
struct InFlight<R> {
    /// Each request with the number of its entries.
    requests: Vec<(R, usize)>,
    barriers: Vec<R>,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAnswer<R> {
    /// The request.
    pub request: R,
    /// What became of its entries, in their order; one [`EntryOutcome::Passed`] for a barrier.
    pub outcomes: Vec<EntryOutcome>,
}

/// What reading the log has led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeProgress<R> {
    /// The batches that were applied or skipped, in their order. Their messages are to be shown before the answers are sent.
    pub applied: Vec<AppliedBatch>,
    /// The answers.
    pub answers: Vec<NodeAnswer<R>>,
    /// The next place is missing, although later ones were read: another copy of the log may have it.
    pub hole: bool,
}

impl<P: Projection, R> Node<P, R> {
    /// Creates a node. `epoch` is random, and was never used before: those that replace it after a quiet day are derived from
    /// it.
    pub fn new(projection: P, epoch: u64) -> Self {
        let proposer = Proposer::new(projection.generation(), epoch, projection.applied_at());
        Self {
            projection,
            proposer,
            in_flight: VecDeque::new(),
            barriers: Vec::new(),
            barrier_in_flight: false,
            stopped: None,
            unreadable: 0,
        }
    }

    /// Returns the store.
    pub fn projection(&self) -> &P {
        &self.projection
    }

    /// Returns the store, for reading accounts and for closing it.
    pub fn projection_mut(&mut self) -> &mut P {
        &mut self.projection
    }

    /// Returns why the node has stopped for good. Its store can still be read.
    pub fn stopped(&self) -> Option<&StoppedAt> {
        self.stopped.as_ref()
    }

    /// Stops the node for good: its log is not the one that its store follows.
    pub fn stop(&mut self, why: Divergence) {
        let place = self.projection.applied().place;
        self.stopped.get_or_insert(StoppedAt { place, why });
    }

    /// Returns whether [`propose`](Self::propose) may be called.
    pub fn is_ready(&self) -> bool {
        self.stopped.is_none() && self.proposer.is_ready()
    }

    /// Returns whether nothing waits for an answer.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.barriers.is_empty()
    }

    /// Returns whether a batch is of this run of the node.
    pub fn is_own(&self, batch: &AppliedBatch) -> bool {
        batch.epoch == self.proposer.epoch()
    }

    /// Gives up everything that waits for an answer, and returns it. It is not known what became of what was proposed. The
    /// node must not propose anything after that.
    pub fn take_unanswered(&mut self) -> Vec<R> {
        let batches = std::mem::take(&mut self.in_flight).into_iter();
        let requests = batches.flat_map(|batch| {
            let requests = batch.requests.into_iter().map(|(request, _)| request);
            requests.chain(batch.barriers).collect::<Vec<_>>()
        });
        let requests: Vec<R> = requests.collect();
        requests.into_iter().chain(std::mem::take(&mut self.barriers)).collect()
    }

    /// Returns the number of batches that were proposed and not read yet.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Returns whether [`propose`](Self::propose) has a barrier to send.
    pub fn wants_barrier(&self) -> bool {
        !self.barriers.is_empty() && !self.barrier_in_flight
    }

    /// Answers `request` when everything is applied that was in the log before. One barrier at a time is on its way, and
    /// the next one serves all who have asked meanwhile: one that was sent earlier could have an earlier place than what
    /// they ask for.
    pub fn barrier(&mut self, request: R) {
        self.barriers.push(request);
    }

    /// Proposes the entries of requests as one batch, with a barrier if one is due. `clock` is the time of this node in
    /// milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// The requests, if the node is not ready or the batch is too large.
    pub fn propose(
        &mut self,
        requests: Vec<(R, Vec<BatchEntry>)>,
        clock: i64,
        now: Instant,
    ) -> Result<(), Vec<(R, Vec<BatchEntry>)>> {
        let barrier = self.wants_barrier();
        if requests.is_empty() && !barrier {
            return Ok(());
        }
        if !self.is_ready() {
            return Err(requests);
        }
        let mut entries: Vec<_> = requests.iter().flat_map(|(_, entries)| entries).cloned().collect();
        if barrier {
            entries.push(BatchEntry::Barrier);
        }
        let (base, applied_at) = (self.projection.applied(), self.projection.applied_at());
        if self.proposer.propose(entries, base, applied_at, clock, now).is_err() {
            return Err(requests);
        }
        let requests = requests.into_iter().map(|(request, entries)| (request, entries.len())).collect();
        let barriers = if barrier { std::mem::take(&mut self.barriers) } else { Vec::new() };
        self.barrier_in_flight |= barrier;
        self.in_flight.push_back(InFlight { requests, barriers });
        Ok(())
    }

    /// Returns the next batch to append to the log.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        if self.stopped.is_some() { None } else { self.proposer.poll_transmit() }
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.proposer.deadline()
    }

    /// Sends what is in flight again, if it is time.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.proposer.handle_timeout(now);
    }

    /// Sends what is in flight again: the log reported an error, or the connection to it is a new one.
    pub fn handle_append_error(&mut self, now: Instant) {
        self.proposer.resend(now);
    }

    /// Applies what was read from the log, in the order of the places.
    ///
    /// # Errors
    /// [`JournalError`] from the store. Nothing was applied, and the same can be read again; after
    /// [`JournalError::SyncFailed`] only by a new node on the store, opened again.
    pub fn receive(&mut self, read: &[PlacedBatch], now: Instant) -> Result<NodeProgress<R>, JournalError> {
        let mut progress = NodeProgress { applied: Vec::new(), answers: Vec::new(), hole: false };
        if self.stopped.is_some() {
            return Ok(progress);
        }
        let (mut applied, mut next) = (self.projection.applied().place, Vec::new());
        for batch in read {
            match judge_place(applied, batch.place) {
                PlaceVerdict::Seen => {}
                PlaceVerdict::Next => {
                    applied = batch.place;
                    next.push(batch.clone());
                }
                PlaceVerdict::Hole => {
                    progress.hole = true;
                    break;
                }
            }
        }
        if next.is_empty() {
            return Ok(progress);
        }
        let AppliedRun { batches, stopped } = self.projection.apply(&next)?;
        if !batches.is_empty() {
            self.unreadable = 0;
        }
        match stopped {
            // The copy may be damaged, and another one not.
            Some(StoppedAt { why: Divergence::Unreadable(_), .. }) if self.unreadable < READ_AGAIN => {
                self.unreadable += 1;
                progress.hole = true;
            }
            stopped => self.stopped = stopped,
        }
        for batch in &batches {
            if batch.epoch == self.proposer.epoch() {
                let own = self.proposer.was_read(batch.number, batch.verdict, self.projection.applied_at(), now);
                if own == OwnBatch::Applied {
                    self.answer(batch, &mut progress.answers);
                }
            }
        }
        progress.applied = batches;
        Ok(progress)
    }

    /// Answers the requests of the oldest own batch, which was applied.
    fn answer(&mut self, batch: &AppliedBatch, answers: &mut Vec<NodeAnswer<R>>) {
        let Some(InFlight { requests, barriers }) = self.in_flight.pop_front() else { return };
        let mut outcomes = batch.entries.iter().map(|(_, outcome)| *outcome);
        for (request, count) in requests {
            answers.push(NodeAnswer { request, outcomes: outcomes.by_ref().take(count).collect() });
        }
        self.barrier_in_flight &= barriers.is_empty();
        let passed = |request| NodeAnswer { request, outcomes: vec![EntryOutcome::Passed] };
        answers.extend(barriers.into_iter().map(passed));
    }
}
