//! The handle of a running writer.

use std::sync::Arc;
use std::time::Duration;

use chat_proto::{Account, PostId, Text};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::delivery::{Delivery, PostError, SendError, delivery};
use super::hold::Hold;
use super::options::{SendOptions, fresh_post_id};
use super::queue::Post;
use super::request::WriterRequest;
use super::shutdown::ShutdownReport;
use crate::delivery_state::Receipt;
use crate::net::counters::{ServiceCounters, WriterCounters};
use crate::net::error::ConnectError;
use crate::net::state::ConnectionState;
use crate::net::supervisor;
use crate::outbox::access::OutboxAccess;
use crate::outbox::entry::OutboxEntry;
use crate::outbox::error::OutboxError;

/// A running writer: it keeps a connection to the write port open and sends messages in order.
///
/// Cloning is cheap, and all clones feed one queue. The writer ends after [`Writer::close`], or up to 10 s after the
/// last handle was dropped, if the runtime lives that long: a `main` that returns ends it at once.
///
/// ```no_run
/// use std::time::Duration;
///
/// use chat_client::{ClientConfig, Text, Token, Writer};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let token = Token::new("9a08f44c-c541-41eb-8c47-0242ac110002")?;
/// let writer = Writer::builder(ClientConfig::new("chat.example")).token(token).start();
/// for text in ["one", "two", "three"] {
///     let _in_order = writer.send(Text::new(text)?).await?;
/// }
/// // Without this the end of `main` would lose what is still queued.
/// let report = writer.close(Duration::from_secs(5)).await;
/// assert_eq!(report.unconfirmed().count(), 0);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Writer {
    pub(super) requests: mpsc::UnboundedSender<WriterRequest>,
    pub(super) places: Arc<Semaphore>,
    pub(super) queue_size: usize,
    pub(super) outbox: OutboxAccess,
    pub(super) state: watch::Receiver<ConnectionState>,
    pub(super) account: watch::Receiver<Option<Account>>,
    pub(super) round_trip: watch::Receiver<Option<Duration>>,
    pub(super) outbox_error: watch::Receiver<Option<Arc<OutboxError>>>,
    pub(super) hold: watch::Receiver<Option<Hold>>,
    pub(super) report: watch::Receiver<Option<ShutdownReport>>,
    pub(super) retry_now: Arc<Notify>,
    pub(super) end_now: Arc<Notify>,
    pub(super) counters: Arc<ServiceCounters>,
}

impl Writer {
    /// Queues a message as soon as there is space in the queue. It is sent when there is a connection. With an outbox,
    /// the message is in the file when this function returns.
    ///
    /// # Errors
    /// [`SendError::Closed`] and [`SendError::Outbox`]; both return the text.
    ///
    /// # Cancel safety
    /// If the future is dropped while it waits for space, nothing is queued. If it is dropped while it waits for the
    /// outbox, the message may be queued.
    pub async fn send(&self, text: Text) -> Result<Delivery, SendError> {
        self.send_with(text, SendOptions::default()).await
    }

    /// Queues a message as [`Writer::send`] does, with options.
    ///
    /// # Errors
    /// As [`Writer::send`].
    ///
    /// # Cancel safety
    /// As [`Writer::send`].
    pub async fn send_with(&self, text: Text, options: SendOptions) -> Result<Delivery, SendError> {
        match self.places.clone().acquire_owned().await {
            Ok(place) => self.enqueue(text, options, place).await,
            Err(_) => Err(self.closed_error(text)),
        }
    }

    /// Queues a message of the outbox again: as a new message, or as one that may have been delivered, depending on its
    /// state.
    ///
    /// # Errors
    /// As [`Writer::send`].
    ///
    /// # Cancel safety
    /// As [`Writer::send`].
    pub async fn send_entry(&self, entry: OutboxEntry) -> Result<Delivery, SendError> {
        let options = SendOptions::with_id(entry.id).may_be_delivered(entry.state.may_be_delivered());
        self.send_with(entry.text, options).await
    }

