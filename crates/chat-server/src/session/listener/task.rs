//! The session of one listener.
//!
//! The session does its own I/O instead of using `chat_proto::Connection`: it fetches new messages from the shared log
//! for each write, while an output buffer would pin them in memory. While it has nothing to write, it lends its socket
//! to the fan-out, if there is one.

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use chat_proto::{
    DeadlineTimer, LineCodec, ListenerServer, ListenerServerConfig, ListenerServerEvent, Output, Seq, StateMachine as _,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::exit::ListenerExit;
use super::stall::StallWatch;
use super::write_ready::WriteReady;
use crate::fan_out::Subscriber;
use crate::limits::LISTENER_LINE;
use crate::log::{Batch, Form, LogCursor};
use crate::meters::Port;
use crate::presence::PresenceGuard;
use crate::session::context::SessionContext;

/// A connection on the listen port.
pub(crate) struct ListenerSession<IO> {
    pub(super) context: Arc<SessionContext>,
    pub(super) peer: IpAddr,
    pub(super) io: IO,
    pub(super) codec: LineCodec,
    pub(super) input: BytesMut,
    pub(super) machine: ListenerServer,
    /// Answers to resume and ping; they go between two lines of the log.
    pub(super) replies: BytesMut,
    /// The end of the log when the connection was accepted.
    pub(super) accepted: Seq,
    pub(super) cursor: LogCursor,
    /// Messages may be sent; they are no longer held back to see whether a request arrives.
    pub(super) released: bool,
    /// Everything in the ring is written; only a new head can bring more.
    pub(super) up_to_date: bool,
    /// A page of the journal, until it is written.
    pub(super) page: Option<Box<Batch>>,
    /// The last write blocked.
    pub(super) blocked: Option<Arc<WriteReady>>,
    pub(super) stall: StallWatch,
    /// Waits for the machine's deadline or for a stalled peer; an idle listener has none.
    pub(super) timer: DeadlineTimer,
    /// When the machine needs to be called with the time.
    pub(super) deadline: Option<std::time::Instant>,
    /// Lends the socket to the fan-out; `None` for streams that cannot be shared.
    pub(super) subscriber: Option<Subscriber>,
    /// The fan-out has the socket and the cursor.
    pub(super) lent: bool,
    /// The actions of operators that this session has handled.
    pub(super) actions_seen: u64,
    /// The removals that its peer has been told, or that come in the place of their messages.
    pub(super) removals_seen: u64,
    /// Earlier removals, which follow the answer to the request.
    pub(super) after_answer: BytesMut,
    pub(super) presence: PresenceGuard,
}

/// How the task of a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskEnd {
    /// The log closed, and the listener has everything.
    Closed,
    /// The session only waits, with its socket lent: it can be put away.
    Idle,
}

