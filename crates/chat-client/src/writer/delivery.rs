//! The result of one `send`: a future that resolves with the server's answer, and the state on the way there.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use chat_proto::{DeclineCode, PostId, Text};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::delivery_state::{DeliveryState, Receipt};
use crate::net::error::ConnectError;
use crate::outbox::error::OutboxError;

/// One message that was accepted. Awaiting it returns the server's confirmation, or why there is none.
///
/// The message is sent whether this is awaited or dropped. A program that ends right after `send` must await its
/// deliveries or [`Writer::close`](crate::Writer::close); otherwise messages that are still queued are lost.
///
/// ```
/// # use chat_client::{ClientConfig, Delivery, DeliveryState, Text, Token, Writer, testing::Room};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let room = Room::new();
/// # let writer = Writer::builder(ClientConfig::default()).token(room.token()).dial(room.dial()).start();
/// let delivery: Delivery = writer.send(Text::new("hello")?).await?;
/// let state = delivery.state();
/// let receipt = delivery.await?;
/// assert_eq!(*state.borrow(), DeliveryState::Confirmed(receipt));
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a program that ends without awaiting its deliveries or `Writer::close` loses queued messages"]
pub struct Delivery {
    id: PostId,
    result: oneshot::Receiver<Result<Receipt, DeliveryError>>,
    /// Set once `result` was received by `try_outcome`.
    outcome: Option<Result<Receipt, DeliveryError>>,
    state: watch::Receiver<DeliveryState>,
}

/// Why a message was not confirmed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The message was written and not answered: it may or may not have been delivered.
    #[error("no confirmation: the message may or may not have been delivered")]
    #[non_exhaustive]
    Unconfirmed {
        /// The id of the message.
        id: PostId,
        /// Why the connection ended; `None` if the writer was closed first.
        #[source]
        cause: Option<Arc<ConnectError>>,
    },
    /// The server did not accept the message.
    #[error("the server refused the message: {code}")]
    #[non_exhaustive]
    Refused {
        /// The id of the message.
        id: PostId,
        /// The reason that the server gave.
        code: DeclineCode,
        /// The time after which another attempt can succeed, if the server gave it.
        retry_after: Option<Duration>,
        /// Why, in the words of an operator, if the server gave it.
        reason: Option<Text>,
    },
    /// The writer ended before the message was written, or while the server asked to wait.
    #[error("the message was never sent")]
    #[non_exhaustive]
    NeverSent {
        /// The id of the message.
        id: PostId,
        /// The reason of the server's last request to wait, if any.
        put_off: Option<DeclineCode>,
        /// Why there was no connection; `None` if the writer was closed.
        #[source]
        cause: Option<Arc<ConnectError>>,
    },
    /// The message was withdrawn before it was written.
    #[error("the message was discarded")]
    #[non_exhaustive]
    Discarded {
        /// The id of the message.
        id: PostId,
    },
    /// The message could not be saved in the outbox, so it was not sent.
    #[error("could not save the message in the outbox")]
    #[non_exhaustive]
    Outbox {
        /// The id of the message.
        id: PostId,
        /// The error of the outbox.
        source: Arc<OutboxError>,
    },
}

/// Why a message was not accepted. The error returns the text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The writer has ended.
    #[error("the writer is closed")]
    #[non_exhaustive]
    Closed {
        /// The text of the message.
        text: Text,
        /// Why the writer ended; `None` if it was closed.
        #[source]
        cause: Option<Arc<ConnectError>>,
    },
    /// The queue is full.
    #[error("too many messages are waiting")]
    #[non_exhaustive]
    Full {
        /// The text of the message.
        text: Text,
    },
    /// The outbox could not save the message, so it would not have survived a restart.
    #[error("could not save the message in the outbox")]
    #[non_exhaustive]
    Outbox {
        /// The error of the outbox.
        source: Arc<OutboxError>,
        /// The text of the message.
        text: Text,
    },
}

/// Why [`Writer::post`](crate::Writer::post) did not get a confirmation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// The message was not accepted.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The message was accepted and not confirmed.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
}

impl SendError {
    /// Returns the text that was not accepted.
    #[must_use]
    pub fn into_text(self) -> Text {
        match self {
            Self::Closed { text, .. } | Self::Full { text } | Self::Outbox { text, .. } => text,
        }
    }

    /// Creates the error of a full queue, for callers that check [`Writer::is_full`](crate::Writer::is_full) first.
    #[must_use]
    pub fn full(text: Text) -> Self {
        Self::Full { text }
    }
}

