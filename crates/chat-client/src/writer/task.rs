//! The task of a [`Writer`](crate::Writer). It owns the queue of posts, which outlives connections, and is the only
//! writer of the outbox file.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chat_proto::{
    Account, Connection, ConnectionError, Extensions, Intent, LineCodec, PostId, Text, Token, WriterClient,
    WriterClientCommand, WriterClientConfig, WriterClientEvent,
};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::delivery::{DeliveryError, Ticket};
use super::hold::{Hold, HoldReason};
use super::queue::{Post, Queue};
use super::shutdown::ShutdownReport;
use crate::config::{ClientConfig, Side};
use crate::delivery_state::{DeliveryState, Receipt};
use crate::net::dial::Dial;
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;
use crate::net::supervisor::Supervisor;
use crate::outbox::error::OutboxError;
use crate::outbox::log::Outbox;

/// How long the server may take to acknowledge the end of the connection.
const GOODBYE: Duration = Duration::from_secs(1);

/// The commands of the handles.
#[derive(Debug)]
pub(crate) enum WriterCommand {
    /// Queues a post; `saved` is answered when it is in the outbox.
    Send {
        post: Post<Ticket>,
        saved: Option<oneshot::Sender<Result<(), Arc<OutboxError>>>>,
    },
    Discard {
        id: PostId,
        reply: oneshot::Sender<Result<bool, OutboxError>>,
    },
    /// Saves a post that is not sent now.
    Save {
        id: PostId,
        text: Text,
        reply: oneshot::Sender<Result<(), OutboxError>>,
    },
    Echoed {
        id: PostId,
    },
    Idle {
        reply: oneshot::Sender<()>,
    },
    Close {
        by: Instant,
    },
}

/// The part of a writer that outlives a connection.
pub(crate) struct WriterTask {
    config: ClientConfig,
    token: Token,
    outbox: Option<Outbox>,
    supervisor: Supervisor,
    commands: mpsc::UnboundedReceiver<WriterCommand>,
    watches: WriterWatches,
    drain_when_dropped: Duration,
    end_now: Arc<Notify>,
    queue: Queue<Ticket>,
    /// Answered when the queue is empty.
    idle: Vec<oneshot::Sender<()>>,
    /// Set while the writer closes: the deadline, and the posts that have ended so far.
    closing: Option<(Instant, ShutdownReport)>,
}

/// The watched values besides the state.
#[derive(Debug)]
pub(crate) struct WriterWatches {
    pub(crate) account: watch::Sender<Option<Account>>,
    pub(crate) round_trip: watch::Sender<Option<Duration>>,
    pub(crate) outbox_error: watch::Sender<Option<Arc<OutboxError>>>,
    pub(crate) hold: watch::Sender<Option<Hold>>,
}

/// The event that woke the task.
enum Wake {
    Command(Option<WriterCommand>),
    Event(Result<WriterClientEvent, ConnectionError>),
    /// All bytes that were passed to the connection are written.
    Written,
    Time,
}

impl WriterTask {
    pub(crate) fn new(
        config: ClientConfig,
        token: Token,
        outbox: Option<Outbox>,
        supervisor: Supervisor,
        commands: mpsc::UnboundedReceiver<WriterCommand>,
        watches: WriterWatches,
        drain_when_dropped: Duration,
    ) -> Self {
        let (queue, idle, closing, end_now) = (Queue::new(), Vec::new(), None, Arc::default());
        Self { config, token, outbox, supervisor, commands, watches, drain_when_dropped, end_now, queue, idle, closing }
    }

    /// Ends the task at once when it is notified.
    pub(crate) fn end_now(&self) -> Arc<Notify> {
        self.end_now.clone()
    }

    /// Sends posts until the writer is closed or can no longer connect, and reports the state of the others.
    pub(crate) async fn run(mut self, dial: &dyn Dial) -> ShutdownReport {
        let cause = loop {
            if self.is_finished() {
                break None;
            }
            self.supervisor.connecting();
            let Some(cause) = self.run_connection(dial).await else { break None };
            let Some(retry_at) = self.supervisor.failed(cause.clone()) else { break Some(cause) };
            self.wait(retry_at).await;
        };
        self.end(cause)
    }

