//! What the handles of a writer ask of its task.

use std::sync::Arc;

use chat_proto::{PostId, Text};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::delivery::Ticket;
use super::queue::Post;
use crate::outbox::error::OutboxError;

/// One request. The task answers those that have a `reply`.
#[derive(Debug)]
pub(super) enum WriterRequest {
    /// Queues a post; `saved` is answered when it is in the outbox. In a box, because a channel has room for 32 requests
    /// from its start.
    Send { post: Box<Post<Ticket>>, saved: Option<oneshot::Sender<Result<(), Arc<OutboxError>>>> },
    /// Withdraws a post.
    Discard { id: PostId, reply: oneshot::Sender<Result<bool, OutboxError>> },
    /// Saves a post that is not sent now.
    Save { id: PostId, text: Text, reply: oneshot::Sender<Result<(), OutboxError>> },
    /// A post was seen on the listen port.
    Echoed { id: PostId },
    /// Answers when all posts so far have ended.
    Idle { reply: oneshot::Sender<()> },
    /// Closes the writer by this time.
    Close { by: Instant },
}
