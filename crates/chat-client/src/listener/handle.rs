//! A running listener as a stream, and with methods for programs that do not use `futures`.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use chat_proto::Message;
use futures_util::Stream;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use super::event::{EventBatch, ListenerEvent};
use super::task::ListenerTask;
use crate::config::{ClientConfig, Side};
use crate::net::connect::service_dial;
use crate::net::counters::{ListenerCounters, ServiceCounters};
use crate::net::dial::Dial;
use crate::net::error::ConnectError;
use crate::net::state::ConnectionState;
use crate::net::supervisor::{self, Supervisor};

/// How many batches wait for a slow consumer. Beyond that the socket is not read, so that back-pressure reaches the
/// server and nothing is lost.
const BATCHES: usize = 8;

/// A running listener: a stream of the room's messages that reconnects automatically until it is closed.
///
/// The stream ends after the state became [`ConnectionState::Closed`]; after a final error the last item is
/// [`ListenerEvent::Closed`] with the cause. Dropping the listener ends the connection.
///
/// ```no_run
/// use chat_client::{ClientConfig, Listener, ListenerEvent};
///
/// # async fn example() {
/// let mut listener = Listener::builder(ClientConfig::new("chat.example")).start();
/// while let Some(event) = listener.next().await {
///     match event {
///         ListenerEvent::Message(message) => println!("{}", message.text),
///         ListenerEvent::Gap(gap) => eprintln!("{gap}"),
///         ListenerEvent::Closed(cause) => eprintln!("the listener ended: {cause}"),
///         _ => {}
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Listener {
    batches: mpsc::Receiver<EventBatch>,
    current: std::vec::IntoIter<ListenerEvent>,
    handle: ListenerHandle,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// A handle to watch and control a listener while another task reads its stream.
///
/// ```
/// use chat_client::testing::Room;
/// use chat_client::{ClientConfig, Listener};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let room = Room::new();
/// let mut listener = Listener::builder(ClientConfig::default()).dial(room.dial()).start();
/// let handle = listener.handle();
/// tokio::spawn(async move { while listener.next().await.is_some() {} });
/// // From another task: ends the wait for the next attempt, as after a laptop wakes up.
/// handle.retry_now();
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ListenerHandle {
    state: watch::Receiver<ConnectionState>,
    numbered: watch::Receiver<Option<bool>>,
    retry_now: Arc<Notify>,
    counters: Arc<ServiceCounters>,
}

/// The messages of a listener without its other events; created by [`Listener::messages`].
#[derive(Debug)]
pub struct Messages<'a>(&'a mut Listener);

/// Configures a [`Listener`]; created by [`Listener::builder`].
///
/// ```
/// use chat_client::testing::Room;
/// use chat_client::{ClientConfig, Listener};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let room = Room::new();
/// // Without `dial` it connects to the host of the configuration.
/// let listener = Listener::builder(ClientConfig::default()).dial(room.dial()).start();
/// listener.online().await.map_err(|_| "the listener ended")?;
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until `start`"]
pub struct ListenerBuilder {
    config: ClientConfig,
    dial: Option<Box<dyn Dial>>,
}

impl std::fmt::Debug for ListenerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListenerBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

impl ListenerBuilder {
    /// Connects with `dial` instead of TCP. With [`ClientConfig::tls`] TLS runs over its streams too.
    pub fn dial(mut self, dial: impl Dial) -> Self {
        self.dial = Some(Box::new(dial));
        self
    }

    /// Starts the listener on the current Tokio runtime.
    ///
    /// # Panics
    /// Outside a Tokio runtime, and in one without timers (`enable_time`).
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Listener {
        supervisor::assert_runtime();
        let dial = service_dial(&self.config, self.dial);
        let supervisor = Supervisor::new(&self.config, dial.nodes());
        let (sender, batches) = mpsc::channel(BATCHES);
        let (stop, stopped) = oneshot::channel();
        let (numbered_sender, numbered) = watch::channel(None);
        let handle = ListenerHandle {
            state: supervisor.state(),
            numbered,
            retry_now: supervisor.retry_now(),
            counters: supervisor.counters(),
        };
        let span = tracing::info_span!("listener", address = self.config.addresses_text(Side::Listen));
        let task = ListenerTask::new(self.config, sender, numbered_sender, supervisor.counters());
        let task = tokio::spawn(task.run(supervisor, dial, stopped).instrument(span));
        Listener { batches, current: Vec::new().into_iter(), handle, stop: Some(stop), task }
    }
}

