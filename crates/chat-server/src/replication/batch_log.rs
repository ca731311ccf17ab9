//! The log that orders the batches of all nodes.

use bytes::Bytes;

use super::batch::PlacedBatch;

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
