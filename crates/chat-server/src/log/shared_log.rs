//! A bounded in-memory ring of encoded messages. Each listener reads it at a cursor of its own, so a slow listener
//! costs no memory: when its messages have left the ring, it reads them from the journal.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use chat_proto::Seq;
use tokio::sync::watch;

use super::batch::{Batch, Form};
use super::head::LogHead;
use crate::entry::{MessageRecord, Tombstone};

/// A bounded ring of batches. A batch holds the messages of one journal transaction.
#[derive(Debug)]
pub(crate) struct SharedLog {
    ring: RwLock<Ring>,
    head: watch::Sender<LogHead>,
    removals: RwLock<Removals>,
    limit: usize,
}

/// The newest removals, for listeners that have the message.
#[derive(Debug, Default)]
struct Removals {
    /// The number of removals that are no longer kept.
    forgotten: u64,
    kept: VecDeque<Removal>,
}

/// A removal, and the end of the log at that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removal {
    pub(crate) tombstone: Tombstone,
    pub(crate) head: Seq,
}

/// How many removals are kept. A listener that was away for longer keeps what it has.
const KEPT_REMOVALS: usize = 10_000;

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
        let head = LogHead { last, actions: 0, closing: false };
        Self { ring: RwLock::default(), head: watch::Sender::new(head), removals: RwLock::default(), limit }
    }

    /// Returns the end of the log.
    pub(crate) fn head(&self) -> LogHead {
        *self.head.borrow()
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

    /// Tells listeners that messages were removed. The caller has stored it. The ring forgets everything up to them, so
    /// that a listener that has not received them yet reads what is left of them in the journal.
    pub(crate) fn remove(&self, removals: Vec<Removal>) {
        let Some(newest) = removals.iter().map(|removal| removal.tombstone.seq).max() else { return };
        {
            let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
            while ring.batches.front().is_some_and(|batch| batch.first() <= newest) {
                let evicted = ring.batches.pop_front().map_or(0, |batch| batch.size());
                ring.bytes -= evicted;
            }
        }
        self.note_removals(removals);
        // After the rest, so that a listener that this wakes finds it.
        self.notify_action();
    }

    /// Remembers removals of an earlier run.
    pub(crate) fn note_removals(&self, removals: impl IntoIterator<Item = Removal>) {
        let mut all = self.removals.write().unwrap_or_else(PoisonError::into_inner);
        all.kept.extend(removals);
        while all.kept.len() > KEPT_REMOVALS {
            all.kept.pop_front();
            all.forgotten += 1;
        }
    }

    /// Wakes every listener, also those that have everything.
    pub(crate) fn notify_action(&self) {
        self.head.send_modify(|head| head.actions += 1);
    }

    /// Returns the number of actions that concern listeners.
    pub(crate) fn actions(&self) -> u64 {
        self.head.borrow().actions
    }

    /// Returns the number of removals so far.
    pub(crate) fn removals(&self) -> u64 {
        let removals = self.removals.read().unwrap_or_else(PoisonError::into_inner);
        removals.forgotten + removals.kept.len() as u64
    }

    /// Returns the removals after the first `seen`, as far as they are kept, and how many there are now.
    pub(crate) fn removals_after(&self, seen: u64) -> (Vec<Removal>, u64) {
        let removals = self.removals.read().unwrap_or_else(PoisonError::into_inner);
        let skip = usize::try_from(seen.saturating_sub(removals.forgotten)).unwrap_or(usize::MAX);
        let found = removals.kept.iter().skip(skip).cloned().collect();
        (found, removals.forgotten + removals.kept.len() as u64)
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
