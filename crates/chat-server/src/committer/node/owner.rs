//! The store of a node with everything that applying its log concerns. What it does to fill the log is in `proposing`, and
//! what it does about once a second in `upkeep`.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::away::Patience;
use super::outcomes;
use super::request::NodeRequest;
use crate::committer::failure_log::CommitFailureLog;
use crate::committer::queue::{CommitQueue, CommitRequest};
use crate::committer::thread::{CommitterParts, guarded};
use crate::error::{CommitError, JournalError};
use crate::rate_limited_log::RateLimitedLog;
use crate::replication::{AppliedBatch, LogState, Node, NodeAnswer, Projection, SharedBatchLog};

/// How long the thread waits when only time can change something: a batch is on its way, or the log is away.
const TICK: Duration = Duration::from_millis(100);

/// How long to wait before a batch is applied again that could not be stored.
const APPLY_AGAIN: Duration = Duration::from_secs(1);

/// The store of a node with everything that applying its log concerns.
pub(in crate::committer) struct NodeOwner<P, L> {
    pub(super) node: Node<P, NodeRequest>,
    pub(super) log: L,
    pub(super) queue: Arc<Mutex<CommitQueue>>,
    pub(super) parts: CommitterParts,
    pub(super) failures: CommitFailureLog,
    pub(super) patience: Patience,
    /// The connection over which the batches in flight were sent.
    pub(super) connection: Option<u64>,
    pub(super) batch: Vec<CommitRequest>,
    /// Nothing is applied before this time, because the store has failed.
    pub(super) apply_at: Option<Instant>,
    /// Why the store has failed.
    pub(super) failed: Option<Arc<JournalError>>,
    pub(super) probing: bool,
    /// Messages up to an earlier one are being removed.
    pub(super) expiring: bool,
    /// Old messages may remain to be removed.
    pub(super) expiry_due: bool,
    pub(super) timed_at: Option<Instant>,
    /// Answers that are sent once what they are about is shown.
    pub(super) answers: VecDeque<NodeAnswer<NodeRequest>>,
    /// There is more to apply.
    pub(super) behind: bool,
    /// Something was applied since the state of the log was noted.
    pub(super) progressed: bool,
    /// The log had no more when its state was noted.
    pub(super) at_end: bool,
    /// No question of a peer is sent to the log before this time.
    pub(super) question_at: Option<Instant>,
}

impl<P: Projection, L: SharedBatchLog> NodeOwner<P, L> {
    pub(in crate::committer) fn new(
        projection: P,
        log: L,
        epoch: u64,
        queue: Arc<Mutex<CommitQueue>>,
        parts: CommitterParts,
    ) -> Self {
        parts.meters.node.begins_at(projection.applied().place);
        Self {
            node: Node::new(projection, epoch),
            log,
            queue,
            parts,
            failures: CommitFailureLog::default(),
            patience: Patience::default(),
            connection: None,
            batch: Vec::new(),
            apply_at: None,
            failed: None,
            probing: false,
            expiring: false,
            expiry_due: true,
            timed_at: None,
            answers: VecDeque::new(),
            behind: false,
            progressed: false,
            at_end: false,
            question_at: None,
        }
    }

    /// Returns for how long there is nothing to do without a wake.
    pub(super) fn wait(&self) -> Duration {
        if self.behind {
            return Duration::ZERO;
        }
        let idle = self.node.is_idle() && self.apply_at.is_none() && !self.patience.is_tried();
        let stopped = self.node.stopped().is_some();
        if (idle || stopped) && self.question_at.is_none() { Duration::from_secs(3_600) } else { TICK }
    }

    /// Does everything that can be done now.
    ///
    /// # Errors
    /// The store panicked, or cannot be used any more. The queue is then closed, so that no session waits for an answer.
    pub(super) fn serve(&mut self) -> Result<(), JournalError> {
        let (queue, meters) = (Arc::clone(&self.queue), Arc::clone(&self.parts.meters));
        guarded(self, &queue, &meters, |this| {
            this.follow_log(Instant::now());
            // Not until the end of a long log: the end of the server and what its sessions ask for must not wait for it.
            let pause = Instant::now() + TICK;
            this.behind = false;
            while this.apply(Instant::now())? {
                // In between, so that others' batches do not keep ours from the log.
                this.propose(Instant::now());
                this.transmit(Instant::now());
                if Instant::now() >= pause {
                    this.behind = true;
                    break;
                }
            }
            this.follow_log(Instant::now());
            let waiting = this.lock().take_maintenance();
            for maintenance in waiting {
                this.maintain(maintenance)?;
            }
            this.take_barriers(Instant::now());
            this.propose(Instant::now());
            this.transmit(Instant::now());
            this.decline(Instant::now());
            let in_flight = this.node.in_flight() as u64;
            this.parts.meters.node.in_flight.store(in_flight, Ordering::Relaxed);
            Ok(())
        })
        .inspect_err(|_| self.give_up())
    }

