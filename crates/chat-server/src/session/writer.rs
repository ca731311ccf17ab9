//! One writer: the dialogue of the write port joined to accounts and the store. What it reads is
//! stored whether or not the answer can still be delivered.

mod answers;
mod hold;
mod login;
mod posting;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chat_proto::{
    Connection, ConnectionError, Extensions, LineCodec, MAX_INPUT_LINE, PostId, WriterServer, WriterServerCommand,
    WriterServerConfig, WriterServerEvent,
};
use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use self::answers::Answers;
use self::hold::Hold;
use super::Shared;
use crate::accounts::Member;
use crate::admission::Admitted;
use crate::committer::{Chain, Committer, Outcome};
use crate::entry::Draft;
use crate::error::CommitError;
use crate::limits::{TURN_BYTES, TURN_POSTS};

/// A writer may post for ever without reading an answer, so nothing that it leaves unread closes it.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long the peer's own end is waited for after ours. Closing with its last bytes unread would
/// make the system throw away the answers that it has not read yet.
const FAREWELL: Duration = Duration::from_millis(500);

/// The pings and posts that the machine may owe an answer. Posts are bounded before that by
/// `Limits::posts_in_flight`, and a writer that never reads is owed any number of confirmations.
const OWED: usize = usize::MAX;

/// What the server says to all writers.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    /// Take no new posts, answer those in hand, and go.
    pub(crate) drain: watch::Receiver<bool>,
    /// Counts up when an account was revoked.
    pub(crate) revoked: watch::Receiver<u64>,
}

/// A connection on the write port.
pub(crate) struct WriterSession<IO> {
    connection: Connection<WriterServer, IO>,
    shared: Arc<Shared>,
    committer: Committer,
    orders: Orders,
    admitted: Admitted,
    member: Option<Arc<Member>>,
    drafts: Vec<Draft>,
    draft_bytes: usize,
    ids: Vec<Option<PostId>>,
    answers: Answers,
    chain: Chain,
    /// Posts with ids are put off, because an earlier one was.
    hold: Option<Hold>,
    /// Nothing is read before, because the account posts too fast.
    pause: Option<Instant>,
    ending: Option<Ending>,
}

/// Why no more posts are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The peer has ended its side, or broke the rules: there is nothing more to read.
    Over,
    /// The server is closing.
    Draining,
    /// The account was revoked.
    Revoked,
    /// A plain post could not be stored. The answers go by order, so there can be no more of them.
    Unanswerable,
}

