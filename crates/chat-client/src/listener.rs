//! Keeps a connection to the listen port alive and hands out what the room says. What it could not hear is in the
//! stream too, as a [`Gap`]. It writes no file; a [`Recorder`](crate::Recorder) does.

mod task;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use chat_proto::{Message, PlainLines, Position};
use futures_util::Stream;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use self::task::ListenerTask;
use crate::config::ClientConfig;
use crate::dial::{Dial, TcpDial};
use crate::gap::Gap;
use crate::state::ConnectionState;
use crate::supervisor::Supervisor;

/// How many batches wait for a consumer that is busy. Then the server is read no further: it feels that, and nothing
/// is lost.
const BATCHES: usize = 8;

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenerEvent {
    /// A message.
    Message(Message),
    /// Something may have been missed here.
    Gap(Gap),
    /// The server numbers its messages, and from this place on the room is heard: a listener that keeps its place keeps
    /// this one, or it would not know what it missed when nothing is said before it ends. Comes before the messages of a
    /// connection, and only when no place was known or the server has another log. There is no message in it.
    Joined(Position),
}

/// What came together, for consumers who take much at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventBatch {
    /// Some events, in their order.
    Events(Vec<ListenerEvent>),
    /// Messages of a plain server that read as they stand: [`PlainLines::messages`] are the same one by one.
    Lines(PlainLines),
}

impl EventBatch {
    /// The same one by one.
    #[must_use]
    pub fn into_events(self) -> Vec<ListenerEvent> {
        match self {
            Self::Events(events) => events,
            Self::Lines(lines) => lines.messages().map(ListenerEvent::Message).collect(),
        }
    }
}

/// A running listener: a stream of what the room says, over reconnects, until it is closed.
///
/// The stream ends after the state became [`ConnectionState::Closed`]. Dropping the listener ends the connection.
#[derive(Debug)]
pub struct Listener {
    batches: mpsc::Receiver<EventBatch>,
    current: std::vec::IntoIter<ListenerEvent>,
    handle: ListenerHandle,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// What can be seen and asked of a listener while somebody else reads its stream.
#[derive(Clone, Debug)]
pub struct ListenerHandle {
    state: watch::Receiver<ConnectionState>,
    numbered: watch::Receiver<Option<bool>>,
    retry_now: Arc<Notify>,
}

impl Listener {
    /// Starts listening over TCP. Needs a Tokio runtime.
    #[must_use]
    pub fn start(config: ClientConfig) -> Self {
        let dial = TcpDial::new(&config);
        Self::start_with(config, dial)
    }

    /// Starts listening over streams from `dial`.
    #[must_use]
    pub fn start_with(config: ClientConfig, dial: impl Dial) -> Self {
        let supervisor = Supervisor::new(&config);
        let (sender, batches) = mpsc::channel(BATCHES);
        let (stop, stopped) = oneshot::channel();
        let (numbered_sender, numbered) = watch::channel(None);
        let handle = ListenerHandle { state: supervisor.state(), numbered, retry_now: supervisor.retry_now() };
        let task = ListenerTask::new(config, sender, numbered_sender);
        let task = tokio::spawn(run(supervisor, task, dial, stopped));
        Self { batches, current: Vec::new().into_iter(), handle, stop: Some(stop), task }
    }

    /// The condition of the connection.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.handle.state()
    }

    /// Whether the server numbers its messages, so that nothing is missed; `None` until it is known.
    #[must_use]
    pub fn numbered(&self) -> watch::Receiver<Option<bool>> {
        self.handle.numbered.clone()
    }

    /// Ends a wait for the next attempt. Does nothing when there is none.
    pub fn retry_now(&self) {
        self.handle.retry_now();
    }

    /// For whoever does not read the stream.
    #[must_use]
    pub fn handle(&self) -> ListenerHandle {
        self.handle.clone()
    }

    /// Waits for something to come and appends all of it that is here, up to some hundred events; 0 when the stream
    /// has ended. For consumers who write to a file: one batch, one write. Dropping the future loses nothing.
    pub async fn next_batch(&mut self, events: &mut Vec<ListenerEvent>) -> usize {
        let before = events.len();
        events.extend(self.current.by_ref());
        if events.len() == before
            && let Some(heard) = self.batches.recv().await
        {
            events.extend(heard.into_events());
        }
        events.len() - before
    }

    /// Waits for something to come and gives all of it that is here; `None` when the stream has ended. For consumers to
    /// whom lines in one piece are worth a way of their own. Dropping the future loses nothing.
    pub async fn next_event_batch(&mut self) -> Option<EventBatch> {
        let begun: Vec<_> = self.current.by_ref().collect();
        if begun.is_empty() { self.batches.recv().await } else { Some(EventBatch::Events(begun)) }
    }

    /// Ends the connection and waits until it is gone. What was heard and not read is dropped.
    pub async fn close(mut self) {
        self.batches.close();
        if let Some(stop) = self.stop.take() {
            // When nobody is there to hear it, it is over already.
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
    }
}

impl ListenerHandle {
    /// The condition of the connection.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.clone()
    }

    /// Ends a wait for the next attempt. Does nothing when there is none.
    pub fn retry_now(&self) {
        self.retry_now.notify_waiters();
    }
}

impl Stream for Listener {
    type Item = ListenerEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ListenerEvent>> {
        loop {
            if let Some(event) = self.current.next() {
                return Poll::Ready(Some(event));
            }
            match self.batches.poll_recv(cx) {
                Poll::Ready(Some(heard)) => self.current = heard.into_events().into_iter(),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Connects again and again until it is told to stop or there is no point.
async fn run(mut supervisor: Supervisor, mut task: ListenerTask, dial: impl Dial, mut stopped: oneshot::Receiver<()>) {
    loop {
        supervisor.connecting();
        // Dropping the conversation is safe: nobody wants what it might still have said.
        let error = tokio::select! {
            biased;
            _ = &mut stopped => break,
            error = task.run_connection(&mut supervisor, &dial) => error,
        };
        let Some(error) = error else { break };
        let Some(retry_at) = supervisor.failed(Arc::new(error)) else { return };
        tokio::select! {
            biased;
            _ = &mut stopped => break,
            () = supervisor.wait(retry_at) => {}
        }
    }
    supervisor.closed(None);
}
