//! The room: the shared log of encoded messages in which each listener holds a place. It keeps no
//! queue for anybody and knows no socket.

mod batch;
mod place;

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use chat_proto::Seq;
use tokio::sync::watch;

pub(crate) use self::{
    batch::Batch,
    place::{Form, Place},
};
use crate::entry::StoredMessage;

/// What every listener waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tide {
    /// The place of the last message.
    pub(crate) head: Seq,
    /// No message will come any more: write what is left and go.
    pub(crate) closing: bool,
}

/// A bounded ring of batches; a batch is what one commit of the store brought, encoded once.
#[derive(Debug)]
pub(crate) struct Room {
    ring: RwLock<Ring>,
    tide: watch::Sender<Tide>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Ring {
    batches: VecDeque<Batch>,
    bytes: usize,
}

/// What the ring has for a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Pieces that follow each other, the first from the place on.
    Pieces(Vec<Batch>),
    /// Nothing new.
    Level,
    /// The place has fallen out of the ring: the journal has it.
    Behind,
}

impl Room {
    /// A room whose log ends at `head`, with a ring of `limit` bytes.
    pub(crate) fn new(head: Seq, limit: usize) -> Self {
        Self { ring: RwLock::default(), tide: watch::Sender::new(Tide { head, closing: false }), limit }
    }

    /// The place of the last message.
    pub(crate) fn head(&self) -> Seq {
        self.tide.borrow().head
    }

    /// Whether nothing is to be written to a listener whose next message is this one, and more may come.
    pub(crate) fn is_level(&self, next: Seq) -> bool {
        let tide = self.tide.borrow();
        next > tide.head && !tide.closing
    }

    /// The oldest place that is in the ring; one after the head when it is empty.
    pub(crate) fn oldest(&self) -> Seq {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.batches.front().map_or_else(|| self.head() + 1, Batch::first)
    }

    /// Bytes of all batches in the ring.
    pub(crate) fn bytes(&self) -> usize {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// Learns of new messages, and of the end.
    pub(crate) fn tide(&self) -> watch::Receiver<Tide> {
        self.tide.subscribe()
    }

    /// Shows messages to the listeners. They are in the store, and come in its order.
    pub(crate) fn publish(&self, messages: &[StoredMessage]) {
        let Some(batch) = Batch::encode(messages) else { return };
        let head = batch.last();
        {
            let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
            ring.bytes += batch.size();
            ring.batches.push_back(batch);
            // The newest batch stays whatever its size.
            while ring.bytes > self.limit && ring.batches.len() > 1 {
                let gone = ring.batches.pop_front().map_or(0, |batch| batch.size());
                ring.bytes -= gone;
            }
        }
        self.tide.send_modify(|tide| tide.head = head);
    }

    /// Tells the listeners that nothing more will come.
    pub(crate) fn close(&self) {
        self.tide.send_modify(|tide| tide.closing = true);
    }

    /// The batches from `next` on, at most `bytes` of them in `form` (but one at least) and at most
    /// `pieces`.
    pub(crate) fn from(&self, next: Seq, form: Form, bytes: usize, pieces: usize) -> Found {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        // Under the lock, so that the head is not ahead of the batches.
        let Some(newest) = ring.batches.back() else {
            return if next > self.head() { Found::Level } else { Found::Behind };
        };
        if next > newest.last() {
            return Found::Level;
        }
        // Most listeners are near the end.
        let start = ring.batches.partition_point(|batch| batch.last() < next);
        let mut found = Vec::with_capacity(pieces.min(ring.batches.len() - start));
        let mut size = 0;
        for batch in ring.batches.iter().skip(start).take(pieces) {
            if found.is_empty() && batch.first() > next {
                return Found::Behind;
            }
            size += batch.bytes(form).len();
            if size > bytes && !found.is_empty() {
                break;
            }
            found.push(batch.clone());
        }
        Found::Pieces(found)
    }
}

#[cfg(test)]
mod tests;