    /// Queues a message if there is space now, without waiting. With an outbox the message is saved before it is
    /// sent; if that fails, its delivery ends with [`DeliveryError::Outbox`](crate::DeliveryError::Outbox).
    ///
    /// # Errors
    /// [`SendError::Full`] and [`SendError::Closed`]; both return the text.
    pub fn try_send(&self, text: Text) -> Result<Delivery, SendError> {
        match self.places.clone().try_acquire_owned() {
            Ok(place) => {
                let id = fresh_post_id();
                let (ticket, delivery) = delivery(id.clone(), place);
                let post = Post { id, text: text.clone(), written_before: false, echoed: false, put_off: None, ticket };
                let post = Box::new(post);
                match self.requests.send(WriterRequest::Send { post, saved: None }) {
                    Ok(()) => Ok(delivery),
                    Err(_) => Err(self.closed_error(text)),
                }
            }
            Err(TryAcquireError::NoPermits) => Err(SendError::Full { text }),
            Err(TryAcquireError::Closed) => Err(self.closed_error(text)),
        }
    }

    /// Sends a message and waits for the server's confirmation.
    ///
    /// # Errors
    /// [`PostError`]: why the message was not accepted or not confirmed.
    ///
    /// # Cancel safety
    /// As [`Writer::send`]; a message that was queued is sent nevertheless.
    pub async fn post(&self, text: Text) -> Result<Receipt, PostError> {
        Ok(self.send(text).await?.await?)
    }

    /// Withdraws a message: one that waits to be written ends as discarded, and one that the outbox has from an earlier
    /// run is removed. Returns `false` if the message is written and unanswered, or unknown.
    ///
    /// # Errors
    /// [`OutboxError`] if the outbox file cannot be written; the message is then still in it.
    ///
    /// # Cancel safety
    /// Dropping the future does not withdraw the request.
    pub async fn discard(&self, id: &PostId) -> Result<bool, OutboxError> {
        let (reply, answer) = oneshot::channel();
        let asked = self.requests.send(WriterRequest::Discard { id: id.clone(), reply });
        match asked {
            Ok(()) => answer.await.unwrap_or(Ok(false)),
            // The task has ended, so there is no other writer of the file.
            Err(_) if self.outbox.contains(id) => self.outbox.done(id.clone()).await.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Saves a message in the outbox without sending it, for a program that cannot queue it now and must not lose it.
    /// Does nothing without an outbox.
    ///
    /// # Errors
    /// [`OutboxError`] when the outbox file cannot be written.
    ///
    /// # Cancel safety
    /// Dropping the future does not withdraw the request.
    pub async fn save(&self, id: PostId, text: Text) -> Result<(), OutboxError> {
        let (reply, answer) = oneshot::channel();
        match self.requests.send(WriterRequest::Save { id, text, reply }) {
            Ok(()) => answer.await.unwrap_or(Ok(())),
            // The task has ended, so there is no other writer of the file.
            Err(mpsc::error::SendError(WriterRequest::Save { id, text, .. })) => self.outbox.add(id, text).await,
            Err(_) => Ok(()),
        }
    }

    /// Reports to the writer that an [`EchoMatcher`](crate::EchoMatcher) has seen the message on the listen port. A
    /// server without message ids gives no better proof of delivery: the outbox removes the message, and it can no
    /// longer end as unconfirmed.
    pub fn confirm_echo(&self, id: PostId) {
        // An error means that the writer has ended and has already reported the message.
        let _ = self.requests.send(WriterRequest::Echoed { id });
    }

    /// Waits until every message that was queued before this call has ended.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn idle(&self) {
        let (reply, answer) = oneshot::channel();
        if self.requests.send(WriterRequest::Idle { reply }).is_ok() {
            // An error means that the writer has ended, and its messages with it.
            let _ = answer.await;
        }
    }

    /// Waits until the writer is logged in.
    ///
    /// # Errors
    /// Why the writer ended instead; `None` if it was closed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn online(&self) -> Result<(), Option<Arc<ConnectError>>> {
        supervisor::wait_online(self.state.clone()).await
    }

