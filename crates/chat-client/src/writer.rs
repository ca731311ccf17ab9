//! Keeps a connection to the write port alive and posts what it is given, in order. Each post gets a
//! [`Delivery`] that says what became of it. It keeps nothing over restarts unless it is given an [`Outbox`].

mod task;

use std::sync::Arc;
use std::time::Duration;

use chat_proto::{Account, PostId, Text, Token};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;

use self::task::{WriterCommand, WriterTask, WriterWatches};
use crate::config::ClientConfig;
use crate::delivery::{Delivery, SendError, delivery};
use crate::dial::{Dial, TcpDial};
use crate::outbox::{Outbox, OutboxEntry, OutboxError, Post};
use crate::state::ConnectionState;
use crate::supervisor::Supervisor;

/// How many posts may be on their way at once, queued and written together: enough to fill the window four times,
/// little enough that the longest texts take 16 MiB.
const PLACES: usize = 1024;

/// How long a writer whose last handle was dropped goes on with what it has taken.
const DRAIN_WHEN_DROPPED: Duration = Duration::from_secs(10);

/// A running writer. Cloning is cheap; the writer ends when it is closed, or some time after the last handle is gone.
#[derive(Clone, Debug)]
pub struct Writer {
    commands: mpsc::UnboundedSender<WriterCommand>,
    places: Arc<Semaphore>,
    outbox: Option<Outbox>,
    state: watch::Receiver<ConnectionState>,
    account: watch::Receiver<Option<Account>>,
    round_trip: watch::Receiver<Option<Duration>>,
    outbox_error: watch::Receiver<Option<Arc<OutboxError>>>,
    report: watch::Receiver<Option<ShutdownReport>>,
    retry_now: Arc<Notify>,
}

/// What became of the posts that had not ended when a writer began to close.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The server has them.
    pub confirmed: Vec<PostId>,
    /// The server did not take them.
    pub refused: Vec<PostId>,
    /// They may have been delivered or not.
    pub unconfirmed: Vec<PostId>,
    /// They were not written.
    pub never_sent: Vec<PostId>,
}

impl Writer {
    /// Starts a writer over TCP that posts as the account of `token`. Needs a Tokio runtime.
    #[must_use]
    pub fn start(config: ClientConfig, token: Token) -> Self {
        let dial = TcpDial::new(&config);
        Self::start_with(config, token, dial)
    }

    /// Starts a writer over streams from `dial`.
    #[must_use]
    pub fn start_with(config: ClientConfig, token: Token, dial: impl Dial) -> Self {
        Self::spawn(config, token, None, dial)
    }

    /// Starts a writer over TCP that keeps in `outbox` what is not confirmed.
    #[must_use]
    pub fn start_kept(config: ClientConfig, token: Token, outbox: Outbox) -> Self {
        let dial = TcpDial::new(&config);
        Self::start_kept_with(config, token, outbox, dial)
    }

    /// Starts a writer over streams from `dial` that keeps in `outbox` what is not confirmed.
    #[must_use]
    pub fn start_kept_with(config: ClientConfig, token: Token, outbox: Outbox, dial: impl Dial) -> Self {
        Self::spawn(config, token, Some(outbox), dial)
    }

    fn spawn(config: ClientConfig, token: Token, outbox: Option<Outbox>, dial: impl Dial) -> Self {
        let supervisor = Supervisor::new(&config);
        let (commands, received) = mpsc::unbounded_channel();
        let places = Arc::new(Semaphore::new(PLACES));
        let (account_sender, account) = watch::channel(None);
        let (round_trip_sender, round_trip) = watch::channel(None);
        let (outbox_error_sender, outbox_error) = watch::channel(None);
        let (report_sender, report) = watch::channel(None);
        let handle = Self {
            commands,
            places: places.clone(),
            outbox: outbox.clone(),
            state: supervisor.state(),
            account,
            round_trip,
            outbox_error,
            report,
            retry_now: supervisor.retry_now(),
        };
        let watched =
            WriterWatches { account: account_sender, round_trip: round_trip_sender, outbox_error: outbox_error_sender };
        let task = WriterTask::new(config, token, outbox, supervisor, received, watched, DRAIN_WHEN_DROPPED);
        tokio::spawn(async move {
            let report = task.run(&dial).await;
            // First no new posts, then the report: whoever reads it must not find a post missing in it.
            places.close();
            report_sender.send_replace(Some(report));
        });
        handle
    }

    /// Takes a post, as soon as there is room in the queue. What was taken is sent when there is a connection.
    ///
    /// # Errors
    /// Hands the text back when the writer is closed or the outbox cannot keep it.
    pub async fn send(&self, text: Text) -> Result<Delivery, SendError> {
        self.send_as(fresh_post_id(), text).await
    }

    /// The same as [`Writer::send`] under an id of the caller's.
    ///
    /// # Errors
    /// As [`Writer::send`].
    pub async fn send_as(&self, id: PostId, text: Text) -> Result<Delivery, SendError> {
        self.take(id, text, false).await
    }

    /// Takes a post that may have been delivered already, by an earlier run perhaps. It is sent where the server
    /// stores an id only once; elsewhere it ends unconfirmed without being sent.
    ///
    /// # Errors
    /// As [`Writer::send`].
    pub async fn send_again(&self, id: PostId, text: Text) -> Result<Delivery, SendError> {
        self.take(id, text, true).await
    }

