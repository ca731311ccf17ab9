//! The position of one listener in the log.

use bytes::{Buf, Bytes};
use chat_proto::Seq;

use super::batch::{Batch, Form};

/// The next message of a listener, and how many bytes of its line the peer has already received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LogCursor {
    next: Seq,
    /// Bytes of the next message's line that are written.
    written: usize,
    /// That line says that the message was removed.
    tombstone: bool,
    form: Form,
}

impl LogCursor {
    pub(crate) fn new(next: Seq, form: Form) -> Self {
        Self { next, written: 0, tombstone: false, form }
    }

    pub(crate) fn next(&self) -> Seq {
        self.next
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// Returns true when the peer has the beginning of a line and must receive its end before anything else.
    pub(crate) fn is_inside_line(&self) -> bool {
        self.written > 0
    }

    /// Returns the bytes of `batch` that remain to be written. The batch contains the next message, or begins after it
    /// because the messages in between are no longer stored.
    pub(crate) fn rest(&self, batch: &Batch) -> Bytes {
        let mut bytes = batch.bytes(self.form).clone();
        if batch.first() > self.next {
            return bytes;
        }
        let start = start_of_line(&bytes, batch.line_of(self.next, self.form));
        bytes.advance((start + self.written).min(bytes.len()));
        bytes
    }

    /// Returns true if the batch no longer has the line of which the peer has the beginning: the message was removed in
    /// the meantime.
    pub(crate) fn is_torn_by(&self, batch: &Batch) -> bool {
        let (next, form) = (self.next, self.form);
        self.is_inside_line() && (batch.is_without(next, form) || batch.is_removed(next, form) != self.tombstone)
    }

    /// Returns the cursor behind a batch.
    pub(crate) fn after(&self, batch: &Batch) -> Self {
        Self::new(batch.last() + 1, self.form)
    }

    /// Moves forward by `written` bytes of what [`LogCursor::rest`] returned for consecutive batches.
    pub(crate) fn advance(&mut self, batches: &[Batch], mut written: usize) {
        for batch in batches {
            let rest = self.rest(batch);
            if written >= rest.len() {
                written -= rest.len();
                *self = self.after(batch);
                continue;
            }
            let taken = &rest[..written];
            let lines = memchr::memchr_iter(b'\n', taken).count();
            let inside = memchr::memrchr(b'\n', taken).map_or(self.written + written, |end| written - end - 1);
            let from = batch.line_of(self.next.max(batch.first()), self.form);
            let next = batch.seq_of(from + lines, self.form);
            let tombstone = inside > 0 && batch.is_removed(next, self.form);
            *self = Self { next, written: inside, tombstone, form: self.form };
            return;
        }
    }
}

/// Returns where a line begins; lines are counted from 0.
fn start_of_line(bytes: &[u8], line: usize) -> usize {
    match line.checked_sub(1) {
        None => 0,
        Some(before) => memchr::memchr_iter(b'\n', bytes).nth(before).map_or(bytes.len(), |end| end + 1),
    }
}