    /// Dials and sends until that fails; `None` if the writer is to end.
    async fn run_connection(&mut self, dial: &dyn Dial) -> Option<Arc<ConnectError>> {
        let io = {
            let mut dialling = pin!(dial.dial(Side::Write));
            loop {
                self.after_wake().await;
                let (open, deadline) = (self.takes_commands(), self.deadline());
                tokio::select! {
                    // A fixed order of polling, so that a simulation replays from its seed. All branches are
                    // cancel-safe.
                    biased;
                    io = &mut dialling => break io,
                    () = self.end_now.notified() => return None,
                    command = self.commands.recv(), if open => self.handle_command(command),
                    () = sleep_until_some(deadline) => return None,
                }
                if self.is_finished() {
                    return None;
                }
            }
        };
        let io = match io {
            Ok(io) => io,
            Err(error) => return Some(Arc::new(error)),
        };
        let mut config = WriterClientConfig::new(Intent::Login(self.token.clone()));
        config.answer_timeout = self.config.answer_timeout;
        config.keepalive = Some(self.config.keepalive);
        let machine = WriterClient::new(config, Instant::now().into_std());
        let mut connection = Connection::new(machine, io, LineCodec::for_client());
        let mut offer = Extensions::default();
        let mut unwritten = VecDeque::new();
        let error = loop {
            self.write_posts(&mut connection, &mut unwritten, offer.id);
            self.after_wake().await;
            let (open, deadline) = (self.takes_commands(), self.deadline());
            let wait_until = self.queue.wait_until().filter(|_| connection.machine().can_post());
            let wake = tokio::select! {
                // Commands first: a caller that queued a message and closes must find it in the report. All branches
                // are cancel-safe.
                biased;
                command = self.commands.recv(), if open => Wake::Command(command),
                () = self.end_now.notified() => break None,
                wake = next_wake(&mut connection, !unwritten.is_empty()) => wake,
                () = sleep_until_some(deadline) => break None,
                () = sleep_until_some(wait_until) => Wake::Time,
            };
            match wake {
                Wake::Command(command) => self.handle_command(command),
                Wake::Event(Ok(event)) => self.handle_event(event, &mut offer),
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
        self.settle_unconfirmed(unknown, Some(&cause));
        Some(cause)
    }

    /// Settles posts that may or may not have been delivered.
    fn settle_unconfirmed(&mut self, posts: Vec<Post<Ticket>>, cause: Option<&Arc<ConnectError>>) {
        let ids: Vec<PostId> = posts.iter().filter(|post| !post.echoed).map(|post| post.id.clone()).collect();
        if !ids.is_empty() {
            self.update_outbox(|outbox| outbox.mark(&ids, &DeliveryState::Unconfirmed));
        }
        for post in posts {
            self.settle(post, DeliveryState::Unconfirmed, cause.cloned());
        }
    }

    /// Passes the connection as many posts as it accepts. The outbox marks them as written before their bytes are sent.
    fn write_posts(
        &mut self,
        connection: &mut Connection<WriterClient, BoxedIo>,
        unwritten: &mut VecDeque<u64>,
        ids: bool,
    ) {
        let now = Instant::now();
        let mut leaving = Vec::new();
        // Without ids, a post that is written and not marked would be written again by a later run, and appear twice.
        while connection.machine().can_post() && (ids || self.mark_next(now)) {
            let Some((key, post)) = self.queue.write_next(now) else { break };
            let command = WriterClientCommand::Post { key, id: post.id.clone(), text: post.text.clone() };
            if ids {
                leaving.push(post.id.clone());
            }
            unwritten.push_back(key);
            let taken = connection.command(command);
            debug_assert!(taken.is_ok(), "the machine said that it can post");
        }
        if !leaving.is_empty() {
            self.update_outbox(|outbox| outbox.mark(&leaving, &DeliveryState::Written));
        }
    }

    /// Marks the next post as written before it is sent. Returns `false` if there is nothing to write now, or if the
    /// outbox cannot be written; writing then pauses.
    fn mark_next(&mut self, now: Instant) -> bool {
        let Some(id) = self.queue.next(now).map(|post| post.id.clone()) else { return false };
        let marked = self.update_outbox(|outbox| outbox.mark(std::slice::from_ref(&id), &DeliveryState::Written));
        if !marked {
            self.queue.put_off(now);
        }
        marked
    }

    fn handle_event(&mut self, event: WriterClientEvent, offer: &mut Extensions) {
        match event {
            WriterClientEvent::Account(account) => {
                self.watches.account.send_replace(Some(account));
            }
            WriterClientEvent::Ready { extensions } => {
                *offer = extensions;
                if !extensions.id {
                    let unknown = self.queue.take_written_before();
                    self.settle_unconfirmed(unknown, None);
                }
                self.supervisor.online(extensions);
            }
            WriterClientEvent::Confirmed { key, position } => {
                if let Some(post) = self.queue.confirmed(key) {
                    self.update_outbox(|outbox| outbox.done(&post.id));
                    let receipt = Receipt::new(post.id.clone(), position);
                    self.settle(post, DeliveryState::Confirmed(receipt), None);
                }
            }
            WriterClientEvent::Declined { key, code, retry_after } => {
                if let Some((post, state)) = self.queue.declined(key, &code, retry_after, Instant::now()) {
                    self.update_outbox(|outbox| outbox.mark(std::slice::from_ref(&post.id), &state));
                    self.settle(post, state, None);
                }
            }
            WriterClientEvent::RoundTrip(time) => {
                self.watches.round_trip.send_replace(Some(time));
            }
            // Events of a later protocol version contain nothing that this version can use.
            _ => {}
        }
    }

    fn handle_command(&mut self, command: Option<WriterCommand>) {
        match command {
            Some(WriterCommand::Send { post, saved }) => self.accept(post, saved),
            Some(WriterCommand::Discard { id, reply }) => {
                // An error means that the caller has stopped waiting.
                let _ = reply.send(self.discard(&id));
            }
            Some(WriterCommand::Save { id, text, reply }) => {
                let saved = self.outbox.as_ref().map_or(Ok(()), |outbox| outbox.add(&id, &text).map(drop));
                let _ = reply.send(saved);
            }
            Some(WriterCommand::Echoed { id }) => {
                if !self.queue.echoed(&id) {
                    self.update_outbox(|outbox| outbox.done(&id));
                }
            }
            Some(WriterCommand::Idle { reply }) => self.idle.push(reply),
            Some(WriterCommand::Close { by }) => self.close_at(by),
            None => self.close_at(Instant::now() + self.drain_when_dropped),
        }
    }

    /// Saves a post in the outbox, then queues it: a message that would not survive a restart is not accepted.
    fn accept(&mut self, post: Post<Ticket>, saved: Option<oneshot::Sender<Result<(), Arc<OutboxError>>>>) {
        let kept = self.outbox.as_ref().map_or(Ok(()), |outbox| outbox.add(&post.id, &post.text).map(drop));
        let answer = match kept {
            Ok(()) => {
                self.queue.push(post);
                Ok(())
            }
            Err(error) => {
                let (source, id) = (Arc::new(error), post.id.clone());
                self.report_outbox(Some(source.clone()));
                post.ticket.end(Err(DeliveryError::Outbox { id, source: source.clone() }));
                Err(source)
            }
        };
        if let Some(saved) = saved {
            // An error means that the caller has stopped waiting.
            let _ = saved.send(answer);
        }
    }

    fn discard(&mut self, id: &PostId) -> Result<bool, OutboxError> {
        let found = self.queue.discard(id);
        if found.is_none() && self.queue.contains(id) {
            // It is written and can no longer be withdrawn.
            return Ok(false);
        }
        let known = self.outbox.as_ref().is_some_and(|outbox| outbox.contains(id));
        let forgotten = self.outbox.as_ref().map_or(Ok(()), |outbox| outbox.done(id));
        let was_queued = found.is_some();
        if let Some(post) = found {
            self.settle(post, DeliveryState::Discarded, None);
        }
        forgotten.map(|()| was_queued || known)
    }

    fn close_at(&mut self, by: Instant) {
        // Messages sent before the writer was closed are still received before the channel ends.
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            match command {
                WriterCommand::Send { post, saved } => self.accept(post, saved),
                WriterCommand::Close { .. } => {}
                other => self.handle_command(Some(other)),
            }
        }
        self.closing.get_or_insert((by, ShutdownReport::default()));
    }

    /// Waits for the next attempt, and handles commands in the meantime.
    async fn wait(&mut self, until: Instant) {
        let retry_now = self.supervisor.retry_now();
        let mut asked = pin!(retry_now.notified());
        loop {
            self.after_wake().await;
            let (open, deadline) = (self.takes_commands(), self.deadline());
            // A fixed order of polling, so that a simulation replays from its seed. All branches are cancel safe.
            tokio::select! {
                biased;
                () = sleep_until(until) => return,
                () = &mut asked => return,
                () = self.end_now.notified() => {
                    self.close_at(Instant::now());
                    return;
                }
                command = self.commands.recv(), if open => self.handle_command(command),
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
        if let Some(outbox) = self.outbox.as_ref().filter(|outbox| outbox.needs_compaction()) {
            let outbox = outbox.clone();
            // Compaction syncs the file, which must not block a thread of the runtime. The task waits for it, because
            // no other write may come between.
            let _ = tokio::task::spawn_blocking(move || outbox.compact()).await;
        }
    }

    /// Returns whether handles can still send commands.
    fn takes_commands(&self) -> bool {
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
    fn end(mut self, cause: Option<Arc<ConnectError>>) -> ShutdownReport {
        self.close_at(Instant::now());
        for post in self.queue.drain() {
            let state = post.abandoned();
            self.settle(post, state, cause.clone());
        }
        self.supervisor.closed(cause);
        self.closing.map(|(_, report)| report).unwrap_or_default()
    }

    fn settle(&mut self, post: Post<Ticket>, state: DeliveryState, cause: Option<Arc<ConnectError>>) {
        let id = post.id.clone();
        let state = match state {
            // Other users have seen it, so it is delivered.
            DeliveryState::Unconfirmed if post.echoed => {
                self.update_outbox(|outbox| outbox.done(&id));
                DeliveryState::Confirmed(Receipt::new(id.clone(), None))
            }
            state => state,
        };
        if let Some((_, report)) = &mut self.closing {
            report.push(id.clone(), state.clone());
        }
        post.ticket.end(match state {
            DeliveryState::Confirmed(receipt) => Ok(receipt),
            DeliveryState::Refused { code, retry_after } => Err(DeliveryError::Refused { id, code, retry_after }),
            DeliveryState::NeverSent => Err(DeliveryError::NeverSent { id, put_off: post.put_off, cause }),
            DeliveryState::Discarded => Err(DeliveryError::Discarded { id }),
            // The other states are not final; all that is known is that the post was written.
            DeliveryState::Unconfirmed | DeliveryState::Queued | DeliveryState::Written => {
                Err(DeliveryError::Unconfirmed { id, cause })
            }
        });
    }

    /// Writes to the outbox; returns `false` if that fails. With ids, or after a post has ended, a failure does not
    /// stop the writer: at worst, a later run repeats the post under its id, or asks the user.
    fn update_outbox(&self, update: impl FnOnce(&Outbox) -> Result<(), OutboxError>) -> bool {
        let Some(outbox) = &self.outbox else { return true };
        let error = update(outbox).err().map(Arc::new);
        let written = error.is_none();
        self.report_outbox(error);
        written
    }

    fn report_outbox(&self, error: Option<Arc<OutboxError>>) {
        match error {
            None => {
                self.watches.outbox_error.send_if_modified(|error| error.take().is_some());
            }
            Some(error) => {
                tracing::warn!(%error, "could not write the outbox");
                self.watches.outbox_error.send_replace(Some(error));
            }
        }
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
