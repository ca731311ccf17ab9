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
use crate::error::{Cause, ConnectError};
use crate::outbox::{EntryState, Fate, Outbox, OutboxError, Post, Queue};
use crate::supervisor::Supervisor;
use crate::writer::ShutdownReport;

/// How long the peer may take to hear that we are leaving.
const GOODBYE: Duration = Duration::from_secs(1);

/// What handles ask of the task.
#[derive(Debug)]
pub(crate) enum Command {
    Send(Post<Ticket>),
    Discard { id: PostId, reply: oneshot::Sender<bool> },
    Close { by: Instant },
}

/// Everything of a writer that outlives a connection.
pub(crate) struct Posting {
    config: ClientConfig,
    token: Token,
    outbox: Option<Outbox>,
    supervisor: Supervisor,
    commands: mpsc::UnboundedReceiver<Command>,
    account: watch::Sender<Option<Account>>,
    round_trip: watch::Sender<Option<Duration>>,
    drain_when_dropped: Duration,
    queue: Queue<Ticket>,
    /// Since the writer began to close: by when, and what has become of the posts.
    closing: Option<(Instant, ShutdownReport)>,
}

/// What one turn of a conversation brought.
enum Turn {
    Command(Option<Command>),
    Event(Result<WriterClientEvent, ConnectionError>),
    /// All that was handed to the connection has been written.
    Written,
    Time,
}

impl Posting {
    pub(crate) fn new(
        config: ClientConfig,
        token: Token,
        outbox: Option<Outbox>,
        supervisor: Supervisor,
        commands: mpsc::UnboundedReceiver<Command>,
        (account, round_trip): (watch::Sender<Option<Account>>, watch::Sender<Option<Duration>>),
        drain_when_dropped: Duration,
    ) -> Self {
        let (queue, closing) = (Queue::new(), None);
        Self { config, token, outbox, supervisor, commands, account, round_trip, drain_when_dropped, queue, closing }
    }

    /// Posts until it is closed or there is no point, and says what became of what was left.
    pub(crate) async fn run(mut self, dial: &impl Dial) -> ShutdownReport {
        let cause = loop {
            if self.is_finished() {
                break None;
            }
            self.supervisor.connecting();
            let Some(cause) = self.converse(dial).await else { break None };
            let Some(retry_at) = self.supervisor.failed(cause.clone()) else { break Some(cause) };
            self.wait(retry_at).await;
        };
        self.end(cause)
    }

    /// Dials and posts until that fails; `None` when the writer is to end.
    async fn converse(&mut self, dial: &impl Dial) -> Option<Cause> {
        let io = {
            let mut dialling = pin!(dial.dial(Side::Write));
            loop {
                let (open, deadline) = (self.is_listening(), self.deadline());
                tokio::select! {
                    biased;
                    io = &mut dialling => break io,
                    command = self.commands.recv(), if open => self.obey(command),
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
        config.answer_within = self.config.answer_timeout;
        config.keepalive = Some(self.config.keepalive);
        let machine = WriterClient::new(config, Instant::now().into_std());
        let mut connection = Connection::new(machine, io, LineCodec::for_client());
        let mut offer = Extensions::default();
        let mut unwritten = VecDeque::new();
        let error = loop {
            self.hand_over(&mut connection, &mut unwritten);
            let (open, deadline, wait_until) = (self.is_listening(), self.deadline(), self.queue.wait_until());
            let turn = tokio::select! {
                biased;
                command = self.commands.recv(), if open => Turn::Command(command),
                turn = next_turn(&mut connection, !unwritten.is_empty()) => turn,
                () = sleep_until_some(deadline) => break None,
                () = sleep_until_some(wait_until) => Turn::Time,
            };
            match turn {
                Turn::Command(command) => self.obey(command),
                Turn::Event(Ok(event)) => self.learn(event, &mut offer),
                Turn::Event(Err(error)) => break Some(ConnectError::from(error)),
                Turn::Written => {
                    for key in unwritten.drain(..) {
                        self.queue.written(key).map(Ticket::written);
                    }
                }
                Turn::Time => {}
            }
            if self.is_finished() {
                // A courtesy: the answers are all here.
                let _ = timeout(GOODBYE, connection.shutdown()).await;
                break None;
            }
        };
        let cause: Cause = Arc::new(error?);
        let unknown = self.queue.disconnected(offer.id);
        self.settle_unconfirmed(unknown, Some(&cause));
        Some(cause)
    }

    /// Ends posts of which nobody knows whether they were delivered.
    fn settle_unconfirmed(&mut self, posts: Vec<Post<Ticket>>, cause: Option<&Cause>) {
        let ids: Vec<PostId> = posts.iter().map(|post| post.id.clone()).collect();
        if ids.is_empty() {
            return;
        }
        self.note(|outbox| outbox.mark(&ids, EntryState::Unconfirmed));
        for post in posts {
            self.settle(post, Fate::Unconfirmed, cause.cloned());
        }
    }

    /// Gives the connection as many posts as it takes. The outbox knows of them before their bytes leave.
    fn hand_over(&mut self, connection: &mut Connection<WriterClient, BoxedIo>, unwritten: &mut VecDeque<u64>) {
        let now = Instant::now();
        let mut leaving = Vec::new();
        while connection.machine().can_post() {
            let Some((key, post)) = self.queue.write_next(now) else { break };
            let command = WriterClientCommand::Post { key, id: post.id.clone(), text: post.text.clone() };
            leaving.push(post.id.clone());
            unwritten.push_back(key);
            let taken = connection.command(command);
            debug_assert!(taken.is_ok(), "the machine said that it can post");
        }
        if !leaving.is_empty() {
            self.note(|outbox| outbox.mark(&leaving, EntryState::Written));
        }
    }

    fn learn(&mut self, event: WriterClientEvent, offer: &mut Extensions) {
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
                    self.note(|outbox| outbox.done(&post.id));
                    self.settle(post, Fate::Confirmed(position), None);
                }
            }
            WriterClientEvent::Declined { key, code, retry_after } => {
                let declined = self.queue.declined(key, &code, retry_after, Instant::now());
                if let Some(post) = declined.as_ref().filter(|post| post.written_before) {
                    tracing::debug!(id = %post.id, %code, "declined, but an earlier attempt is not known");
                    self.settle_unconfirmed(declined.into_iter().collect(), None);
                } else if let Some(post) = declined {
                    self.note(|outbox| outbox.mark(std::slice::from_ref(&post.id), EntryState::Refused));
                    self.settle(post, Fate::Refused(code, retry_after), None);
                }
            }
            WriterClientEvent::RoundTrip(time) => {
                self.round_trip.send_replace(Some(time));
            }
        }
    }

