//! The task behind a [`Writer`](crate::Writer): one conversation with the write port after the other, and the queue
//! that outlives them. When to try again is the supervisor's business.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chat_proto::{
    Account, Connection, ConnectionError, Extensions, Intent, LineCodec, PostId, Token, WriterClient,
    WriterClientCommand, WriterClientConfig, WriterClientEvent,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::config::{ClientConfig, Side};
use crate::delivery::{DeliveryError, Receipt, Ticket};
use crate::dial::{BoxedIo, Dial};
use crate::error::ConnectError;
use crate::outbox::{EntryState, Outbox, OutboxError, Post, PostOutcome, Queue};
use crate::supervisor::Supervisor;
use crate::writer::ShutdownReport;

/// How long the peer may take to hear that we are leaving.
const GOODBYE: Duration = Duration::from_secs(1);

/// What handles ask of the task.
#[derive(Debug)]
pub(crate) enum WriterCommand {
    Send(Post<Ticket>),
    Discard { id: PostId, reply: oneshot::Sender<bool> },
    Close { by: Instant },
}

/// Everything of a writer that outlives a connection.
pub(crate) struct WriterTask {
    config: ClientConfig,
    token: Token,
    outbox: Option<Outbox>,
    supervisor: Supervisor,
    commands: mpsc::UnboundedReceiver<WriterCommand>,
    account: watch::Sender<Option<Account>>,
    round_trip: watch::Sender<Option<Duration>>,
    outbox_error: watch::Sender<Option<Arc<OutboxError>>>,
    drain_when_dropped: Duration,
    queue: Queue<Ticket>,
    /// Since the writer began to close: by when, and what has become of the posts.
    closing: Option<(Instant, ShutdownReport)>,
}

/// What handles watch, besides the state.
#[derive(Debug)]
pub(crate) struct WriterWatches {
    pub(crate) account: watch::Sender<Option<Account>>,
    pub(crate) round_trip: watch::Sender<Option<Duration>>,
    pub(crate) outbox_error: watch::Sender<Option<Arc<OutboxError>>>,
}

