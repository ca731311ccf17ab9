//! The session of one writer. Everything that was read is stored, even if the answer can no longer be delivered.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chat_proto::{
    Connection, ConnectionError, DeclineCode, Extensions, LineCodec, MAX_INPUT_LINE, PostId, WriterServer,
    WriterServerCommand, WriterServerConfig, WriterServerEvent,
};
use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::ordering_barrier::OrderingBarrier;
use super::reply_queue::ReplyQueue;
use crate::accounts::AccountEntry;
use crate::admission::ConnectionPermit;
use crate::committer::{CommitResult, Committer, PostSequence};
use crate::entry::Draft;
use crate::error::CommitError;
use crate::limits::{TURN_BYTES, TURN_POSTS, UNFINISHED_LINE};
use crate::meters::Port;
use crate::presence::PresenceGuard;
use crate::rate_limited_log::RateLimitedLog;
use crate::session::context::SessionContext;

/// The write timeout of the connection. A writer may post without end and never read an answer, so unread answers must
/// not close it.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long to wait for the peer's end of the stream after ours. A socket that is closed while bytes of the peer are
/// unread is reset, and the reset discards answers that the peer has not read yet.
const CLOSE_WAIT: Duration = Duration::from_millis(500);

/// Posts and pings that the machine may leave unanswered. Posts are bounded before that by `Limits::posts_in_flight`, and
/// a writer that never reads may have any number of confirmations outstanding.
const MAX_UNANSWERED: usize = usize::MAX;

/// The signals of the server to all writer sessions.
#[derive(Debug, Clone)]
pub(crate) struct ShutdownSignal {
    /// Becomes true when the server drains: accept no new posts, answer the submitted ones, and close.
    pub(crate) drain: watch::Receiver<bool>,
    /// Changes when sessions must look at their accounts: one was revoked, banned or kicked.
    pub(crate) revoked: watch::Receiver<u64>,
}

/// A connection on the write port.
pub(crate) struct WriterSession<IO> {
    pub(super) connection: Connection<WriterServer, IO>,
    pub(super) context: Arc<SessionContext>,
    pub(super) committer: Committer,
    signal: ShutdownSignal,
    pub(super) permit: ConnectionPermit,
    pub(super) account: Option<Arc<AccountEntry>>,
    pub(super) drafts: Vec<Draft>,
    pub(super) draft_bytes: usize,
    pub(super) ids: Vec<Option<PostId>>,
    pub(super) replies: ReplyQueue,
    pub(super) sequence: PostSequence,
    /// Posts with ids are put off, because an earlier one was.
    pub(super) barrier: Option<OrderingBarrier>,
    /// Nothing is read before this time, because the account posts too fast.
    pub(super) pause: Option<Instant>,
    pub(super) ending: Option<WriterEnding>,
    /// How often the account had been kicked when it logged in.
    pub(super) kicks: u64,
    pub(super) presence: PresenceGuard,
}

/// The reason why no more posts are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriterEnding {
    /// The peer has ended its side or broken the protocol: there is nothing more to read.
    Over,
    /// The server is draining.
    Draining,
    /// The account was revoked.
    Revoked,
    /// An operator has banned the account or its address.
    Banned,
    /// An operator has closed the connections of the account.
    Kicked,
    /// A plain post was not stored. Confirmations are matched by order, so none may follow.
    Unanswerable,
}

