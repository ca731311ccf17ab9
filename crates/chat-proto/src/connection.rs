//! Moves the bytes of one machine over one stream: the only I/O of this crate. It decides nothing;
//! what a line means is the machine's business.

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use tokio_util::codec::Decoder as _;

use crate::error::duration;
use crate::{CodecError, Frame, Line, LineCodec, NotReady, Output, ProtocolError, StateMachine};

/// How much may wait to be written before nothing more is read: a peer that asks faster than it
/// reads the answers is slowed down to its own pace.
const HIGH_WATER: usize = 64 * 1024;

/// How much one read takes. It lies on the stack while polling, so an idle connection holds none.
const READ_CHUNK: usize = 16 * 1024;

/// Pieces handed to one vectored write; more than this many is more than a socket takes at once.
const MAX_SLICES: usize = 64;

/// One machine and the stream it speaks on.
///
/// Reading and writing run side by side: output is written while input is awaited, a peer that
/// takes nothing does not stop us from reading what it sent, and a peer that has closed its reading
/// side is still read to its end. Answers to input that arrived together leave in one write.
pub struct Connection<M: StateMachine, IO> {
    machine: M,
    /// Events that came up while only output was wanted.
    stashed: VecDeque<M::Event>,
    io: IO,
    codec: LineCodec,
    /// Whole lines that the machine did not want together. They come before the input.
    cut: Bytes,
    input: BytesMut,
    /// When the newest input came: all lines of one read came together, and a look at the clock for each would cost as
    /// much as the line.
    arrived: std::time::Instant,
    /// Encoded lines that are not yet in `chunks`.
    lines: BytesMut,
    chunks: VecDeque<Bytes>,
    chunk_bytes: usize,
    ended: bool,
    write_failed: bool,
    timer: Option<Pin<Box<Sleep>>>,
    write_timeout: Duration,
    /// When the waiting output counts as stuck.
    stalled_at: Option<Instant>,
}

/// Why there are no more events.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The peer has ended the stream, and everything it said was handed out. Commands and
    /// [`flush`](Connection::flush) may still reach it.
    #[error("the connection was closed by the other side")]
    Ended,
    /// The dialogue cannot go on.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The stream is no sequence of lines.
    #[error(transparent)]
    Codec(CodecError),
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[source] io::Error),
    /// The peer took no byte for as long as it may.
    #[error("the peer read no data for {}", duration(*limit))]
    Stalled {
        /// How long it may read nothing.
        limit: Duration,
    },
}

impl<M: StateMachine, IO: AsyncRead + AsyncWrite + Unpin> Connection<M, IO> {
    /// Joins a machine and a stream. Nothing is sent before [`next_event`](Self::next_event) or
    /// [`flush`](Self::flush) is polled.
    pub fn new(machine: M, io: IO, codec: LineCodec) -> Self {
        Self {
            machine,
            stashed: VecDeque::new(),
            io,
            codec,
            cut: Bytes::new(),
            input: BytesMut::new(),
            arrived: now(),
            lines: BytesMut::new(),
            chunks: VecDeque::new(),
            chunk_bytes: 0,
            ended: false,
            write_failed: false,
            timer: None,
            write_timeout: Duration::from_secs(60),
            stalled_at: None,
        }
    }

    /// Sets how long a peer may take no byte of what waits for it. Default 60 s.
    #[must_use]
    pub fn with_write_timeout(mut self, limit: Duration) -> Self {
        self.write_timeout = limit;
        self
    }

    /// Hands our side's wish to the machine. What it says goes out with the next poll.
    ///
    /// # Errors
    /// Hands the command back where the dialogue does not allow it now.
    pub fn command(&mut self, command: M::Command) -> Result<(), NotReady<M::Command>> {
        self.machine.handle_command(command, now())
    }

    /// Waits for the next thing our side must know. Cancel-safe: nothing is lost when the future is
    /// dropped.
    ///
    /// # Errors
    /// The connection is over; see [`ConnectionError`]. Events that were due come first.
    pub async fn next_event(&mut self) -> Result<M::Event, ConnectionError> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Appends bytes that are already encoded, without copying them, behind all output so far.
    ///
    /// For a server that sends the same bytes to many. Whole lines only.
    pub fn queue(&mut self, encoded: Bytes) {
        self.take_output();
        self.seal_lines();
        if !encoded.is_empty() && !self.write_failed {
            self.chunk_bytes += encoded.len();
            self.chunks.push_back(encoded);
        }
    }

    /// Changes how long lines may be, in bytes, from the next one on: a peer that has said who it is may say more.
    pub fn set_line_limits(&mut self, plain: usize, extension: usize) {
        self.codec.set_limits(plain, extension);
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.chunk_bytes + self.lines.len()
    }

    /// The machine, to be asked about its state.
    #[must_use]
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The stream, to be asked about its addresses.
    #[must_use]
    pub fn io(&self) -> &IO {
        &self.io
    }

    /// Writes all that waits, and what the machine has to transmit. Events that come up meanwhile are
    /// kept for [`next_event`](Self::next_event). Cancel-safe.
    ///
    /// # Errors
    /// The peer cannot be reached any more, or takes nothing for too long.
    pub async fn flush(&mut self) -> Result<(), ConnectionError> {
        poll_fn(|cx| {
            self.take_output();
            match self.poll_write_out(cx) {
                Poll::Ready(result) => Poll::Ready(result),
                Poll::Pending => self.poll_timer(cx, None),
            }
        })
        .await
    }