/// What woke the task.
enum Wake {
    Command(Option<WriterCommand>),
    Event(Result<WriterClientEvent, ConnectionError>),
    /// All that was handed to the connection has been written.
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
        watched: WriterWatches,
        drain_when_dropped: Duration,
    ) -> Self {
        let (queue, closing) = (Queue::new(), None);
        let WriterWatches { account, round_trip, outbox_error } = watched;
        Self {
            config,
            token,
            outbox,
            supervisor,
            commands,
            account,
            round_trip,
            outbox_error,
            drain_when_dropped,
            queue,
            closing,
        }
    }

    /// Posts until it is closed or there is no point, and says what became of what was left.
    pub(crate) async fn run(mut self, dial: &impl Dial) -> ShutdownReport {
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

    /// Dials and posts until that fails; `None` when the writer is to end.
    async fn run_connection(&mut self, dial: &impl Dial) -> Option<Arc<ConnectError>> {
        let io = {
            let mut dialling = pin!(dial.dial(Side::Write));
            loop {
                let (open, deadline) = (self.is_listening(), self.deadline());
                tokio::select! {
                    biased;
                    io = &mut dialling => break io,
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
            let (open, deadline) = (self.is_listening(), self.deadline());
            let wait_until = self.queue.wait_until().filter(|_| connection.machine().can_post());
            let wake = tokio::select! {
                biased;
                command = self.commands.recv(), if open => Wake::Command(command),
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
                        self.queue.written(key).map(Ticket::written);
                    }
                }
                Wake::Time => {}
            }
            if self.is_finished() {
                // A courtesy: the answers are all here.
                let _ = timeout(GOODBYE, connection.shutdown()).await;
                break None;
            }
        };
        let cause: Arc<ConnectError> = Arc::new(error?);
        let unknown = self.queue.disconnected(offer.id);
        self.settle_unconfirmed(unknown, Some(&cause));
        Some(cause)
    }

    /// Ends posts of which nobody knows whether they were delivered.
    fn settle_unconfirmed(&mut self, posts: Vec<Post<Ticket>>, cause: Option<&Arc<ConnectError>>) {
        let ids: Vec<PostId> = posts.iter().map(|post| post.id.clone()).collect();
        if ids.is_empty() {
            return;
        }
        self.update_outbox(|outbox| outbox.mark(&ids, EntryState::Unconfirmed));
        for post in posts {
            self.settle(post, PostOutcome::Unconfirmed, cause.cloned());
        }
    }

    /// Gives the connection as many posts as it takes. The outbox knows of them before their bytes leave.
    fn write_posts(
        &mut self,
        connection: &mut Connection<WriterClient, BoxedIo>,
        unwritten: &mut VecDeque<u64>,
        ids: bool,
    ) {
        let now = Instant::now();
        let mut leaving = Vec::new();
        // Without ids a post that is written and not marked would be written again by a later run, and said twice.
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
            self.update_outbox(|outbox| outbox.mark(&leaving, EntryState::Written));
        }
    }

    /// Marks the next post as written, before it is; where that cannot be done it waits a while. False when there is
    /// nothing to write now.
    fn mark_next(&mut self, now: Instant) -> bool {
        let Some(id) = self.queue.next(now).map(|post| post.id.clone()) else { return false };
        let marked = self.update_outbox(|outbox| outbox.mark(std::slice::from_ref(&id), EntryState::Written));
        if !marked {
            self.queue.put_off(now);
        }
        marked
    }

    fn handle_event(&mut self, event: WriterClientEvent, offer: &mut Extensions) {
        match event {
            WriterClientEvent::Account(account) => {
                self.account.send_replace(Some(account));
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
                    self.settle(post, PostOutcome::Confirmed(position), None);
                }
            }
            WriterClientEvent::Declined { key, code, retry_after } => {
                if let Some((post, fate)) = self.queue.declined(key, &code, retry_after, Instant::now()) {
                    let state =
                        if fate == PostOutcome::Unconfirmed { EntryState::Unconfirmed } else { EntryState::Refused };
                    self.update_outbox(|outbox| outbox.mark(std::slice::from_ref(&post.id), state));
                    self.settle(post, fate, None);
                }
            }
            WriterClientEvent::RoundTrip(time) => {
                self.round_trip.send_replace(Some(time));
            }
            // Events of a later version of the protocol carry nothing that this one can use.
            _ => {}
        }
    }

    fn handle_command(&mut self, command: Option<WriterCommand>) {
        match command {
            Some(WriterCommand::Send(post)) => self.queue.push(post),
            Some(WriterCommand::Discard { id, reply }) => {
                let found = self.queue.discard(&id);
                let _ = reply.send(found.is_some());
                if let Some(post) = found {
                    self.update_outbox(|outbox| outbox.discard(&id));
                    self.settle(post, PostOutcome::NeverSent(None), None);
                }
            }
            Some(WriterCommand::Close { by }) => self.close_at(by),
            None => self.close_at(Instant::now() + self.drain_when_dropped),
        }
    }

    fn close_at(&mut self, by: Instant) {
        // What was sent before it was closed is in the channel before the channel ends.
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            match command {
                WriterCommand::Send(post) => self.queue.push(post),
                WriterCommand::Discard { reply, .. } => drop(reply),
                WriterCommand::Close { .. } => {}
            }
        }
        self.closing.get_or_insert((by, ShutdownReport::default()));
    }

    /// Waits for the next attempt, and obeys meanwhile.
    async fn wait(&mut self, until: Instant) {
        let retry_now = self.supervisor.retry_now();
        let mut asked = pin!(retry_now.notified());
        loop {
            let (open, deadline) = (self.is_listening(), self.deadline());
            tokio::select! {
                biased;
                () = sleep_until(until) => return,
                () = &mut asked => return,
                command = self.commands.recv(), if open => self.handle_command(command),
                () = sleep_until_some(deadline) => return,
            }
            if self.is_finished() {
                return;
            }
        }
    }

    /// Whether handles are still heard.
    fn is_listening(&self) -> bool {
        self.closing.is_none()
    }

    fn deadline(&self) -> Option<Instant> {
        self.closing.as_ref().map(|(by, _)| *by)
    }

    /// Whether the writer is closing and has nothing more to do, or no more time.
    fn is_finished(&self) -> bool {
        self.closing.as_ref().is_some_and(|(by, _)| self.queue.is_empty() || Instant::now() >= *by)
    }

    /// Ends all that is left.
    fn end(mut self, cause: Option<Arc<ConnectError>>) -> ShutdownReport {
        self.close_at(Instant::now());
        for post in self.queue.drain() {
            let fate = post.abandoned();
            self.settle(post, fate, cause.clone());
        }
        self.supervisor.closed(cause);
        self.closing.map(|(_, report)| report).unwrap_or_default()
    }

    fn settle(&mut self, post: Post<Ticket>, fate: PostOutcome, cause: Option<Arc<ConnectError>>) {
        let id = post.id.clone();
        if let Some((_, report)) = &mut self.closing {
            match &fate {
                PostOutcome::Confirmed(_) => report.confirmed.push(id.clone()),
                PostOutcome::Refused(..) => report.refused.push(id.clone()),
                PostOutcome::Unconfirmed => report.unconfirmed.push(id.clone()),
                PostOutcome::NeverSent(_) => report.never_sent.push(id.clone()),
            }
        }
        if matches!(fate, PostOutcome::Confirmed(_)) {
            post.ticket.written();
        }
        post.ticket.end(match fate {
            PostOutcome::Confirmed(position) => Ok(Receipt { id, position }),
            PostOutcome::Refused(code, retry_after) => Err(DeliveryError::Refused(code, retry_after)),
            PostOutcome::Unconfirmed => Err(DeliveryError::Unconfirmed { id, cause }),
            PostOutcome::NeverSent(put_off) => Err(DeliveryError::NeverSent { id, put_off, cause }),
        });
    }

    /// Tells the outbox; false when it cannot be written now. That is no reason to stop where the server takes ids, or
    /// where a post has ended: the worst is that a later run repeats it under its id, or asks.
    fn update_outbox(&self, what: impl FnOnce(&Outbox) -> Result<(), OutboxError>) -> bool {
        let Some(outbox) = &self.outbox else { return true };
        match what(outbox) {
            Ok(()) => {
                self.outbox_error.send_if_modified(|error| error.take().is_some());
                true
            }
            Err(error) => {
                tracing::warn!(error = %error, "the outbox could not be written");
                self.outbox_error.send_replace(Some(Arc::new(error)));
                false
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

/// The next event; or, where somebody waits for it, that everything has been written. Cancel-safe, because
/// `next_event` is and holds nothing between polls.
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
mod tests {
    use chat_proto::{CONFIRMATION, GREETING, Text, WELCOME};
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    use crate::writer::Writer;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn without_ids_nothing_is_written_that_the_outbox_does_not_know_as_written() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(dir.path().join("outbox"), "room").unwrap();
        let (dial, mut room) = crate::dial::pipes();
        let token = Token::new("9a08").unwrap();
        let writer = Writer::start_kept_with(ClientConfig::default(), token, outbox.clone(), dial);
        let delivery = writer.send(Text::new("hello").unwrap()).await.unwrap();
        outbox.set_writable(false);

        let mut peer = BufReader::new(room.accept().await.unwrap().1);
        let account = r#"{"nickname": "Keen Bob", "account_hash": "9a08"}"#;
        peer.write_all(format!("{GREETING}\n{account}\n{WELCOME}\n").as_bytes()).await.unwrap();
        let mut heard = String::new();
        peer.read_line(&mut heard).await.unwrap();
        assert_eq!(heard, "9a08\n");
        let mut error = writer.outbox_error();
        assert!(error.wait_for(Option::is_some).await.is_ok());
        heard.clear();
        let patience = Duration::from_millis(2500);
        assert!(timeout(patience, peer.read_line(&mut heard)).await.is_err(), "{heard:?}");
        assert_eq!(outbox.entries()[0].state, EntryState::Queued);

        outbox.set_writable(true);
        peer.read_line(&mut heard).await.unwrap();
        assert_eq!(heard, "hello\n");
        assert_eq!(outbox.entries()[0].state, EntryState::Written);
        assert!(error.borrow_and_update().is_none());
        peer.write_all(format!("{CONFIRMATION}\n").as_bytes()).await.unwrap();
        delivery.await.unwrap();
        assert_eq!(outbox.entries(), []);
    }
}
