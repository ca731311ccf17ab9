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
    form: Form,
}

impl LogCursor {
    pub(crate) fn new(next: Seq, form: Form) -> Self {
        Self { next, written: 0, form }
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
        // Saturates on a 32-bit system: the search below then ends at the end of the batch.
        let lines = usize::try_from(self.next - batch.first()).unwrap_or(usize::MAX);
        bytes.advance(start_of_line(&bytes, lines) + self.written);
        bytes
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
            let next = self.next.max(batch.first()) + lines as Seq;
            *self = Self { next, written: inside, form: self.form };
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