impl Listener {
    /// Returns a builder for a listener of the room of `config`.
    pub fn builder(config: ClientConfig) -> ListenerBuilder {
        ListenerBuilder { config, dial: None }
    }

    /// Waits for the next event; `None` when the stream has ended.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<ListenerEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Returns the next event if one has already arrived.
    pub fn try_next(&mut self) -> Option<ListenerEvent> {
        loop {
            if let Some(event) = self.current.next() {
                return Some(event);
            }
            self.current = self.batches.try_recv().ok()?.into_events().into_iter();
        }
    }

    /// Waits for events and appends all that have arrived, at most some hundreds. Returns their number, 0 when the
    /// stream has ended. For programs that write to a file: one batch, one write.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_batch(&mut self, events: &mut Vec<ListenerEvent>) -> usize {
        let before = events.len();
        events.extend(self.current.by_ref());
        if events.len() == before
            && let Some(batch) = self.batches.recv().await
        {
            events.extend(batch.into_events());
        }
        events.len() - before
    }

    /// Waits for events and returns all that have arrived; `None` when the stream has ended. For programs that process
    /// the lines of a plain server as one block.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_event_batch(&mut self) -> Option<EventBatch> {
        let begun: Vec<_> = self.current.by_ref().collect();
        if begun.is_empty() { self.batches.recv().await } else { Some(EventBatch::Events(begun)) }
    }

    /// Returns a stream of the messages only, for programs that ignore gaps.
    #[must_use]
    pub fn messages(&mut self) -> Messages<'_> {
        Messages(self)
    }

    /// Waits until the listener is online.
    ///
    /// # Errors
    /// The reason why the listener ended instead; `None` if it was closed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn online(&self) -> Result<(), Option<Arc<ConnectError>>> {
        supervisor::wait_online(self.state()).await
    }

    /// Waits until the listener has ended and returns the reason; `None` if it was closed. Unread events remain
    /// available.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn closed(&self) -> Option<Arc<ConnectError>> {
        let mut state = self.state();
        match state.wait_for(ConnectionState::is_closed).await.as_deref() {
            Ok(ConnectionState::Closed { cause }) => cause.clone(),
            _ => None,
        }
    }

    /// Returns the state of the connection, for watching.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.handle.state()
    }

    /// Returns whether the server numbers its messages, so that none is missed; `None` until this is known.
    #[must_use]
    pub fn numbered(&self) -> watch::Receiver<Option<bool>> {
        self.handle.numbered.clone()
    }

    /// Ends a wait for the next connection attempt. Does nothing if the listener is not waiting.
    pub fn retry_now(&self) {
        self.handle.retry_now();
    }

    /// Returns what the listener has done so far.
    #[must_use]
    pub fn counters(&self) -> ListenerCounters {
        self.handle.counters()
    }

    /// Returns a handle for other tasks.
    #[must_use]
    pub fn handle(&self) -> ListenerHandle {
        self.handle.clone()
    }

    /// Ends the connection and waits until it is closed. Unread events are dropped.
    ///
    /// # Cancel safety
    /// Dropping the future drops the listener, which ends the connection too.
    pub async fn close(mut self) {
        self.batches.close();
        if let Some(stop) = self.stop.take() {
            // An error means that the task has already ended.
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<ListenerEvent>> {
        loop {
            if let Some(event) = self.current.next() {
                return Poll::Ready(Some(event));
            }
            match ready!(self.batches.poll_recv(cx)) {
                Some(batch) => self.current = batch.into_events().into_iter(),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl ListenerHandle {
    /// Returns the state of the connection, for watching.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.clone()
    }

    /// Returns whether the server numbers its messages; `None` until this is known.
    #[must_use]
    pub fn numbered(&self) -> watch::Receiver<Option<bool>> {
        self.numbered.clone()
    }

    /// Returns what the listener has done so far.
    #[must_use]
    pub fn counters(&self) -> ListenerCounters {
        self.counters.of_listener()
    }

    /// Ends a wait for the next connection attempt. Does nothing if the listener is not waiting.
    pub fn retry_now(&self) {
        self.retry_now.notify_waiters();
    }
}

impl Messages<'_> {
    /// Waits for the next message; `None` when the stream has ended.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Message> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Listener {
    type Item = ListenerEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ListenerEvent>> {
        self.poll_event(cx)
    }
}

impl Stream for Messages<'_> {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        loop {
            match ready!(self.0.poll_event(cx)) {
                Some(ListenerEvent::Message(message)) => return Poll::Ready(Some(message)),
                Some(_) => {}
                None => return Poll::Ready(None),
            }
        }
    }
}
