//! One listener: a place in the room's log, and the stream that is written from there on. It holds
//! no messages of its own, so one that reads slowly costs as little as one that is idle.
//!
//! It does its own I/O instead of using `Connection`: what is new is fetched from the shared log for
//! each write anew, which a buffer in between would pin in memory. While it has nothing to write it lends its stream
//! to the fan-out, where there is one.

mod output;

use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use chat_proto::{
    CodecError, Frame, LineCodec, ListenerServer, ListenerServerCommand, ListenerServerConfig, ListenerServerEvent,
    Output, ProtocolError, ResumeAnswer, ResumeRequest, Seq, SeqRange, StateMachine,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};
use tokio_util::codec::Decoder;

use self::output::Fetched;
use super::Shared;
use super::resume::first_place;
use crate::error::JournalError;
use crate::fan_out::Seat;
use crate::limits::{LISTEN_HOLD, LISTENER_LINE};
use crate::room::{Batch, Form, Place, Tide};

/// Listeners say little: one line when they come, and a ping now and then.
const READ_CHUNK: usize = 512;

/// Answers that may wait before nothing more is read from a listener that asks and does not listen.
const CONTROL_LIMIT: usize = 4 * 1024;

/// A connection on the listen port.
pub(crate) struct ListenerSession<IO> {
    shared: Arc<Shared>,
    io: IO,
    codec: LineCodec,
    input: BytesMut,
    machine: ListenerServer,
    /// Answers to resume and ping; they go between two lines of the log.
    control: BytesMut,
    /// The end of the log when the connection was accepted.
    accepted: Seq,
    place: Place,
    /// Whether messages may go out, or are held back to see whether a request comes.
    released: bool,
    /// Everything in the ring was written; only the tide can bring more.
    level: bool,
    /// What was read from the journal, while the peer takes it.
    page: Option<Box<Batch>>,
    /// Waits for the end of the hold or for a peer that takes nothing; idle listeners have none.
    timer: Option<Pin<Box<Sleep>>>,
    /// When the machine wants to be told the time.
    deadline: Option<std::time::Instant>,
    stalled_at: Option<Instant>,
    /// Where the stream can be lent; `None` for streams that cannot be shared.
    seat: Option<Seat>,
    /// The fan-out has the stream and the place.
    lent: bool,
}

/// Why a listener is gone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Gone {
    #[error("it has gone")]
    Ended,
    #[error("it took no data for too long")]
    Stalled,
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("the store could not be read")]
    Journal(#[from] JournalError),
    #[error("the rest of a line is no longer in the store")]
    TornLine,
}

impl Gone {
    /// Peers come and go; only a store that cannot be read is news.
    pub(crate) fn log(&self) {
        let error = self as &dyn std::error::Error;
        if matches!(self, Self::Journal(_)) {
            tracing::error!(error, "a listener was closed");
        } else {
            tracing::trace!(error, "a listener is gone");
        }
    }
}

/// What polling has brought.
enum Turn {
    /// The machine may have something to say.
    Heard,
    /// Everything in the ring was written.
    Level,
    /// The next message is only in the journal.
    Behind,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> ListenerSession<IO> {
    /// A listener whose place is the end of the log, which `tide` has just seen.
    pub(crate) fn new(shared: Arc<Shared>, io: IO, tide: Tide) -> Self {
        let hold = if shared.config.extensions { LISTEN_HOLD } else { Duration::ZERO };
        Self {
            machine: ListenerServer::new(&ListenerServerConfig::default().with_request_timeout(hold), now()),
            shared,
            io,
            codec: LineCodec::with_limits(LISTENER_LINE, LISTENER_LINE),
            input: BytesMut::new(),
            control: BytesMut::new(),
            accepted: tide.head,
            place: Place::new(tide.head + 1, Form::Plain),
            released: false,
            level: false,
            page: None,
            timer: None,
            deadline: None,
            stalled_at: None,
            seat: None,
            lent: false,
        }
    }

    /// Lends the stream to the fan-out whenever there is nothing to write.
    pub(crate) fn with_seat(mut self, seat: Option<Seat>) -> Self {
        self.seat = seat;
        self
    }

    /// Serves until the peer goes, takes nothing for too long, or the room closes.
    pub(crate) async fn run(&mut self, mut tide: watch::Receiver<Tide>) -> Result<(), Gone> {
        self.obey().await?;
        loop {
            tokio::select! {
                biased;
                turn = poll_fn(|cx| self.poll_turn(cx)) => match turn? {
                    Turn::Heard => self.obey().await?,
                    // Boxed, like all that an idle listener does not need: its future is what it costs.
                    Turn::Behind => Box::pin(self.read_page()).await?,
                    Turn::Level => {
                        if tide.borrow().closing {
                            poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await?;
                            return Ok(());
                        }
                        self.lend();
                    }
                },
                // Not while the peer is behind, or the fan-out looks: it would be looked at for every message.
                news = tide.changed(), if self.level && !self.lent => {
                    news.map_err(|_| Gone::Ended)?;
                    self.level = false;
                }
            }
        }
    }

    /// Gives the stream to the fan-out. Not while messages are held back, and not before every answer was written.
    fn lend(&mut self) {
        if let Some(seat) = self.seat.as_ref().filter(|_| self.released && self.control.is_empty()) {
            match seat.lend(self.place) {
                Ok(()) => self.lent = true,
                Err(place) => (self.place, self.level) = (place, false),
            }
        }
    }

    /// Takes it back, if it was given.
    fn take_back(&mut self) {
        if std::mem::take(&mut self.lent)
            && let Some(seat) = &self.seat
        {
            self.place = seat.take_back();
            self.level = false;
        }
    }

    /// Does what the machine has found out.
    async fn obey(&mut self) -> Result<(), Gone> {
        self.take_back();
        loop {
            match self.machine.poll_output() {
                Output::Transmit(line) => {
                    self.control.extend_from_slice(line.as_str().as_bytes());
                    self.control.extend_from_slice(b"\n");
                }
                Output::Event(ListenerServerEvent::Plain) => self.released = true,
                Output::Event(ListenerServerEvent::Resume(request)) => Box::pin(self.resume(request)).await?,
                Output::Event(_) => {}
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return Ok(());
                }
            }
        }
    }

