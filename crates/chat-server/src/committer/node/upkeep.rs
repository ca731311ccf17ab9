//! What a node does about once a second, and what peers ask of it: barriers, the removal of old messages, and signs of life.

use std::time::{Duration, Instant};

use super::owner::NodeOwner;
use super::request::NodeRequest;
use crate::committer::queue::Maintenance;
use crate::error::JournalError;
use crate::rate_limited_log::RateLimitedLog;
use crate::replication::{BatchEntry, Projection, SharedBatchLog};

/// The shortest time between two entries that only answer the question of a peer whether there is more.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(100);

/// After which time without anything from the log a node makes an entry to see that it is there.
const QUIET: Duration = Duration::from_secs(10);

/// How often a node of a room with an age limit moves the time of the log on, by which messages expire.
const TIME_ENTRY: Duration = Duration::from_secs(60);

impl<P: Projection, L: SharedBatchLog> NodeOwner<P, L> {
    /// Sends a barrier for those who wait for one.
    pub(super) fn take_barriers(&mut self, now: Instant) {
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

    /// Looks after the store and the log.
    pub(super) fn maintain(&mut self, Maintenance { probe, revoked }: Maintenance) -> Result<(), JournalError> {
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
    pub(super) fn expiry(&mut self) -> Option<BatchEntry> {
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
}