/// What the wait has brought.
enum Turn {
    Event(Result<WriterServerEvent, ConnectionError>),
    Stored(Outcome),
    /// Confirmations that were held back may go.
    Room,
    Rested,
    Orders,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WriterSession<IO> {
    pub(crate) fn new(shared: Arc<Shared>, committer: Committer, orders: Orders, admitted: Admitted, io: IO) -> Self {
        let limits = &shared.config.limits;
        let mut config = WriterServerConfig::default();
        config.login_timeout = limits.login_within;
        config.nickname_timeout = limits.nickname_within;
        config.strict = shared.config.strict;
        config.offer = if shared.config.extensions { Extensions::ALL } else { Extensions::default() };
        config.max_unanswered = OWED;
        let machine = WriterServer::new(config, Instant::now().into_std());
        // Whoever has not logged in has no extension lines to say.
        let codec = LineCodec::with_limits(MAX_INPUT_LINE, MAX_INPUT_LINE);
        Self {
            connection: Connection::new(machine, io, codec).with_write_timeout(NEVER),
            answers: Answers::new(limits.posts_in_flight, limits.answer_bytes),
            shared,
            committer,
            orders,
            admitted,
            member: None,
            drafts: Vec::new(),
            draft_bytes: 0,
            ids: Vec::new(),
            chain: Chain::default(),
            hold: None,
            pause: None,
            ending: None,
        }
    }

    /// Serves until the peer ends, breaks the rules, or the server closes.
    pub(crate) async fn run(mut self) {
        while !self.is_done() {
            match self.turn().await {
                Turn::Event(event) => {
                    self.take(event).await;
                    self.take_what_is_here().await;
                    self.submit().await;
                }
                Turn::Stored(outcome) => self.answer(outcome),
                Turn::Room => self.answers.release(&mut self.connection),
                Turn::Rested => self.pause = None,
                Turn::Orders => self.follow_orders().await,
            }
        }
        self.say_farewell().await;
    }

    fn is_done(&self) -> bool {
        self.ending.is_some() && self.answers.in_flight() == 0
    }

    async fn turn(&mut self) -> Turn {
        let reading = self.ending != Some(Ending::Over) && !self.answers.is_full() && self.pause.is_none();
        let Self { connection, answers, orders, pause, .. } = self;
        let (flights, room) = answers.parts();
        let stored = async {
            match flights.front_mut() {
                Some(flight) => (&mut flight.outcome).await.unwrap_or(Err(CommitError::Closed)),
                None => std::future::pending().await,
            }
        };
        let rested = async {
            match *pause {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let io = poll_fn(|cx| {
            // Both futures may be dropped between polls: the connection keeps all that matters.
            if reading {
                if let Poll::Ready(event) = pin!(connection.next_event()).poll(cx) {
                    return Poll::Ready(Turn::Event(event));
                }
            } else {
                // A peer that cannot be written to is found out by reading.
                let _ = pin!(connection.flush()).poll(cx);
            }
            room.taken_over();
            if room.is_wanted(connection.buffered()) { Poll::Ready(Turn::Room) } else { Poll::Pending }
        });
        tokio::select! {
            biased;
            outcome = stored => Turn::Stored(outcome),
            turn = io => turn,
            () = rested => Turn::Rested,
            Ok(()) = orders.drain.changed() => Turn::Orders,
            Ok(()) = orders.revoked.changed() => Turn::Orders,
        }
    }

    /// Takes all that has arrived together, so that it is stored and answered together.
    async fn take_what_is_here(&mut self) {
        while self.ending != Some(Ending::Over)
            && self.drafts.len() < TURN_POSTS
            && self.draft_bytes < TURN_BYTES
            && self.answers.in_flight() + self.drafts.len() < self.shared.config.limits.posts_in_flight
            && self.pause.is_none()
        {
            let Some(event) = self.connection.next_event().now_or_never() else { return };
            self.take(event).await;
        }
    }

    async fn take(&mut self, event: Result<WriterServerEvent, ConnectionError>) {
        match event {
            Ok(WriterServerEvent::Login(token)) => self.log_in(token),
            Ok(WriterServerEvent::Register(asked)) => self.register(&asked).await,
            Ok(WriterServerEvent::Post { id, text }) => self.post(id, text),
            Ok(WriterServerEvent::Declined { code, .. }) => self.shared.meters.declined.of(&code).one(),
            Ok(_) => {}
            Err(ConnectionError::Ended) => self.ending = Some(Ending::Over),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a writer was closed");
                self.ending = Some(Ending::Over);
            }
        }
    }

    async fn follow_orders(&mut self) {
        let drain = *self.orders.drain.borrow_and_update();
        self.orders.revoked.mark_unchanged();
        if drain && self.ending.is_none() {
            // What has arrived by now is in hand: it is stored and answered.
            self.take_what_is_here().await;
            self.submit().await;
            self.ending.get_or_insert(Ending::Draining);
        } else if self.member.as_ref().is_some_and(|member| member.is_revoked()) {
            self.ending.get_or_insert(Ending::Revoked);
        }
    }

    /// Sends what is left to say, ends our side, and waits for the peer's end.
    async fn say_farewell(mut self) {
        let last_answers = async {
            while self.answers.is_holding() {
                self.answers.release(&mut self.connection);
                self.connection.flush().await?;
                self.answers.parts().1.taken_over();
            }
            self.connection.shutdown().await
        };
        let said = timeout(self.shared.config.limits.stall, last_answers).await;
        if self.ending != Some(Ending::Over) && matches!(said, Ok(Ok(()))) {
            // Whatever still comes is not confirmed.
            let peers_end = async { while self.connection.next_event().await.is_ok() {} };
            let _ = timeout(FAREWELL, peers_end).await;
        }
    }

    /// Commands answer what the machine has asked, so it takes them.
    fn say(&mut self, command: WriterServerCommand) {
        if self.connection.command(command).is_err() {
            tracing::error!("the dialogue did not take an answer that it was owed");
        }
    }
}