    fn obey(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Send(post)) => self.queue.push(post),
            Some(Command::Discard { id, reply }) => {
                let found = self.queue.discard(&id);
                let _ = reply.send(found.is_some());
                if let Some(post) = found {
                    self.note(|outbox| outbox.discard(&id));
                    self.settle(post, Fate::NeverSent, None);
                }
            }
            Some(Command::Close { by }) => self.close_by(by),
            None => self.close_by(Instant::now() + self.drain_when_dropped),
        }
    }

    fn close_by(&mut self, by: Instant) {
        // What was sent before it was closed is in the channel before the channel ends.
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Send(post) => self.queue.push(post),
                Command::Discard { reply, .. } => drop(reply),
                Command::Close { .. } => {}
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
                command = self.commands.recv(), if open => self.obey(command),
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
    fn end(mut self, cause: Option<Cause>) -> ShutdownReport {
        self.close_by(Instant::now());
        for post in self.queue.drain() {
            let fate = post.abandoned();
            self.settle(post, fate, cause.clone());
        }
        self.supervisor.closed(cause);
        self.closing.map(|(_, report)| report).unwrap_or_default()
    }

    fn settle(&mut self, post: Post<Ticket>, fate: Fate, cause: Option<Cause>) {
        let id = post.id.clone();
        if let Some((_, report)) = &mut self.closing {
            match &fate {
                Fate::Confirmed(_) => report.confirmed.push(id.clone()),
                Fate::Refused(..) => report.refused.push(id.clone()),
                Fate::Unconfirmed => report.unconfirmed.push(id.clone()),
                Fate::NeverSent => report.never_sent.push(id.clone()),
            }
        }
        if matches!(fate, Fate::Confirmed(_)) {
            post.ticket.written();
        }
        post.ticket.end(match fate {
            Fate::Confirmed(position) => Ok(Receipt { id, position }),
            Fate::Refused(code, retry_after) => Err(DeliveryError::Refused(code, retry_after)),
            Fate::Unconfirmed => Err(DeliveryError::Unconfirmed { id, cause }),
            Fate::NeverSent => Err(DeliveryError::NeverSent { id, cause }),
        });
    }

    /// Tells the outbox. That it cannot be written now is no reason to stop: the worst is that a later run repeats
    /// under the same id, or asks, about a post that has ended.
    fn note(&self, what: impl FnOnce(&Outbox) -> Result<(), OutboxError>) {
        if let Some(outbox) = &self.outbox
            && let Err(error) = what(outbox)
        {
            tracing::warn!(error = %error, "the outbox could not be written");
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
async fn next_turn(connection: &mut Connection<WriterClient, BoxedIo>, until_written: bool) -> Turn {
    poll_fn(|cx| {
        if let Poll::Ready(event) = pin!(connection.next_event()).poll(cx) {
            return Poll::Ready(Turn::Event(event));
        }
        if until_written && connection.buffered() == 0 { Poll::Ready(Turn::Written) } else { Poll::Pending }
    })
    .await
}
