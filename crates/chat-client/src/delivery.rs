//! What becomes of one post: a future that ends when the server has confirmed it, or when it is known that it will not.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use chat_proto::{DeclineCode, Position, PostId, Text};
use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot};

use crate::error::ConnectError;
use crate::outbox::OutboxError;

/// The fate of one post. It goes its way whether this is awaited or dropped.
#[derive(Debug)]
pub struct Delivery {
    id: PostId,
    result: oneshot::Receiver<Result<Receipt, DeliveryError>>,
    progress: Arc<Progress>,
}

/// The server has the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The post.
    pub id: PostId,
    /// Where it stands, from a server that numbers.
    pub position: Option<Position>,
}

/// Why a post was not confirmed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// It was written and the answer never came: it may have been delivered or not.
    #[error("nobody knows whether the message was delivered")]
    Unconfirmed {
        /// The post.
        id: PostId,
        /// What came between.
        #[source]
        cause: Option<Arc<ConnectError>>,
    },
    /// The server did not take it; with how long to wait, if that can help.
    #[error("the server refused the message: {0}")]
    Refused(DeclineCode, Option<Duration>),
    /// It was never written; or the server put it off, and nobody waited until it would take it.
    #[error("the message was never sent")]
    NeverSent {
        /// The post.
        id: PostId,
        /// Why the server put it off the last time, if it did.
        put_off: Option<DeclineCode>,
        /// Why there was no connection to write it to; `None` when it was discarded or the writer was closed.
        #[source]
        cause: Option<Arc<ConnectError>>,
    },
}

/// Why a post was not taken. The text comes back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The writer is closed.
    #[error("the writer is closed")]
    Closed(Text),
    /// As many posts wait as may wait.
    #[error("too many messages are waiting")]
    Full(Text),
    /// It could not be kept in the outbox, so it would not have survived.
    #[error("could not save the message in the outbox")]
    Outbox {
        /// What failed.
        source: OutboxError,
        /// The text of the post.
        text: Text,
    },
}

impl Delivery {
    /// The name under which the post is known to the server and to the outbox.
    #[must_use]
    pub fn id(&self) -> &PostId {
        &self.id
    }

    /// Waits until the post has been written to the socket: `true` then, `false` when it ended before. That is not
    /// yet delivery.
    pub fn written(&self) -> impl Future<Output = bool> + Send + 'static {
        let progress = self.progress.clone();
        async move {
            loop {
                let changed = progress.changed.notified();
                match progress.step.load(Ordering::Acquire) {
                    WRITTEN => return true,
                    ENDED => return false,
                    _ => changed.await,
                }
            }
        }
    }
}

impl Future for Delivery {
    type Output = Result<Receipt, DeliveryError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = std::task::ready!(Pin::new(&mut self.result).poll(cx));
        // A runtime that is going down drops the writer without a word.
        Poll::Ready(result.unwrap_or_else(|_| Err(DeliveryError::Unconfirmed { id: self.id.clone(), cause: None })))
    }
}

const WAITING: u8 = 0;
const WRITTEN: u8 = 1;
const ENDED: u8 = 2;

#[derive(Debug, Default)]
struct Progress {
    step: AtomicU8,
    changed: Notify,
}

/// The other end of a [`Delivery`]; it also holds the post's place among those that may wait.
#[derive(Debug)]
pub(crate) struct Ticket {
    result: Option<oneshot::Sender<Result<Receipt, DeliveryError>>>,
    progress: Arc<Progress>,
    _place: OwnedSemaphorePermit,
}

pub(crate) fn delivery(id: PostId, place: OwnedSemaphorePermit) -> (Ticket, Delivery) {
    let (sender, result) = oneshot::channel();
    let progress = Arc::new(Progress::default());
    let ticket = Ticket { result: Some(sender), progress: progress.clone(), _place: place };
    (ticket, Delivery { id, result, progress })
}

impl Ticket {
    pub(crate) fn written(&self) {
        let _ = self.progress.step.compare_exchange(WAITING, WRITTEN, Ordering::AcqRel, Ordering::Acquire);
        self.progress.changed.notify_waiters();
    }

    pub(crate) fn end(mut self, result: Result<Receipt, DeliveryError>) {
        if let Some(sender) = self.result.take() {
            // Whoever dropped the delivery does not want to know.
            let _ = sender.send(result);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let _ = self.progress.step.compare_exchange(WAITING, ENDED, Ordering::AcqRel, Ordering::Acquire);
        self.progress.changed.notify_waiters();
    }
}