    async fn resume(&mut self, request: ResumeRequest) -> Result<(), Gone> {
        // A late request: the line that the peer has the beginning of is finished first.
        let plain = self.sent_plain();
        self.finish_line().await?;
        let from = request.from;
        let (first, head) = self
            .shared
            .read(move |shared| {
                let head = shared.room.head();
                Ok((first_place(&from, &shared.streams, head, &*shared.reader)?, head))
            })
            .await?;
        let Some(stream) = self.shared.stream().cloned() else { return Ok(()) };
        let answer = ResumeAnswer::new(stream, first, head).with_plain(plain);
        // It owes this answer, so it takes it.
        let _ = self.machine.handle_command(ListenerServerCommand::Answer(answer), now());
        self.place = Place::new(first, Form::Numbered);
        self.page = None;
        self.released = true;
        self.level = false;
        Ok(())
    }

    /// First and last number of what went out as plain lines.
    fn sent_plain(&self) -> Option<SeqRange> {
        let last = if self.place.is_inside_line() { self.place.next() } else { self.place.next() - 1 };
        (last > self.accepted).then_some(SeqRange { first: self.accepted + 1, last })
    }

    /// Puts the rest of a line that was begun before everything else.
    async fn finish_line(&mut self) -> Result<(), Gone> {
        if !self.place.is_inside_line() {
            return Ok(());
        }
        let batch = match self.fetch() {
            Fetched::Batches(batches) => batches.into_iter().next(),
            Fetched::Level => None,
            Fetched::Behind => {
                self.read_page().await?;
                self.page.as_deref().cloned()
            }
        };
        let rest = batch.map(|batch| self.place.rest(&batch)).ok_or(Gone::TornLine)?;
        let end = memchr::memchr(b'\n', &rest).ok_or(Gone::TornLine)?;
        let mut control = BytesMut::from(&rest[..=end]);
        control.extend_from_slice(&self.control);
        self.control = control;
        self.place = Place::new(self.place.next() + 1, self.place.form());
        Ok(())
    }

    async fn read_page(&mut self) -> Result<(), Gone> {
        let next = self.place.next();
        let messages = self.shared.page(next).await?;
        self.page = Batch::encode_for(&messages, self.place.form()).map(Box::new);
        match &self.page {
            Some(page) if page.first() != next && self.place.is_inside_line() => Err(Gone::TornLine),
            Some(_) => Ok(()),
            // All that was left is damaged. The ring goes on behind it.
            None => {
                self.place = Place::new(self.shared.room.oldest().max(next + 1), self.place.form());
                Ok(())
            }
        }
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<Turn, Gone>> {
        if self.poll_hear(cx)?.is_ready() {
            return Poll::Ready(Ok(Turn::Heard));
        }
        if self.lent {
            match self.seat.as_ref().map(|seat| seat.poll_sent_home(cx)) {
                Some(Poll::Pending) => return Poll::Pending,
                _ => self.take_back(),
            }
        }
        match self.poll_write_out(cx) {
            Poll::Ready(turn) => Poll::Ready(turn),
            Poll::Pending => self.poll_timer(cx),
        }
    }

    /// Ready when the machine was told something.
    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        while self.machine.wants_input() && self.control.len() < CONTROL_LIMIT {
            if let Some(Frame::Line(line)) = self.codec.decode(&mut self.input)? {
                if line.extension().is_some() && !self.shared.config.extensions {
                    continue;
                }
                self.machine.handle_input(line, now())?;
                return Poll::Ready(Ok(()));
            }
            if self.input.is_empty() {
                self.input = BytesMut::new();
            }
            let mut chunk = [const { MaybeUninit::uninit() }; READ_CHUNK];
            let mut chunk = ReadBuf::uninit(&mut chunk);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Err(Gone::Ended));
            }
            self.input.extend_from_slice(chunk.filled());
        }
        Poll::Pending
    }

    /// Waits for the end of the hold, or for a peer that takes nothing.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Turn, Gone>> {
        let Some(earliest) = [self.deadline.map(Instant::from_std), self.stalled_at].into_iter().flatten().min() else {
            self.timer = None;
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(earliest)));
        if timer.deadline() != earliest {
            timer.as_mut().reset(earliest);
        }
        ready!(timer.as_mut().poll(cx));
        self.timer = None;
        if self.stalled_at.is_some_and(|at| Instant::now() >= at) {
            self.shared.meters.stalled.one();
            return Poll::Ready(Err(Gone::Stalled));
        }
        self.machine.handle_timeout(now())?;
        Poll::Ready(Ok(Turn::Heard))
    }
}

/// Tokio's clock, so that a paused one in a test drives the machine too.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests;