impl DeliveryError {
    /// Returns the id of the message.
    #[must_use]
    pub fn id(&self) -> &PostId {
        match self {
            Self::Unconfirmed { id, .. }
            | Self::Refused { id, .. }
            | Self::NeverSent { id, .. }
            | Self::Discarded { id }
            | Self::Outbox { id, .. } => id,
        }
    }

    /// Returns the final state of the message.
    #[must_use]
    pub fn state(&self) -> DeliveryState {
        match self {
            Self::Unconfirmed { .. } => DeliveryState::Unconfirmed,
            Self::Refused { code, retry_after, reason, .. } => {
                DeliveryState::Refused { code: code.clone(), retry_after: *retry_after, reason: reason.clone() }
            }
            Self::NeverSent { .. } | Self::Outbox { .. } => DeliveryState::NeverSent,
            Self::Discarded { .. } => DeliveryState::Discarded,
        }
    }
}

impl Delivery {
    /// Returns the id by which the server and the outbox know the message.
    #[must_use]
    pub fn id(&self) -> &PostId {
        &self.id
    }

    /// Returns the state of the message, for watching. It keeps its last value when the writer ends.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<DeliveryState> {
        self.state.clone()
    }

    /// Returns the result if it is available. The delivery can still be awaited afterwards.
    pub fn try_outcome(&mut self) -> Option<Result<Receipt, DeliveryError>> {
        if self.outcome.is_none() {
            match self.result.try_recv() {
                Ok(outcome) => self.outcome = Some(outcome),
                Err(oneshot::error::TryRecvError::Closed) => self.outcome = Some(Err(self.abandoned())),
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
        }
        self.outcome.clone()
    }

    /// Waits until the message has been written to the socket. Returns `true` then, `false` if it ended before. A
    /// written message is not yet delivered.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub fn written(&self) -> impl Future<Output = bool> + Send + 'static {
        let mut state = self.state.clone();
        async move {
            // If the channel is closed, it keeps the last state.
            let _ = state.wait_for(|state| *state != DeliveryState::Queued).await;
            let state = state.borrow();
            !matches!(*state, DeliveryState::Queued | DeliveryState::NeverSent | DeliveryState::Discarded)
        }
    }

    /// Waits for the result, and keeps it for [`Delivery::try_outcome`].
    pub(crate) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.outcome.is_none() {
            let result = ready!(Pin::new(&mut self.result).poll(cx));
            self.outcome = Some(result.unwrap_or_else(|_| Err(self.abandoned())));
        }
        Poll::Ready(())
    }

    /// Returns the error for a task that was dropped without an answer, as by a runtime that shuts down.
    fn abandoned(&self) -> DeliveryError {
        DeliveryError::Unconfirmed { id: self.id.clone(), cause: None }
    }
}

impl Future for Delivery {
    type Output = Result<Receipt, DeliveryError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.outcome.take() {
            return Poll::Ready(outcome);
        }
        let result = ready!(Pin::new(&mut self.result).poll(cx));
        Poll::Ready(result.unwrap_or_else(|_| Err(self.abandoned())))
    }
}

/// The writer's end of a [`Delivery`]; it also owns the message's place in the queue.
#[derive(Debug)]
pub(crate) struct Ticket {
    result: Option<oneshot::Sender<Result<Receipt, DeliveryError>>>,
    state: watch::Sender<DeliveryState>,
    _place: OwnedSemaphorePermit,
}

pub(crate) fn delivery(id: PostId, place: OwnedSemaphorePermit) -> (Ticket, Delivery) {
    let (sender, result) = oneshot::channel();
    let (state_sender, state) = watch::channel(DeliveryState::Queued);
    let ticket = Ticket { result: Some(sender), state: state_sender, _place: place };
    (ticket, Delivery { id, result, outcome: None, state })
}

impl Ticket {
    /// Publishes a state that is not final.
    pub(crate) fn set(&self, state: DeliveryState) {
        self.state.send_if_modified(|now| {
            let changed = *now != state;
            *now = state;
            changed
        });
    }

    pub(crate) fn end(mut self, result: Result<Receipt, DeliveryError>) {
        let state = match &result {
            Ok(receipt) => DeliveryState::Confirmed(receipt.clone()),
            Err(error) => error.state(),
        };
        self.state.send_replace(state);
        if let Some(sender) = self.result.take() {
            // An error means that the caller dropped its delivery.
            let _ = sender.send(result);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.result.is_some() {
            self.state.send_replace(DeliveryState::Unconfirmed);
        }
    }
}
