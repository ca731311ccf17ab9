//! The log that orders the batches of all nodes.

use std::sync::Arc;

use bytes::Bytes;

use super::batch::PlacedBatch;
use super::rules::Divergence;

/// A log of batches that several nodes share. Neither call waits.
///
/// It has one order, and what was read once is never taken back or changed. It may lose an append although it stores later
/// ones, store one late or twice, and store one of which it reported a failure. A read may miss what is there, so an append
/// counts as stored only when its node has read it.
pub trait BatchLog {
    /// Sends a batch to the log.
    fn append(&mut self, batch: Bytes);

    /// Returns batches after a place, as far as they are known, in the order of their places. Some may be missing.
    fn read(&mut self, after: u64) -> Vec<PlacedBatch>;

    /// Takes further reads from another copy of the log, because the one so far misses places.
    fn change_copy(&mut self);
}

/// A log that a server can follow: it says when there is something new.
///
/// Nothing that was read is given up before a later place was asked for, so that what could not be stored is read again.
pub trait SharedBatchLog: BatchLog + Send + 'static {
    /// Sets what is called, from any thread, when there is something to read or when [`state`](Self::state) has changed.
    /// Calls may be superfluous.
    fn set_waker(&mut self, wake: Arc<dyn Fn() + Send + Sync>);

    /// Returns whether the log can be reached.
    fn state(&mut self) -> LogState;
}

/// Whether a log can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogState {
    /// It can.
    Connected {
        /// Another number for each connection: what was on its way over an earlier one may be lost.
        connection: u64,
        /// Everything that it had a moment ago was read.
        at_end: bool,
        /// What to call the server of the log in messages.
        server: Arc<str>,
    },
    /// It cannot, for this reason.
    Away {
        /// The reason, as a sentence for an operator.
        why: Arc<str>,
    },
    /// It is not the log that the store of this node follows, or has lost a part of it. An operator must act.
    Diverged(Divergence),
}
