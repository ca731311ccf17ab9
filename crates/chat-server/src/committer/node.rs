//! The thread that owns the store of a node of a room on several nodes. It packs what waits into batches for the log that
//! the nodes share, applies what the log brings, shows it, and then answers. So a confirmation means stored at this node,
//! at its place in the one order of the room.

mod away;
mod outcomes;

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use self::away::Patience;
use super::failure_log::CommitFailureLog;
use super::queue::{CommitQueue, CommitRequest, GatherLimits, Maintenance, PostSequence, ReplySlot};
use super::thread::{CommitterParts, JournalEnd, guarded};
use crate::error::{CommitError, JournalError};
use crate::journal::now_ms;
use crate::rate_limited_log::RateLimitedLog;
use crate::replication::{AppliedBatch, BatchEntry, LogState, Node, NodeAnswer, Projection, SharedBatchLog};

/// How long the thread waits when only time can change something: a batch is on its way, or the log is away.
const TICK: Duration = Duration::from_millis(100);

/// How long to wait before a batch is applied again that could not be stored.
const APPLY_AGAIN: Duration = Duration::from_secs(1);

/// The shortest time between two entries that only answer the question of a peer whether there is more.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(100);

/// After which time without anything from the log a node makes an entry to see that it is there.
const QUIET: Duration = Duration::from_secs(10);

/// How often a node of a room with an age limit moves the time of the log on, by which messages expire.
const TIME_ENTRY: Duration = Duration::from_secs(60);

/// A request to the node.
#[derive(Debug)]
enum NodeRequest {
    /// Drafts of a session.
    Drafts { reply: ReplySlot, sequence: PostSequence },
    /// One who waits until everything is applied that is in the log now.
    Barrier(oneshot::Sender<()>),
    /// Measures how long a barrier takes; sent at this time.
    Probe(Instant),
    /// Old messages.
    Expiry,
}

/// The store of a node with everything that applying its log concerns.
pub(super) struct NodeOwner<P, L> {
    node: Node<P, NodeRequest>,
    log: L,
    queue: Arc<Mutex<CommitQueue>>,
    parts: CommitterParts,
    failures: CommitFailureLog,
    patience: Patience,
    /// The connection over which the batches in flight were sent.
    connection: Option<u64>,
    batch: Vec<CommitRequest>,
    /// Nothing is applied before this time, because the store has failed.
    apply_at: Option<Instant>,
    /// Why the store has failed.
    failed: Option<Arc<JournalError>>,
    probing: bool,
    /// Messages up to an earlier one are being removed.
    expiring: bool,
    /// Old messages may remain to be removed.
    expiry_due: bool,
    timed_at: Option<Instant>,
    /// Answers that are sent once what they are about is shown.
    answers: VecDeque<NodeAnswer<NodeRequest>>,
    /// There is more to apply.
    behind: bool,
    /// Something was applied since the state of the log was noted.
    progressed: bool,
    /// The log had no more when its state was noted.
    at_end: bool,
    /// No question of a peer is sent to the log before this time.
    question_at: Option<Instant>,
}

/// Starts the thread. It runs on its own, but waits with the timers of the current Tokio runtime.
pub(super) fn start<P: Projection, L: SharedBatchLog>(
    mut owner: NodeOwner<P, L>,
    wake: mpsc::WeakSender<()>,
    mut woken: mpsc::Receiver<()>,
) -> io::Result<JournalEnd> {
    let (ended, end) = oneshot::channel();
    let runtime = Handle::current();
    owner.log.set_waker(Arc::new(move || {
        // Gone while the server drains: then nothing more is applied.
        if let Some(wake) = wake.upgrade() {
            let _ = wake.try_send(());
        }
    }));
    thread::Builder::new().name("chat-journal".into()).spawn(move || {
        let result = loop {
            let open = runtime.block_on(async {
                let tick = tokio::time::sleep(owner.wait());
                // Cancel safe: a wake that is missed here is followed by a look at everything anyway.
                tokio::select! {
                    biased;
                    woken = woken.recv() => woken.is_some(),
                    () = tick => true,
                }
            });
            let result = if open { owner.serve() } else { break owner.close() };
            if let Err(error) = result {
                break Err(error);
            }
        };
        // The store is dropped before its end is reported, so that its files are free for the next server.
        drop(owner);
        // An error means that the server was dropped.
        let _ = ended.send(result);
    })?;
    Ok(end)
}

