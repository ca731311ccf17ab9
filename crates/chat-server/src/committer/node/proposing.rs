//! Fills the log: packs what waits into batches, sends them, and declines what must not wait any longer.

use std::sync::Arc;
use std::time::Instant;

use super::owner::NodeOwner;
use super::request::NodeRequest;
use crate::committer::queue::{CommitRequest, GatherLimits};
use crate::error::JournalError;
use crate::journal::now_ms;
use crate::replication::{BatchEntry, Projection, SharedBatchLog};

impl<P: Projection, L: SharedBatchLog> NodeOwner<P, L> {
    /// Packs what waits into batches. While the log cannot be reached it stays queued: so it can be declined.
    pub(super) fn propose(&mut self, now: Instant) {
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
    pub(super) fn transmit(&mut self, now: Instant) {
        self.node.handle_timeout(now);
        while let Some(bytes) = self.node.poll_transmit() {
            self.parts.meters.node.appended.one();
            self.log.append(bytes);
        }
    }

    /// Declines what is still queued while the log is away. What was sent to it is never declined: it may be stored.
    pub(super) fn decline(&mut self, now: Instant) {
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
}
