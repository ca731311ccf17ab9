//! A bounded in-memory ring of encoded messages. Each listener reads it at a cursor of its own, so a slow listener
//! costs no memory: when its messages have left the ring, it reads them from the journal.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use chat_proto::Seq;
use tokio::sync::watch;

use super::batch::{Batch, Form};
use super::head::LogHead;
use crate::entry::MessageRecord;

/// A bounded ring of batches. A batch holds the messages of one journal transaction.
#[derive(Debug)]
pub(crate) struct SharedLog {
    ring: RwLock<Ring>,
    head: watch::Sender<LogHead>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Ring {
    batches: VecDeque<Batch>,
    bytes: usize,
}

/// What the ring contains at a cursor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LogRead<T = Vec<Batch>> {
    /// Consecutive batches; the first one contains the message at the cursor.
    Chunks(T),
    /// There is nothing new.
    UpToDate,
    /// The messages have left the ring: read them from the journal.
    Evicted,
}

impl SharedLog {
    /// Creates a log that ends at `last` and keeps at most `limit` bytes in memory.
    pub(crate) fn new(last: Seq, limit: usize) -> Self {
        Self { ring: RwLock::default(), head: watch::Sender::new(LogHead { last, closing: false }), limit }
    }

    /// Returns the sequence number of the last message.
    pub(crate) fn last(&self) -> Seq {
        self.head.borrow().last
    }

    /// Returns true when a listener whose next message is `next` has everything and the log stays open.
    pub(crate) fn is_up_to_date(&self, next: Seq) -> bool {
        let head = self.head.borrow();
        next > head.last && !head.closing
    }

    /// Returns the oldest sequence number in the ring; one past the last when the ring is empty.
    pub(crate) fn oldest(&self) -> Seq {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.batches.front().map_or_else(|| self.last() + 1, Batch::first)
    }

    /// Returns the bytes of all batches in the ring.
    pub(crate) fn bytes(&self) -> usize {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// Subscribes to the end of the log: new messages, and its closing.
    pub(crate) fn watch_head(&self) -> watch::Receiver<LogHead> {
        self.head.subscribe()
    }

    /// Makes messages visible to listeners. The caller has stored them, and calls in journal order.
    pub(crate) fn publish(&self, messages: &[MessageRecord]) {
        let Some(batch) = Batch::encode(messages) else { return };
        let last = batch.last();
        {
            let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
            ring.bytes += batch.size();
            ring.batches.push_back(batch);
            // The newest batch is never evicted, so that a read at the head always finds it.
            while ring.bytes > self.limit && ring.batches.len() > 1 {
                let evicted = ring.batches.pop_front().map_or(0, |batch| batch.size());
                ring.bytes -= evicted;
            }
        }
        // After the ring, so that a listener that this wakes finds the batch.
        self.head.send_modify(|head| head.last = last);
    }

    /// Tells listeners that no further message will come.
    pub(crate) fn close(&self) {
        self.head.send_modify(|head| head.closing = true);
    }

    /// Returns the batches from `next` on: at most `batches` of them, and at most `bytes` in `form` (but at least one
    /// batch).
    pub(crate) fn read(&self, next: Seq, form: Form, bytes: usize, batches: usize) -> LogRead {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        // The newest batch is looked at under the lock: the watched head may already be ahead of the ring.
        let Some(newest) = ring.batches.back() else {
            return if next > self.last() { LogRead::UpToDate } else { LogRead::Evicted };
        };
        if next > newest.last() {
            return LogRead::UpToDate;
        }
        let start = ring.batches.partition_point(|batch| batch.last() < next);
        let mut found = Vec::with_capacity(batches.min(ring.batches.len() - start));
        let mut size = 0;
        for batch in ring.batches.iter().skip(start).take(batches) {
            if found.is_empty() && batch.first() > next {
                return LogRead::Evicted;
            }
            size += batch.bytes(form).len();
            if size > bytes && !found.is_empty() {
                break;
            }
            found.push(batch.clone());
        }
        LogRead::Chunks(found)
    }
}

#[cfg(test)]
mod tests;
