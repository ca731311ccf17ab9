//! The task of a [`Writer`](crate::Writer). It owns the queue of posts, which outlives connections, and is the only
//! writer of the outbox file.

mod posts;
mod requests;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chat_proto::{
    Account, Connection, ConnectionError, Extensions, Intent, LineCodec, Token, WriterClient, WriterClientConfig,
    WriterClientEvent,
};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::delivery::Ticket;
use super::hold::{Hold, HoldReason};
use super::queue::Queue;
use super::request::WriterRequest;
use super::shutdown::ShutdownReport;
use crate::config::{ClientConfig, Side};
use crate::delivery_state::DeliveryState;
use crate::net::connect::service_connection;
use crate::net::dial::Dial;
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;
use crate::net::supervisor::Supervisor;
use crate::outbox::access::OutboxAccess;
use crate::outbox::error::OutboxError;

/// How long the server may take to acknowledge the end of the connection.
const GOODBYE: Duration = Duration::from_secs(1);

/// How often the time at a node without a log doubles: up to about five minutes.
const MAX_DOUBLINGS: u32 = 5;

/// The part of a writer that outlives a connection.
pub(super) struct WriterTask {
    config: ClientConfig,
    token: Token,
    outbox: OutboxAccess,
    supervisor: Supervisor,
    requests: mpsc::UnboundedReceiver<WriterRequest>,
    watches: WriterWatches,
    drain_when_dropped: Duration,
    end_now: Arc<Notify>,
    queue: Queue<Ticket>,
    /// How often in a row the writer has left a node that cannot reach the log of the room.
    departures: u32,
    /// Answered when the queue is empty.
    idle: Vec<oneshot::Sender<()>>,
    /// Set while the writer closes: the deadline, and the posts that have ended so far.
    closing: Option<(Instant, ShutdownReport)>,
}

/// The watched values besides the state.
#[derive(Debug)]
pub(super) struct WriterWatches {
    pub(super) account: watch::Sender<Option<Account>>,
    pub(super) round_trip: watch::Sender<Option<Duration>>,
    pub(super) outbox_error: watch::Sender<Option<Arc<OutboxError>>>,
    pub(super) hold: watch::Sender<Option<Hold>>,
}

/// The event that woke the task.
enum Wake {
    Request(Option<WriterRequest>),
    Event(Result<WriterClientEvent, ConnectionError>),
    /// All bytes that were passed to the connection are written.
    Written,
    Time,
}

impl WriterTask {
    pub(super) fn new(
        config: ClientConfig,
        token: Token,
        outbox: OutboxAccess,
        supervisor: Supervisor,
        requests: mpsc::UnboundedReceiver<WriterRequest>,
        watches: WriterWatches,
        drain_when_dropped: Duration,
    ) -> Self {
        Self {
            config,
            token,
            outbox,
            supervisor,
            requests,
            watches,
            drain_when_dropped,
            end_now: Arc::default(),
            queue: Queue::new(),
            departures: 0,
            idle: Vec::new(),
            closing: None,
        }
    }

    /// Ends the task at once when it is notified.
    pub(super) fn end_now(&self) -> Arc<Notify> {
        self.end_now.clone()
    }

    /// Sends posts until the writer is closed or can no longer connect, and reports the state of the others.
    pub(super) async fn run(mut self, dial: &dyn Dial) -> ShutdownReport {
        let cause = loop {
            if self.is_finished() {
                break None;
            }
            self.supervisor.connecting();
            let Some(cause) = self.run_connection(dial).await else { break None };
            let Some(retry_at) = self.supervisor.failed(cause.clone()) else { break Some(cause) };
            self.wait(retry_at).await;
        };
        self.end(cause).await
    }

    /// Dials and sends until that fails; `None` if the writer is to end.
    async fn run_connection(&mut self, dial: &dyn Dial) -> Option<Arc<ConnectError>> {
        let mut connection = match self.dial(dial).await? {
            Ok(io) => self.connection(io),
            Err(error) => return Some(Arc::new(error)),
        };
        let mut offer = Extensions::default();
        let mut unwritten = VecDeque::new();
        let error = loop {
            self.write_posts(&mut connection, &mut unwritten, offer.id).await;
            self.after_wake().await;
            let (open, deadline) = (self.takes_requests(), self.deadline());
            let wait_until = self.queue.wait_until().filter(|_| connection.machine().can_post());
            let leave_at = self.leave_at(dial.nodes());
            let wake = tokio::select! {
                // Requests first: a caller that queued a message and closes must find it in the report. All branches
                // are cancel-safe: a request stays in its channel and an event in the connection until it is returned.
                biased;
                request = self.requests.recv(), if open => Wake::Request(request),
                () = self.end_now.notified() => break None,
                wake = next_wake(&mut connection, !unwritten.is_empty()) => wake,
                () = sleep_until_some(deadline) => break None,
                () = sleep_until_some(leave_at) => {
                    self.departures += 1;
                    break Some(ConnectError::LogUnavailable);
                }
                () = sleep_until_some(wait_until) => Wake::Time,
            };
            match wake {
                Wake::Request(request) => self.handle_request(request).await,
                Wake::Event(Ok(event)) => self.handle_event(event, &mut offer).await,
                Wake::Event(Err(error)) => break Some(ConnectError::from(error)),
                Wake::Written => {
                    for key in unwritten.drain(..) {
                        if let Some(ticket) = self.queue.written(key) {
                            ticket.set(DeliveryState::Written);
                        }
                    }
                }
                Wake::Time => {}
            }
            if self.is_finished() {
                // All answers have arrived; a clean end only saves the server an error.
                let _ = timeout(GOODBYE, connection.shutdown()).await;
                break None;
            }
        };
        self.watches.hold.send_if_modified(|hold| hold.take().is_some());
        let cause = Arc::new(error?);
        let unknown = self.queue.disconnected(offer.id);
        self.settle_unconfirmed(unknown, Some(&cause)).await;
        Some(cause)
    }