/// The event that ended a wait.
enum WriterStep {
    Event(Result<WriterServerEvent, ConnectionError>),
    Stored(CommitResult),
    /// Confirmations that were held back may be written.
    ReleaseConfirmations,
    PauseOver,
    Signal,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WriterSession<IO> {
    pub(crate) fn new(
        context: Arc<SessionContext>,
        committer: Committer,
        signal: ShutdownSignal,
        permit: ConnectionPermit,
        io: IO,
    ) -> Self {
        let limits = context.limits.load();
        let mut config = WriterServerConfig::default();
        config.login_timeout = limits.login_within;
        config.nickname_timeout = limits.nickname_within;
        config.strict = context.config.strict;
        config.offer = if context.config.extensions { Extensions::ALL } else { Extensions::default() };
        config.max_unanswered = MAX_UNANSWERED;
        let machine = WriterServer::new(config, Instant::now().into_std());
        // Before login there are no extension lines.
        let codec = LineCodec::with_limits(MAX_INPUT_LINE, MAX_INPUT_LINE);
        Self {
            connection: Connection::new(machine, io, codec)
                .with_write_timeout(NEVER)
                .with_line_timeout(UNFINISHED_LINE),
            replies: ReplyQueue::new(limits.posts_in_flight, limits.answer_bytes),
            presence: context.presence.enter(Port::Write, permit.peer()),
            kicks: 0,
            context,
            committer,
            signal,
            permit,
            account: None,
            drafts: Vec::new(),
            draft_bytes: 0,
            ids: Vec::new(),
            sequence: PostSequence::default(),
            barrier: None,
            pause: None,
            ending: None,
        }
    }

    /// Requires that the peer ends the stream itself, as over TLS: a reset must not publish half of a post.
    #[cfg(feature = "tls")]
    pub(crate) fn with_close_required(mut self) -> Self {
        self.connection = self.connection.with_close_required();
        self
    }

    /// Serves until the peer ends, breaks the protocol, or the server closes.
    pub(crate) async fn run(mut self) {
        while !self.is_done() {
            match self.next_step().await {
                WriterStep::Event(event) => {
                    self.handle_event(event).await;
                    self.handle_ready_events().await;
                    self.submit().await;
                }
                WriterStep::Stored(result) => self.answer(result),
                WriterStep::ReleaseConfirmations => self.replies.release(&mut self.connection),
                WriterStep::PauseOver => self.pause = None,
                WriterStep::Signal => self.handle_signal().await,
            }
        }
        self.close_gracefully().await;
    }

    fn is_done(&self) -> bool {
        self.ending.is_some() && self.replies.in_flight() == 0
    }

    async fn next_step(&mut self) -> WriterStep {
        let reading = self.ending != Some(WriterEnding::Over) && !self.replies.is_full() && self.pause.is_none();
        let Self { connection, replies, signal, pause, .. } = self;
        let (batches, backlog) = replies.split();
        let stored = async {
            match batches.front_mut() {
                Some(batch) => (&mut batch.result).await.unwrap_or(Err(CommitError::Closed)),
                None => std::future::pending().await,
            }
        };
        let pause_over = async {
            match *pause {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let io = poll_fn(|cx| {
            // Both futures may be dropped after a poll: the connection keeps what they have read and written.
            if reading {
                if let Poll::Ready(event) = pin!(connection.next_event()).poll(cx) {
                    return Poll::Ready(WriterStep::Event(event));
                }
            } else {
                // A failed write is not an end: what the peer has sent before is still read.
                let _ = pin!(connection.flush()).poll(cx);
            }
            backlog.buffer_handed_over();
            if backlog.can_release(connection.buffered()) {
                Poll::Ready(WriterStep::ReleaseConfirmations)
            } else {
                Poll::Pending
            }
        });
        // Every branch keeps its state outside of its future: a oneshot receiver that is polled by reference, the
        // connection, a deadline, two watches. Results come first, so that answers leave before more is read.
        tokio::select! {
            biased;
            result = stored => WriterStep::Stored(result),
            step = io => step,
            () = pause_over => WriterStep::PauseOver,
            Ok(()) = signal.drain.changed() => WriterStep::Signal,
            Ok(()) = signal.revoked.changed() => WriterStep::Signal,
        }
    }

    /// Handles everything that has already arrived, so that it is stored in one transaction and answered in one write.
    async fn handle_ready_events(&mut self) {
        while self.ending != Some(WriterEnding::Over)
            && self.drafts.len() < TURN_POSTS
            && self.draft_bytes < TURN_BYTES
            && self.replies.in_flight() + self.drafts.len() < self.context.limits.load().posts_in_flight
            && self.pause.is_none()
        {
            let Some(event) = self.connection.next_event().now_or_never() else { return };
            self.handle_event(event).await;
        }
    }

    async fn handle_event(&mut self, event: Result<WriterServerEvent, ConnectionError>) {
        match event {
            Ok(WriterServerEvent::Login(token)) => self.log_in(token).await,
            Ok(WriterServerEvent::Register(asked)) => self.register(&asked).await,
            Ok(WriterServerEvent::Post { id, text }) => self.post(id, text),
            Ok(WriterServerEvent::Declined { code, .. }) => self.context.meters.declined.of(&code).one(),
            Ok(WriterServerEvent::Discarded) => {
                self.context.meters.declined.of(&DeclineCode::TooLong).one();
                self.log_event(RateLimitedLog::TextTooLong);
            }
            Ok(_) => {}
            Err(ConnectionError::Ended) => self.ending = Some(WriterEnding::Over),
            Err(error) => {
                let peer = self.permit.peer();
                tracing::debug!(%peer, error = &error as &dyn std::error::Error, "closed a writer");
                self.ending = Some(WriterEnding::Over);
            }
        }
    }

    async fn handle_signal(&mut self) {
        let drain = *self.signal.drain.borrow_and_update();
        self.signal.revoked.mark_unchanged();
        if drain && self.ending.is_none() {
            // What has arrived by now is stored and answered.
            self.handle_ready_events().await;
            self.submit().await;
            self.ending.get_or_insert(WriterEnding::Draining);
        } else if let Some(ending) = self.sanction() {
            self.ending.get_or_insert(ending);
        }
    }

    /// Returns why an operator wants this connection to end.
    fn sanction(&self) -> Option<WriterEnding> {
        let moderation = &self.context.moderation;
        if moderation.is_address_banned(self.permit.peer()) {
            return Some(WriterEnding::Banned);
        }
        let account = self.account.as_ref()?;
        if account.is_revoked() {
            Some(WriterEnding::Revoked)
        } else if moderation.ban(account.id()).is_some() {
            Some(WriterEnding::Banned)
        } else {
            (account.kicks() != self.kicks).then_some(WriterEnding::Kicked)
        }
    }

    /// Sends the remaining answers, ends our side of the stream, and waits for the peer's end.
    async fn close_gracefully(mut self) {
        let last_replies = async {
            while self.replies.is_holding() {
                self.replies.release(&mut self.connection);
                self.connection.flush().await?;
                self.replies.split().1.buffer_handed_over();
            }
            self.connection.shutdown().await
        };
        let sent = timeout(self.context.limits.load().stall, last_replies).await;
        if self.ending != Some(WriterEnding::Over) && matches!(sent, Ok(Ok(()))) {
            // What still arrives is read and not confirmed.
            let peer_end = async { while self.connection.next_event().await.is_ok() {} };
            let _ = timeout(CLOSE_WAIT, peer_end).await;
        }
    }

    /// Sends an answer for which the machine waits.
    pub(super) fn send(&mut self, command: WriterServerCommand) {
        if self.connection.command(command).is_err() {
            tracing::error!("the dialogue rejected an answer that it waited for");
        }
    }
}
