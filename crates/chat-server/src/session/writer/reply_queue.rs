//! The outstanding answers of a writer: posts that wait for the journal, and confirmations that wait for the peer to
//! read.

use std::collections::VecDeque;

use chat_proto::{Connection, PostId, WriterServer, WriterServerCommand};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::committer::CommitResult;

/// The size of one confirmation in the connection's buffer, roughly.
const CONFIRMATION_BYTES: usize = 64;

/// Posts that were submitted together.
pub(super) struct SubmittedBatch {
    /// The ids of the posts; `None` for a plain post.
    pub(super) ids: Vec<Option<PostId>>,
    /// When they were submitted.
    pub(super) submitted: Instant,
    /// The journal's answers.
    pub(super) result: oneshot::Receiver<CommitResult>,
}

/// Submitted posts and held confirmations.
pub(super) struct ReplyQueue {
    batches: VecDeque<SubmittedBatch>,
    in_flight: usize,
    posts_limit: usize,
    backlog: ConfirmationBacklog,
}

/// Confirmations that wait because the peer does not read. They are all the same, so they are only counted.
pub(super) struct ConfirmationBacklog {
    held: u64,
    /// Bytes that are in the state machine and not yet in the connection's buffer.
    on_the_way: usize,
    limit: usize,
}

impl ConfirmationBacklog {
    /// Returns true if held confirmations may be written. Waits for half the limit, so that they leave in bulk.
    pub(super) fn can_release(&self, buffered: usize) -> bool {
        self.held > 0 && buffered < self.limit.div_ceil(2)
    }

    /// Records that the connection has taken over the output of the machine, and counts it from now on.
    pub(super) fn buffer_handed_over(&mut self) {
        self.on_the_way = 0;
    }
}

impl ReplyQueue {
    pub(super) fn new(posts_limit: usize, bytes_limit: usize) -> Self {
        let backlog = ConfirmationBacklog { held: 0, on_the_way: 0, limit: bytes_limit.max(CONFIRMATION_BYTES) };
        Self { batches: VecDeque::new(), in_flight: 0, posts_limit: posts_limit.max(1), backlog }
    }

    /// Returns the number of posts that wait for the journal.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn is_full(&self) -> bool {
        self.in_flight >= self.posts_limit
    }

    /// Returns true when confirmations are held back.
    pub(super) fn is_holding(&self) -> bool {
        self.backlog.held > 0
    }

    /// Returns the two parts, for which a session waits at the same time.
    pub(super) fn split(&mut self) -> (&mut VecDeque<SubmittedBatch>, &mut ConfirmationBacklog) {
        (&mut self.batches, &mut self.backlog)
    }

    /// Adds posts that were submitted.
    pub(super) fn push(&mut self, batch: SubmittedBatch) {
        self.in_flight += batch.ids.len();
        self.batches.push_back(batch);
    }

    /// Removes the oldest batch, whose result has arrived. Returns its ids, and when it was submitted.
    pub(super) fn pop(&mut self) -> Option<(Vec<Option<PostId>>, Instant)> {
        let batch = self.batches.pop_front()?;
        self.in_flight -= batch.ids.len();
        Some((batch.ids, batch.submitted))
    }

    /// Returns the result of the oldest batch, if it has arrived.
    pub(super) fn next_ready(&mut self) -> Option<CommitResult> {
        self.batches.front_mut()?.result.try_recv().ok()
    }

    /// Adds the confirmation of a plain post.
    pub(super) fn hold_confirmation(&mut self) {
        self.backlog.held += 1;
    }

    /// Sends as many confirmations as the limit of the buffer allows.
    pub(super) fn release<IO: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        connection: &mut Connection<WriterServer, IO>,
    ) {
        let backlog = &mut self.backlog;
        while backlog.held > 0 && connection.buffered() + backlog.on_the_way < backlog.limit {
            backlog.held -= 1;
            backlog.on_the_way += CONFIRMATION_BYTES;
            if connection.command(WriterServerCommand::Confirm).is_err() {
                tracing::error!("the dialogue rejected a confirmation that it waited for");
            }
        }
    }
}