    /// Takes a post out of the outbox, as new or as repeated, whichever it is.
    ///
    /// # Errors
    /// As [`Writer::send`].
    pub async fn send_entry(&self, entry: OutboxEntry) -> Result<Delivery, SendError> {
        let again = entry.may_have_been_delivered();
        self.take(entry.id, entry.text, again).await
    }

    /// Takes a post if there is room now.
    ///
    /// # Errors
    /// Hands the text back; [`SendError::Full`] when there is no room.
    pub fn try_send(&self, text: Text) -> Result<Delivery, SendError> {
        match self.places.clone().try_acquire_owned() {
            Ok(place) => self.enqueue(fresh_post_id(), text, false, place),
            Err(tokio::sync::TryAcquireError::NoPermits) => Err(SendError::Full(text)),
            Err(tokio::sync::TryAcquireError::Closed) => Err(SendError::Closed(text)),
        }
    }

    /// Takes a post back that was never written; its delivery ends as never sent. False when it is too late.
    pub async fn discard(&self, id: &PostId) -> bool {
        let (reply, answer) = oneshot::channel();
        let asked = self.commands.send(WriterCommand::Discard { id: id.clone(), reply });
        asked.is_ok() && answer.await.unwrap_or(false)
    }

    /// How many posts have not ended yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        PLACES - self.places.available_permits()
    }

    /// Whether a post would have to wait for a place.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.places.is_closed() && self.places.available_permits() == 0
    }

    /// The condition of the connection.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.clone()
    }

    /// The account as the server has it, once it has said so.
    #[must_use]
    pub fn account(&self) -> watch::Receiver<Option<Account>> {
        self.account.clone()
    }

    /// How long the server took for its last sign of life, while nothing is posted.
    #[must_use]
    pub fn round_trip(&self) -> watch::Receiver<Option<Duration>> {
        self.round_trip.clone()
    }

    /// Why the outbox cannot be written; `None` while it can. On a server that takes no ids the posts wait meanwhile, and
    /// are tried again every second: one that is not known as written could be said twice by a later run.
    #[must_use]
    pub fn outbox_error(&self) -> watch::Receiver<Option<Arc<OutboxError>>> {
        self.outbox_error.clone()
    }

    /// Ends a wait for the next attempt. Does nothing when there is none.
    pub fn retry_now(&self) {
        self.retry_now.notify_waiters();
    }

    /// Takes no more posts, goes on with those it has for at most `within`, then ends the connection and says what
    /// became of them. On a writer that has ended already it says what was left then.
    pub async fn close(self, within: Duration) -> ShutdownReport {
        self.places.close();
        // When nobody is there to hear it, the report is there already.
        let _ = self.commands.send(WriterCommand::Close { by: Instant::now() + within });
        let mut report = self.report.clone();
        drop(self);
        report.wait_for(Option::is_some).await.ok().and_then(|report| report.clone()).unwrap_or_default()
    }

    async fn take(&self, id: PostId, text: Text, again: bool) -> Result<Delivery, SendError> {
        match self.places.clone().acquire_owned().await {
            Ok(place) => self.enqueue(id, text, again, place),
            Err(_) => Err(SendError::Closed(text)),
        }
    }

    fn enqueue(
        &self,
        id: PostId,
        text: Text,
        again: bool,
        place: tokio::sync::OwnedSemaphorePermit,
    ) -> Result<Delivery, SendError> {
        let new = match self.outbox.as_ref().map(|outbox| outbox.add(&id, &text)) {
            Some(Err(error)) => return Err(SendError::Outbox { source: error, text }),
            Some(Ok(new)) => new,
            None => false,
        };
        let (ticket, delivery) = delivery(id.clone(), place);
        let post = Post { id, text, written_before: again, put_off: None, ticket };
        match self.commands.send(WriterCommand::Send(post)) {
            Ok(()) => Ok(delivery),
            Err(mpsc::error::SendError(WriterCommand::Send(post))) => {
                // The caller has it back: a later run must not send it too.
                if let Some(outbox) = self.outbox.as_ref().filter(|_| new)
                    && let Err(error) = outbox.discard(&post.id)
                {
                    tracing::warn!(error = %error, "the outbox could not be written");
                }
                Err(SendError::Closed(post.text))
            }
            Err(_) => unreachable!("a channel hands back what it was given"),
        }
    }
}

/// An id that no other post has.
#[must_use]
pub fn fresh_post_id() -> PostId {
    PostId::new(&uuid::Uuid::new_v4().simple().to_string()).expect("32 hexadecimal digits are an identifier")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_text_that_is_handed_back_is_not_kept_and_one_that_was_kept_before_is() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(dir.path().join("outbox"), "room").unwrap();
        let text = Text::new("hello").unwrap();
        outbox.add(&PostId::new("kept").unwrap(), &text).unwrap();
        let (dial, _room) = crate::dial::pipes();
        let token = Token::new("9a08").unwrap();
        let mut writer = Writer::start_kept_with(ClientConfig::default(), token, outbox.clone(), dial);
        // The instant between the end of the task and the end of its handles.
        (writer.commands, _) = mpsc::unbounded_channel();
        assert!(matches!(writer.send(text.clone()).await, Err(SendError::Closed(back)) if back == text));
        assert!(matches!(writer.try_send(text), Err(SendError::Closed(_))));
        let kept = outbox.entries().pop().unwrap();
        assert!(matches!(writer.send_entry(kept).await, Err(SendError::Closed(_))));
        assert_eq!(outbox.entries().iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["kept"]);
    }
}