    /// Closes the store. What is in flight is not answered: it may be in the log.
    pub(super) fn close(&mut self) -> Result<(), JournalError> {
        let (queue, meters) = (Arc::clone(&self.queue), Arc::clone(&self.parts.meters));
        let closed = guarded(self, &queue, &meters, |this| this.node.projection_mut().close());
        self.give_up();
        closed
    }

    /// Answers what is in flight although its fate is not known: a decline would say that it is not stored.
    fn give_up(&mut self) {
        let unsent = std::mem::take(&mut self.answers).into_iter().map(|answer| answer.request);
        for request in unsent.chain(self.node.take_unanswered()) {
            if let NodeRequest::Drafts { reply, .. } = request {
                reply.send(Err(CommitError::Uncertain));
            }
        }
    }

    /// Notes what has become of the log.
    fn follow_log(&mut self, now: Instant) {
        let state = self.log.state();
        self.at_end = matches!(state, LogState::Connected { at_end: true, .. });
        self.parts.meters.node.log_state(&state, std::mem::take(&mut self.progressed));
        match &state {
            LogState::Connected { connection, .. } => {
                if self.connection.replace(*connection).is_some_and(|before| before != *connection) {
                    self.node.handle_append_error(now);
                }
            }
            LogState::Away { .. } => {}
            LogState::Diverged(why) => {
                if self.node.stopped().is_none() {
                    report_stop(why);
                }
                self.node.stop(*why);
                self.give_up();
            }
        }
        self.patience.follow(&state, now);
    }

    /// Applies what was read. Returns true if there may be more.
    ///
    /// # Errors
    /// An error after which the store cannot be used.
    fn apply(&mut self, now: Instant) -> Result<bool, JournalError> {
        if self.apply_at.is_some_and(|at| now < at) || self.node.stopped().is_some() {
            return Ok(false);
        }
        let read = self.log.read(self.node.projection().applied().place);
        if read.is_empty() {
            return Ok(false);
        }
        let progress = match self.node.receive(&read, now) {
            Ok(progress) => progress,
            Err(error) if error.ends_the_journal() => {
                self.parts.meters.commit_failed();
                return Err(error);
            }
            Err(error) => {
                self.parts.meters.commit_failed();
                self.failures.failed(&error);
                self.failed = Some(Arc::new(error));
                self.apply_at = Some(now + APPLY_AGAIN);
                return Ok(false);
            }
        };
        (self.apply_at, self.failed) = (None, None);
        if !progress.applied.is_empty() {
            self.failures.stored();
            self.parts.meters.committed(now.elapsed());
        }
        let answered = !progress.answers.is_empty();
        self.answers.extend(progress.answers);
        let is_own = |batch: &AppliedBatch| self.node.is_own(batch);
        outcomes::show(&self.parts, &*self.node.projection().reader(), &progress.applied, is_own);
        self.progressed |= !progress.applied.is_empty();
        while let Some(answer) = self.answers.pop_front() {
            self.answer(answer);
        }
        if self.node.is_idle() {
            self.patience.is_answered();
        } else if answered || !self.at_end && self.progressed {
            // Batches of others say nothing about ours once the node has everything.
            self.patience.goes_on(now);
        }
        if progress.hole {
            self.parts.meters.node.holes.one();
            RateLimitedLog::LogHole.log();
            self.log.change_copy();
        }
        if let Some(stopped) = self.node.stopped() {
            report_stop(stopped);
            self.parts.meters.node.diverged();
            self.give_up();
            return Ok(false);
        }
        Ok(!progress.hole)
    }

    fn answer(&mut self, NodeAnswer { request, outcomes }: NodeAnswer<NodeRequest>) {
        match request {
            NodeRequest::Drafts { reply, .. } => {
                let result = outcomes::of_drafts(&outcomes);
                if let Ok(appended) = &result {
                    self.parts.meters.repeated.add(outcomes::repeated(appended));
                }
                reply.send(result);
            }
            NodeRequest::Barrier(to) => drop(to.send(())),
            NodeRequest::Probe(sent) => {
                self.probing = false;
                self.parts.meters.node.barrier_passed(sent.elapsed());
            }
            NodeRequest::Expiry => {
                self.expiring = false;
                // More of them may be due.
                self.expiry_due |= outcomes::has_expired(&outcomes);
            }
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, CommitQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn report_stop(why: &(dyn std::error::Error + 'static)) {
    tracing::error!(error = why, "this node has stopped: nothing is stored until an operator acts");
}
