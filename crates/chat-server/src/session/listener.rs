//! One listener: a place in the room's log, and the stream that is written from there on. It holds
//! no messages of its own, so one that reads slowly costs as little as one that is idle.
//!
//! It does its own I/O instead of using `Connection`: what is new is fetched from the shared log for
//! each write anew, which a buffer in between would pin in memory.

use std::{
    future::{Future, poll_fn},
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use chat_proto::{
    CodecError, Frame, LineCodec, ListenerServer, ListenerServerCommand, ListenerServerConfig, ListenerServerEvent,
    Output, ProtocolError, ResumeAnswer, ResumeRequest, Seq, StateMachine,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
    time::{Instant, Sleep},
};
use tokio_util::codec::Decoder;

use super::{Shared, resume::first_place};
use crate::{
    error::JournalError,
    limits::{LISTEN_HOLD, LISTENER_WRITE_BYTES, LISTENER_WRITE_PIECES},
    room::{Batch, Form, Found, Place, Tide},
};

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
    page: Option<Batch>,
    /// Waits for the end of the hold or for a peer that takes nothing; idle listeners have none.
    timer: Option<Pin<Box<Sleep>>>,
    /// When the machine wants to be told the time.
    deadline: Option<std::time::Instant>,
    stalled_at: Option<Instant>,
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
            machine: ListenerServer::new(&ListenerServerConfig { hold }, now()),
            shared,
            io,
            codec: LineCodec::for_server(),
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
        }
    }

    /// Serves until the peer goes, takes nothing for too long, or the room closes.
    pub(crate) async fn run(mut self, mut tide: watch::Receiver<Tide>) -> Result<(), Gone> {
        self.obey().await?;
        loop {
            tokio::select! {
                biased;
                turn = poll_fn(|cx| self.poll_turn(cx)) => match turn? {
                    Turn::Heard => self.obey().await?,
                    Turn::Behind => self.read_page().await?,
                    Turn::Level => {
                        if tide.borrow().closing {
                            poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await?;
                            return Ok(());
                        }
                    }
                },
                // Not while the peer is behind: it would be looked at for every message.
                news = tide.changed(), if self.level => {
                    news.map_err(|_| Gone::Ended)?;
                    self.level = false;
                }
            }
        }
    }

    /// Does what the machine has found out.
    async fn obey(&mut self) -> Result<(), Gone> {
        loop {
            match self.machine.poll_output() {
                Output::Transmit(line) => {
                    self.control.extend_from_slice(line.as_str().as_bytes());
                    self.control.extend_from_slice(b"\n");
                }
                Output::Event(ListenerServerEvent::Plain) => self.released = true,
                Output::Event(ListenerServerEvent::Resume(request)) => self.resume(request).await?,
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
        let answer = ResumeAnswer { stream, from: first, head, plain };
        // It owes this answer, so it takes it.
        let _ = self.machine.handle_command(ListenerServerCommand::Answer(answer), now());
        self.place = Place::new(first, Form::Numbered);
        self.page = None;
        self.released = true;
        self.level = false;
        Ok(())
    }

    /// First and last number of what went out as plain lines.
    fn sent_plain(&self) -> Option<(Seq, Seq)> {
        let last = if self.place.is_inside_line() { self.place.next() } else { self.place.next() - 1 };
        (last > self.accepted).then_some((self.accepted + 1, last))
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
                self.page.clone()
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
        self.page = Batch::encode_for(&messages, self.place.form());
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

    /// Writes until the peer takes no more or there is no more. Pending means that the peer is
    /// waited for, or that nothing is to be done.
    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<Result<Turn, Gone>> {
        loop {
            if !self.control.is_empty() && !self.place.is_inside_line() {
                let written = ready!(self.poll_write(cx, &[IoSlice::new(&self.control.clone())]))?;
                self.control.advance(written);
                continue;
            }
            if !self.released || self.level {
                return Poll::Pending;
            }
            let batches = match self.fetch() {
                Fetched::Batches(batches) => batches,
                Fetched::Behind => return Poll::Ready(Ok(Turn::Behind)),
                Fetched::Level => {
                    self.level = true;
                    return Poll::Ready(Ok(Turn::Level));
                }
            };
            let written = ready!(self.poll_write_batches(cx, &batches))?;
            self.place.advance(&batches, written);
            if self.page.as_ref().is_some_and(|page| self.place.next() > page.last()) {
                self.page = None;
            }
        }
    }

    fn poll_write_batches(&mut self, cx: &mut Context<'_>, batches: &[Batch]) -> Poll<Result<usize, Gone>> {
        let mut place = self.place;
        let mut rests = [const { Bytes::new() }; LISTENER_WRITE_PIECES];
        let mut slices = [IoSlice::new(&[]); LISTENER_WRITE_PIECES];
        for (rest, batch) in rests.iter_mut().zip(batches) {
            *rest = place.rest(batch);
            place = place.after(batch);
        }
        if !self.control.is_empty()
            && let Some(end) = memchr::memchr(b'\n', &rests[0])
        {
            // An answer waits for the end of this line, and for no more.
            rests[0].truncate(end + 1);
            return self.poll_write(cx, &[IoSlice::new(&rests[0])]);
        }
        for (slice, rest) in slices.iter_mut().zip(&rests) {
            *slice = IoSlice::new(rest);
        }
        self.poll_write(cx, &slices[..batches.len().min(LISTENER_WRITE_PIECES)])
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize, Gone>> {
        match Pin::new(&mut self.io).poll_write_vectored(cx, slices) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into())),
            Poll::Ready(result) => {
                self.stalled_at = None;
                Poll::Ready(Ok(result?))
            }
            Poll::Pending => {
                let limit = self.shared.config.limits.stall;
                self.stalled_at.get_or_insert_with(|| Instant::now() + limit);
                // It is read again when the peer goes on; meanwhile it would only fill the memory.
                self.page = None;
                Poll::Pending
            }
        }
    }

    fn fetch(&self) -> Fetched {
        if let Some(page) = &self.page {
            return Fetched::Batches(vec![page.clone()]);
        }
        match self.shared.room.from(self.place.next(), self.place.form(), LISTENER_WRITE_BYTES, LISTENER_WRITE_PIECES) {
            Found::Pieces(batches) => Fetched::Batches(batches),
            Found::Level => Fetched::Level,
            Found::Behind => Fetched::Behind,
        }
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
            return Poll::Ready(Err(Gone::Stalled));
        }
        self.machine.handle_timeout(now())?;
        Poll::Ready(Ok(Turn::Heard))
    }
}

/// What is to be written next.
enum Fetched {
    Batches(Vec<Batch>),
    Level,
    Behind,
}

/// Tokio's clock, so that a paused one in a test drives the machine too.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}