impl<P: Projection, L: SharedBatchLog> NodeOwner<P, L> {
    pub(super) fn new(
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
    fn wait(&self) -> Duration {
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
    fn serve(&mut self) -> Result<(), JournalError> {
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
    fn close(&mut self) -> Result<(), JournalError> {
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
                    tracing::error!(
                        error = why as &dyn std::error::Error,
                        "this node has stopped: nothing is stored until an operator acts"
                    );
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
            self.parts.meters.node.diverged();
            tracing::error!(
                error = stopped as &dyn std::error::Error,
                "this node has stopped: nothing is stored until an operator acts"
            );
        }
        if self.node.stopped().is_some() {
            self.give_up();
        }
        Ok(!progress.hole && self.node.stopped().is_none())
    }

    /// Packs what waits into batches. While the log cannot be reached it stays queued: so it can be declined.
    fn propose(&mut self, now: Instant) {
        while self.node.is_ready() && self.patience.may_propose(now) && self.failed.is_none() {
            let mut batch = std::mem::take(&mut self.batch);
            self.lock().gather(&mut batch, GatherLimits::BATCH);
            // A request after a failed one of its sequence would overtake it.
            batch.extract_if(.., |request| request.is_broken()).for_each(CommitRequest::refuse);
            let mut requests: Vec<_> = batch
                .drain(..)
                .map(|CommitRequest { drafts, sequence, reply }| {
                    let entries = drafts.iter().map(BatchEntry::of).collect();
                    (NodeRequest::Drafts { reply, sequence }, entries)
                })
                .collect();
            self.batch = batch;
            requests.extend(self.expiry().map(|entry| (NodeRequest::Expiry, vec![entry])));
            if requests.is_empty() && !self.node.wants_barrier() {
                return;
            }
            match self.node.propose(requests, now_ms(), now) {
                Ok(()) => {
                    self.parts.meters.node.proposed.one();
                    self.patience.waits(now);
                }
                Err(requests) => self.refuse_too_large(requests),
            }
        }
    }

    /// Refuses requests that did not fit into a batch.
    fn refuse_too_large(&mut self, requests: Vec<(NodeRequest, Vec<BatchEntry>)>) {
        let error = Arc::new(JournalError::TooLargeForLog);
        for (request, _) in requests {
            match request {
                NodeRequest::Drafts { reply, sequence } => {
                    CommitRequest { drafts: Vec::new(), sequence, reply }.fail(&error);
                }
                NodeRequest::Expiry => self.expiring = false,
                NodeRequest::Barrier(_) | NodeRequest::Probe(_) => {}
            }
        }
    }

    /// Sends batches to the log, some of them again.
    fn transmit(&mut self, now: Instant) {
        self.node.handle_timeout(now);
        while let Some(bytes) = self.node.poll_transmit() {
            self.parts.meters.node.appended.one();
            self.log.append(bytes);
        }
    }

    /// Declines what is still queued while the log is away. What was sent to it is never declined: it may be stored.
    fn decline(&mut self, now: Instant) {
        let error = match &self.failed {
            Some(error) => Arc::clone(error),
            None if self.patience.is_over(now) || self.node.stopped().is_some() => Arc::new(JournalError::LogAway),
            None => return,
        };
        loop {
            let mut batch = std::mem::take(&mut self.batch);
            self.lock().gather(&mut batch, GatherLimits::TRANSACTION);
            if batch.is_empty() {
                return;
            }
            batch.drain(..).for_each(|request| request.fail(&error));
            self.batch = batch;
        }
    }

    fn take_barriers(&mut self, now: Instant) {
        // A stranger can ask as often as it likes, and each question is an entry on the disks of all nodes.
        if self.question_at.is_some_and(|at| now < at) {
            return;
        }
        let waiting = self.lock().take_barriers();
        self.question_at = (!waiting.is_empty()).then(|| now + BETWEEN_QUESTIONS);
        if waiting.is_empty() {
            return;
        }
        // Dropped, which says that the log is away.
        if self.patience.is_over(now) || self.node.stopped().is_some() {
            return;
        }
        waiting.into_iter().for_each(|to| self.node.barrier(NodeRequest::Barrier(to)));
    }

    fn maintain(&mut self, Maintenance { probe, revoked }: Maintenance) -> Result<(), JournalError> {
        let now = Instant::now();
        // Also once after the start: until it is answered the node may lack what others have confirmed.
        let quiet = self.parts.meters.node.lag().is_none_or(|lag| lag >= QUIET);
        if probe || quiet || !self.parts.meters.node.is_caught_up() {
            self.probe(now);
        }
        let keep = self.parts.limits.load().keep;
        if keep.age.is_some() && self.timed_at.is_none_or(|at| now >= at + TIME_ENTRY) {
            self.timed_at = Some(now);
            self.expiry_due = true;
            self.probe(now);
        }
        self.expiry_due |= keep.bytes.is_some();
        match self.node.projection_mut().tidy() {
            Err(error) if error.ends_the_journal() => return Err(error),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not erase removed texts completely");
            }
            Ok(()) => {}
        }
        // Nothing but the log changes the store of a node.
        let _ = revoked.send(Vec::new());
        Ok(())
    }

    /// Sends a barrier, unless one is on its way, and measures how long it takes.
    fn probe(&mut self, now: Instant) {
        if !self.probing && self.node.stopped().is_none() {
            self.probing = true;
            self.parts.meters.node.barrier_sent(now);
            self.node.barrier(NodeRequest::Probe(now));
        }
    }

    /// Returns the entry that removes old messages, if some are due.
    fn expiry(&mut self) -> Option<BatchEntry> {
        if self.expiring || !self.expiry_due {
            return None;
        }
        self.expiry_due = false;
        let keep = self.parts.limits.load().keep;
        match self.node.projection_mut().due(&keep) {
            Ok(through) => {
                self.expiring = through.is_some();
                through.map(|through| BatchEntry::Expire { through })
            }
            // Tried again with the next message, or in a second.
            Err(error) => {
                RateLimitedLog::NotExpired.log_error(&error);
                None
            }
        }
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

    fn lock(&self) -> MutexGuard<'_, CommitQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