    /// Opens a stream, and handles requests in the meantime; `None` if the writer is to end.
    async fn dial(&mut self, dial: &dyn Dial) -> Option<Result<BoxedIo, ConnectError>> {
        let mut dialling = pin!(dial.dial(Side::Write));
        loop {
            self.after_wake().await;
            let (open, deadline) = (self.takes_requests(), self.deadline());
            tokio::select! {
                // A fixed order of polling, so that a simulation replays from its seed. All branches are cancel-safe;
                // a request is handled in its arm, where nothing drops it half-way.
                biased;
                io = &mut dialling => return Some(io),
                () = self.end_now.notified() => return None,
                request = self.requests.recv(), if open => self.handle_request(request).await,
                () = sleep_until_some(deadline) => return None,
            }
            if self.is_finished() {
                return None;
            }
        }
    }

    fn connection(&self, io: BoxedIo) -> Connection<WriterClient, BoxedIo> {
        let mut config = WriterClientConfig::new(Intent::Login(self.token.clone()));
        config.answer_timeout = self.config.answer_timeout;
        config.keepalive = Some(self.config.keepalive);
        let machine = WriterClient::new(config, Instant::now().into_std());
        service_connection(&self.config, machine, io, LineCodec::for_client())
    }

    /// Waits for the next attempt, and handles requests in the meantime.
    async fn wait(&mut self, until: Instant) {
        let retry_now = self.supervisor.retry_now();
        let mut asked = pin!(retry_now.notified());
        loop {
            self.after_wake().await;
            let (open, deadline) = (self.takes_requests(), self.deadline());
            // A fixed order of polling, so that a simulation replays from its seed. All branches are cancel-safe.
            tokio::select! {
                biased;
                () = sleep_until(until) => return,
                () = &mut asked => return,
                () = self.end_now.notified() => {
                    self.close_at(Instant::now()).await;
                    return;
                }
                request = self.requests.recv(), if open => self.handle_request(request).await,
                () = sleep_until_some(deadline) => return,
            }
            if self.is_finished() {
                return;
            }
        }
    }

    /// Does what is due after each event, before the task waits again.
    async fn after_wake(&mut self) {
        if self.queue.is_empty() {
            for waiter in self.idle.drain(..) {
                // An error means that the caller has stopped waiting.
                let _ = waiter.send(());
            }
        }
        let hold = self.queue.held().map(|(code, until)| Hold { reason: HoldReason::Server(code.clone()), until });
        let hold = hold.or_else(|| {
            let failed = self.watches.outbox_error.borrow().is_some();
            let until = self.queue.wait_until().filter(|_| failed)?;
            Some(Hold { reason: HoldReason::Outbox, until })
        });
        self.watches.hold.send_if_modified(|now| {
            let changed = *now != hold;
            *now = hold;
            changed
        });
        self.outbox.compact_if_worthwhile().await;
    }

    /// Returns when to leave a node that cannot reach the log of the room for another one, which may. The time doubles with
    /// each node that was left in vain: when the log itself is away, moving helps none.
    fn leave_at(&self, nodes: usize) -> Option<Instant> {
        // A writer that connects only once would end.
        let may_leave = nodes > 1 && self.config.retry.max_attempts != Some(1);
        let since = self.queue.away_since().filter(|_| may_leave)?;
        Some(since + self.config.answer_timeout.saturating_mul(1 << self.departures.min(MAX_DOUBLINGS)))
    }

    /// Returns whether handles can still send requests.
    fn takes_requests(&self) -> bool {
        self.closing.is_none()
    }

    fn deadline(&self) -> Option<Instant> {
        self.closing.as_ref().map(|(by, _)| *by)
    }

    /// Returns whether the writer is closing and has nothing more to do, or no more time.
    fn is_finished(&self) -> bool {
        self.closing.as_ref().is_some_and(|(by, _)| self.queue.is_empty() || Instant::now() >= *by)
    }

    /// Settles the remaining posts.
    async fn end(mut self, cause: Option<Arc<ConnectError>>) -> ShutdownReport {
        self.close_at(Instant::now()).await;
        for post in self.queue.drain() {
            let state = post.abandoned();
            self.settle(post, state, cause.clone()).await;
        }
        self.supervisor.closed(cause);
        self.closing.map(|(_, report)| report).unwrap_or_default()
    }
}

async fn sleep_until_some(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Waits for the next event, or with `until_written` until everything is written. Cancel-safe, because `next_event` is
/// and no state is kept between polls.
async fn next_wake(connection: &mut Connection<WriterClient, BoxedIo>, until_written: bool) -> Wake {
    poll_fn(|cx| {
        if let Poll::Ready(event) = pin!(connection.next_event()).poll(cx) {
            return Poll::Ready(Wake::Event(event));
        }
        if until_written && connection.buffered() == 0 { Poll::Ready(Wake::Written) } else { Poll::Pending }
    })
    .await
}

#[cfg(test)]
mod tests;
