//! What a node is asked to put into the log.

use std::time::Instant;

use tokio::sync::oneshot;

use crate::committer::queue::{PostSequence, ReplySlot};

/// A request to the node.
#[derive(Debug)]
pub(super) enum NodeRequest {
    /// Drafts of a session.
    Drafts { reply: ReplySlot, sequence: PostSequence },
    /// One who waits until everything is applied that is in the log now.
    Barrier(oneshot::Sender<()>),
    /// Measures how long a barrier takes; sent at this time.
    Probe(Instant),
    /// Old messages.
    Expiry,
}