/// What polling the session resulted in.
pub(super) enum ListenerStep {
    /// The machine may have output.
    Received,
    /// Everything in the ring is written.
    UpToDate,
    /// The next message is only in the journal.
    Evicted,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> ListenerSession<IO> {
    /// Creates a session that begins at the current end of the log: messages that are published from now on belong to it.
    pub(crate) fn new(context: Arc<SessionContext>, peer: IpAddr, io: IO) -> Self {
        let head = context.log.head();
        let machine = ListenerServer::new(&ListenerServerConfig::default(), now());
        let presence = context.presence.enter(Port::Listen, peer);
        let removals_seen = context.log.removals();
        Self {
            cursor: LogCursor::new(head.last + 1, Form::Plain),
            actions_seen: head.actions,
            accepted: head.last,
            removals_seen,
            ..Self::at_rest(context, io, machine, presence)
        }
    }

    /// Creates a session without anything to write and without a position.
    pub(super) fn at_rest(
        context: Arc<SessionContext>,
        io: IO,
        machine: ListenerServer,
        presence: PresenceGuard,
    ) -> Self {
        Self {
            context,
            peer: presence.peer.peer,
            io,
            codec: LineCodec::with_limits(LISTENER_LINE, LISTENER_LINE),
            input: BytesMut::new(),
            machine,
            replies: BytesMut::new(),
            accepted: 0,
            cursor: LogCursor::default(),
            released: false,
            up_to_date: false,
            page: None,
            blocked: None,
            stall: StallWatch::default(),
            timer: DeadlineTimer::default(),
            deadline: None,
            subscriber: None,
            lent: false,
            actions_seen: 0,
            removals_seen: 0,
            after_answer: BytesMut::new(),
            presence,
        }
    }

    /// Lends the socket to the fan-out whenever there is nothing to write.
    pub(crate) fn with_subscriber(mut self, subscriber: Option<Subscriber>) -> Self {
        self.subscriber = subscriber;
        self
    }

    /// Serves until the peer closes, reads too little for too long, or the log closes, or until the session needs no task.
    pub(crate) async fn run(&mut self) -> Result<TaskEnd, ListenerExit> {
        let mut head = self.context.log.watch_head();
        self.handle_outputs().await?;
        loop {
            // Both branches keep all state in `self` or in the watch, so dropping either loses nothing. Input comes
            // first: a request or an end must not wait behind a busy log.
            tokio::select! {
                biased;
                step = poll_fn(|cx| self.poll_step(cx)) => match step? {
                    ListenerStep::Received => self.handle_outputs().await?,
                    // Boxed, like everything that an idle listener does not need, because idle listeners pay for the
                    // size of this future.
                    ListenerStep::Evicted => Box::pin(self.read_page()).await?,
                    ListenerStep::UpToDate => {
                        if head.borrow().closing {
                            poll_fn(|cx| std::pin::Pin::new(&mut self.io).poll_shutdown(cx)).await?;
                            return Ok(TaskEnd::Closed);
                        }
                        self.lend();
                        if self.is_idle() {
                            return Ok(TaskEnd::Idle);
                        }
                    }
                },
                // Disabled while the peer is behind or the socket is lent: each message would wake the session for
                // nothing.
                changed = head.changed(), if self.up_to_date && !self.lent => {
                    changed.map_err(|_| ListenerExit::Ended)?;
                    self.up_to_date = false;
                }
            }
        }
    }

    /// Does what [`run`](Self::run) does at first for a listener that has everything and has sent nothing. Returns true if
    /// the session needs no task.
    pub(crate) fn is_idle_from_start(&mut self) -> bool {
        self.released = matches!(self.machine.poll_output(), Output::Event(ListenerServerEvent::Plain));
        self.lend();
        self.is_idle()
    }

    /// Lends the socket to the fan-out, unless messages are held back or replies wait.
    fn lend(&mut self) {
        if let Some(subscriber) = self.subscriber.as_ref().filter(|_| self.released && self.replies.is_empty()) {
            match subscriber.lend(self.cursor) {
                // The fan-out may have handed all sockets back before this one was lent.
                Ok(()) if self.context.log.actions() != self.actions_seen => {
                    self.lent = true;
                    self.take_back();
                }
                Ok(()) => {
                    // A stream that can be shared buffers nothing, so everything is written.
                    self.stall.clear();
                    self.lent = true;
                }
                Err(cursor) => (self.cursor, self.up_to_date) = (cursor, false),
            }
        }
    }

    /// Takes the socket back if it is lent.
    fn take_back(&mut self) {
        if std::mem::take(&mut self.lent)
            && let Some(subscriber) = &self.subscriber
        {
            self.cursor = subscriber.take_back();
            self.up_to_date = false;
        }
    }

    /// Handles everything that the machine has to output.
    async fn handle_outputs(&mut self) -> Result<(), ListenerExit> {
        self.take_back();
        loop {
            match self.machine.poll_output() {
                Output::Transmit(line) => {
                    self.replies.extend_from_slice(line.as_str().as_bytes());
                    self.replies.extend_from_slice(b"\n");
                }
                Output::Event(ListenerServerEvent::Plain) => self.released = true,
                Output::Event(ListenerServerEvent::Resume(request)) => Box::pin(self.resume(request)).await?,
                Output::Event(_) => {}
                Output::Timeout(deadline) => {
                    self.replies.extend_from_slice(&std::mem::take(&mut self.after_answer));
                    self.deadline = deadline;
                    return Ok(());
                }
            }
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<ListenerStep, ListenerExit>> {
        if self.poll_receive(cx)?.is_ready() {
            return Poll::Ready(Ok(ListenerStep::Received));
        }
        if self.lent {
            match self.subscriber.as_ref().map(|subscriber| subscriber.poll_handed_back(cx)) {
                Some(Poll::Pending) => return Poll::Pending,
                _ => self.take_back(),
            }
        }
        match self.poll_write_out(cx) {
            Poll::Ready(step) => Poll::Ready(step),
            Poll::Pending => self.poll_timer(cx),
        }
    }

    /// Waits for the machine's deadline, or for the end of a window in which the peer may read too little.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Result<ListenerStep, ListenerExit>> {
        loop {
            ready!(self.timer.poll(cx, [self.deadline.map(Instant::from_std), self.stall.deadline()]));
            if self.stall.is_stalled(Instant::now(), self.context.limits.load().stall) {
                self.context.meters.stalled.one();
                return Poll::Ready(Err(ListenerExit::Stalled));
            }
            if self.deadline.is_some_and(|deadline| deadline <= now()) {
                self.machine.handle_timeout(now())?;
                return Poll::Ready(Ok(ListenerStep::Received));
            }
        }
    }
}

/// Returns the time of Tokio's clock, so that paused time in a test applies to the machine too.
pub(super) fn now() -> std::time::Instant {
    Instant::now().into_std()
}