    /// Returns how many messages are queued or unanswered.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue_size - self.places.available_permits()
    }

    /// Returns how many messages may be queued and unanswered together.
    #[must_use]
    pub fn queue_size(&self) -> usize {
        self.queue_size
    }

    /// Returns whether [`Writer::send`] would have to wait for space.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.places.is_closed() && self.places.available_permits() == 0
    }

    /// Returns the state of the connection, for watching.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.clone()
    }

    /// Returns the account as the server knows it, for watching; `None` before the first login.
    #[must_use]
    pub fn account(&self) -> watch::Receiver<Option<Account>> {
        self.account.clone()
    }

    /// Returns how long the server took to answer the last keepalive, for watching.
    #[must_use]
    pub fn round_trip(&self) -> watch::Receiver<Option<Duration>> {
        self.round_trip.clone()
    }

    /// Returns why queued messages wait although there is a connection, for watching; `None` if they do not.
    #[must_use]
    pub fn hold(&self) -> watch::Receiver<Option<Hold>> {
        self.hold.clone()
    }

    /// Returns why the outbox cannot be written, for watching; `None` while it can. In the meantime, if the server does
    /// not support ids, messages wait and one attempt is made per second: a message that is sent without being marked
    /// as sent could be sent again by a later run.
    #[must_use]
    pub fn outbox_error(&self) -> watch::Receiver<Option<Arc<OutboxError>>> {
        self.outbox_error.clone()
    }

    /// Returns what the writer has done so far.
    #[must_use]
    pub fn counters(&self) -> WriterCounters {
        self.counters.of_writer()
    }

    /// Ends a wait for the next connection attempt. Does nothing if the writer is not waiting.
    pub fn retry_now(&self) {
        self.retry_now.notify_waiters();
    }

    /// Ends the writer at once, also while it closes: what is unanswered ends as unconfirmed, what is queued as never
    /// sent.
    pub fn end_now(&self) {
        self.places.close();
        self.end_now.notify_one();
    }

    /// Closes the writer: no more messages are accepted, those in the queue are sent for at most `within`, then the
    /// connection ends. Returns the result of each. A writer that has already ended returns its report.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the writer from closing; only the report is lost.
    pub async fn close(self, within: Duration) -> ShutdownReport {
        self.places.close();
        // An error means that the writer has ended and its report is available.
        let _ = self.requests.send(WriterRequest::Close { by: Instant::now() + within });
        let mut report = self.report.clone();
        drop(self);
        report.wait_for(Option::is_some).await.ok().and_then(|report| report.clone()).unwrap_or_default()
    }

    async fn enqueue(
        &self,
        text: Text,
        options: SendOptions,
        place: OwnedSemaphorePermit,
    ) -> Result<Delivery, SendError> {
        let id = options.id.unwrap_or_else(fresh_post_id);
        let (ticket, delivery) = delivery(id.clone(), place);
        let written_before = options.may_be_delivered;
        let post = Box::new(Post { id, text: text.clone(), written_before, echoed: false, put_off: None, ticket });
        let (saved, answer) = if self.outbox.exists() {
            let (sender, receiver) = oneshot::channel();
            (Some(sender), Some(receiver))
        } else {
            (None, None)
        };
        if self.requests.send(WriterRequest::Send { post, saved }).is_err() {
            return Err(self.closed_error(text));
        }
        match answer {
            None => Ok(delivery),
            Some(answer) => match answer.await {
                Ok(Ok(())) => Ok(delivery),
                Ok(Err(source)) => Err(SendError::Outbox { source, text }),
                // The task ended before it received the message.
                Err(_) => Err(self.closed_error(text)),
            },
        }
    }

    fn closed_error(&self, text: Text) -> SendError {
        let cause = match &*self.state.borrow() {
            ConnectionState::Closed { cause } => cause.clone(),
            _ => None,
        };
        SendError::Closed { text, cause }
    }
}

#[cfg(test)]
mod tests;
