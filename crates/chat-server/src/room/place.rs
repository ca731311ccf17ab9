//! Where a listener stands in the log. It is all that a listener costs, and it knows no socket.

use bytes::{Buf, Bytes};
use chat_proto::Seq;

use super::Batch;

/// How a listener gets its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    /// `Keen Bob: hello`.
    #[default]
    Plain,
    /// With its number, its time, and sender and text apart.
    Numbered,
}

/// The next message of a listener, and how much of it the peer has taken already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    next: Seq,
    /// Bytes of the next message's line that were written.
    taken: usize,
    form: Form,
}

impl Place {
    pub(crate) fn new(next: Seq, form: Form) -> Self {
        Self { next, taken: 0, form }
    }

    pub(crate) fn next(&self) -> Seq {
        self.next
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// Whether the peer has the beginning of a line and must get its end before anything else.
    pub(crate) fn is_inside_line(&self) -> bool {
        self.taken > 0
    }

    /// The bytes of `batch` that are still to be written. The batch holds the next message, or it
    /// begins after it because the messages between are no longer kept.
    pub(crate) fn rest(&self, batch: &Batch) -> Bytes {
        let mut bytes = batch.bytes(self.form).clone();
        if batch.first() > self.next {
            return bytes;
        }
        let lines = usize::try_from(self.next - batch.first()).unwrap_or(usize::MAX);
        bytes.advance(start_of_line(&bytes, lines) + self.taken);
        bytes
    }

    /// The place behind a batch.
    pub(crate) fn after(&self, batch: &Batch) -> Self {
        Self::new(batch.last() + 1, self.form)
    }

    /// Moves on by `written` bytes of what [`Place::rest`] gave for consecutive batches.
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
            let inside = memchr::memrchr(b'\n', taken).map_or(self.taken + written, |end| written - end - 1);
            let next = self.next.max(batch.first()) + lines as Seq;
            *self = Self { next, taken: inside, form: self.form };
            return;
        }
    }
}

/// Where the line with this number begins, counted from 0.
fn start_of_line(bytes: &[u8], line: usize) -> usize {
    match line.checked_sub(1) {
        None => 0,
        Some(before) => memchr::memchr_iter(b'\n', bytes).nth(before).map_or(bytes.len(), |end| end + 1),
    }
}