    /// Writes all that waits and ends our side of the stream.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub async fn shutdown(&mut self) -> Result<(), ConnectionError> {
        self.flush().await?;
        poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await.map_err(ConnectionError::Io)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<M::Event, ConnectionError>> {
        loop {
            let deadline = self.take_output();
            if let Some(event) = self.stashed.pop_front() {
                return Poll::Ready(Ok(event));
            }
            let may_read = self.machine.wants_input() && self.buffered() < HIGH_WATER;
            if may_read && self.decode_some()? {
                continue;
            }
            let written = self.poll_write_out(cx)?;
            if written.is_ready() && self.machine.wants_input() && !may_read {
                continue;
            }
            if self.ended {
                return Poll::Ready(Err(ConnectionError::Ended));
            }
            if may_read && self.poll_fill(cx)?.is_ready() {
                continue;
            }
            match self.poll_timer(cx, deadline) {
                Poll::Ready(fired) => fired?,
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Takes all that the machine has to say, and gives its deadline. Input is only handed in when
    /// this has been done, so what waits here comes from one line or one command.
    fn take_output(&mut self) -> Option<std::time::Instant> {
        loop {
            match self.machine.poll_output() {
                Output::Transmit(line) if !self.write_failed => {
                    self.lines.reserve(line.as_str().len() + 1);
                    self.lines.extend_from_slice(line.as_str().as_bytes());
                    self.lines.extend_from_slice(b"\n");
                }
                Output::Transmit(_) => {}
                Output::Event(event) => self.stashed.push_back(event),
                Output::Timeout(deadline) => return deadline,
            }
        }
    }

    fn seal_lines(&mut self) {
        if !self.lines.is_empty() {
            self.chunk_bytes += self.lines.len();
            self.chunks.push_back(self.lines.split().freeze());
        }
    }

    /// Feeds lines that are already here to the machine, all of them or one; `false` when there is none.
    fn decode_some(&mut self) -> Result<bool, ConnectionError> {
        if self.cut.is_empty()
            && self.machine.wants_lines()
            && let Some(lines) = self.codec.cut_lines(&mut self.input)
        {
            self.cut = self.machine.handle_lines(lines, self.arrived).err().unwrap_or_default();
            return Ok(true);
        }
        if let Some(end) = memchr::memchr(b'\n', &self.cut) {
            let line = self.cut.split_to(end);
            self.cut.advance(1);
            self.machine.handle_input(Line::from_bytes(line), self.arrived)?;
            return Ok(true);
        }
        match self.codec.decode(&mut self.input).map_err(ConnectionError::Codec)? {
            Some(Frame::Line(line)) => self.machine.handle_input(line, self.arrived)?,
            Some(Frame::TooLong) => self.machine.handle_too_long(self.arrived),
            Some(Frame::Unfinished(_)) | None => return Ok(false),
        }
        Ok(true)
    }

    /// Reads once. Ready when something came, which may be the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        let mut chunk = [const { MaybeUninit::uninit() }; READ_CHUNK];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        let read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut chunk));
        self.arrived = now();
        match read {
            Ok(()) if chunk.filled().is_empty() => self.end()?,
            Ok(()) => self.input.extend_from_slice(chunk.filled()),
            // A peer that closed with our answers unread resets the stream: what it had sent before
            // is here already, and that was its end.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => self.end()?,
            Err(error) => return Poll::Ready(Err(ConnectionError::Io(error))),
        }
        Poll::Ready(Ok(()))
    }

    fn end(&mut self) -> Result<(), ConnectionError> {
        self.ended = true;
        let unfinished = match self.codec.decode_eof(&mut self.input).map_err(ConnectionError::Codec)? {
            Some(Frame::Unfinished(line)) => Some(line),
            _ => None,
        };
        self.machine.handle_end(unfinished, now())?;
        Ok(())
    }

    /// Writes as much as the peer takes. Ready when nothing waits.
    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        self.seal_lines();
        while !self.chunks.is_empty() {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let count = self.chunks.len().min(MAX_SLICES);
            for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
                *slice = IoSlice::new(chunk);
            }
            match Pin::new(&mut self.io).poll_write_vectored(cx, &slices[..count]) {
                Poll::Ready(Ok(written)) if written > 0 => {
                    self.consume(written);
                    self.stalled_at = None;
                }
                Poll::Ready(_) => {
                    // The peer hears nothing more, but what it said may still be worth reading; if it
                    // is gone altogether, reading says so.
                    self.write_failed = true;
                    self.chunks.clear();
                    self.chunk_bytes = 0;
                    self.stalled_at = None;
                }
                Poll::Pending => {
                    self.stalled_at.get_or_insert_with(|| Instant::now() + self.write_timeout);
                    return Poll::Pending;
                }
            }
        }
        if self.write_failed {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_flush(cx).map(|_| Ok(()))
    }

    fn consume(&mut self, mut written: usize) {
        self.chunk_bytes -= written;
        while let Some(front) = self.chunks.front_mut() {
            if written < front.len() {
                front.advance(written);
                break;
            }
            written -= front.len();
            self.chunks.pop_front();
        }
    }

    /// Waits for the machine's deadline or for stuck output, whichever is earlier.
    fn poll_timer(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Option<std::time::Instant>,
    ) -> Poll<Result<(), ConnectionError>> {
        let deadline = deadline.map(Instant::from_std);
        let Some(earliest) = [deadline, self.stalled_at].into_iter().flatten().min() else {
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
            return Poll::Ready(Err(ConnectionError::Stalled { limit: self.write_timeout }));
        }
        self.machine.handle_timeout(now())?;
        Poll::Ready(Ok(()))
    }
}

/// Tokio's clock, so that a paused one in a test drives the machines too.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}
