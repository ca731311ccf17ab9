//! The poll loop that reads, writes and waits for one connection.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_util::codec::Decoder as _;

use crate::codec::{Frame, LineCodec};
use crate::connection::error::ConnectionError;
use crate::connection::input::InputBuffer;
use crate::connection::output::{OutputBuffer, WriteProgress};
use crate::connection::timer::DeadlineTimer;
use crate::line::{EXTENSION_MARK, Line};
use crate::state_machine::{NotReady, Output, StateMachine};

/// How many bytes of output may wait before input is no longer read, so that a peer that sends faster than it reads the
/// answers is slowed down.
const HIGH_WATER: usize = 64 * 1024;

/// A state machine and the stream on which it communicates.
///
/// Reading and writing run side by side. Output is written while input is awaited; a peer that does not read still has
/// its own lines read; and a peer that has closed its reading side is read to its end. Answers to input that arrived
/// together are sent in one write.
///
/// Needs the feature `connection` (on by default) and a tokio runtime with timers.
///
/// ```
/// use std::time::Instant;
/// use chat_proto::{Connection, LineCodec, ListenerClient, ListenerClientConfig, ListenerClientEvent};
/// use tokio::io::AsyncWriteExt as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (ours, mut server) = tokio::io::duplex(1024);
/// let machine = ListenerClient::new(ListenerClientConfig::default(), Instant::now());
/// let mut listener = Connection::new(machine, ours, LineCodec::for_client());
///
/// server.write_all(b"Keen Bob: hello\n").await?;
/// assert_eq!(listener.next_event().await?, ListenerClientEvent::Plain);
/// let ListenerClientEvent::Message(message) = listener.next_event().await? else { panic!("no message") };
/// assert_eq!(message.text.as_str(), "hello");
/// # Ok(()) }
/// ```
pub struct Connection<M: StateMachine, IO> {
    machine: M,
    /// Events that the machine returned while only output was wanted.
    events: VecDeque<M::Event>,
    io: IO,
    codec: LineCodec,
    /// Whole lines that the machine refused as a batch. They come before `input`.
    batch: Bytes,
    input: InputBuffer,
    /// When the newest input arrived. All lines of one read arrived together, and reading the clock for each of them would
    /// cost as much as the line.
    arrived: std::time::Instant,
    output: OutputBuffer,
    /// The first bytes of the peer have arrived.
    heard: bool,
    ended: bool,
    close_required: bool,
    timer: DeadlineTimer,
    write_timeout: Duration,
    /// When the waiting output counts as stalled. `None` while the peer reads.
    stalled_at: Option<Instant>,
    line_timeout: Option<Duration>,
    /// When the extension line that has arrived in part must be complete.
    line_due: Option<Instant>,
}

impl<M: StateMachine, IO: AsyncRead + AsyncWrite + Unpin> Connection<M, IO> {
    /// Creates a connection of a machine and a stream. Nothing is sent before [`next_event`](Self::next_event) or
    /// [`flush`](Self::flush) is polled.
    #[must_use]
    pub fn new(machine: M, io: IO, codec: LineCodec) -> Self {
        Self {
            machine,
            events: VecDeque::new(),
            io,
            codec,
            batch: Bytes::new(),
            input: InputBuffer::default(),
            arrived: now(),
            output: OutputBuffer::default(),
            heard: false,
            ended: false,
            close_required: false,
            timer: DeadlineTimer::default(),
            write_timeout: Duration::from_secs(60),
            stalled_at: None,
            line_timeout: None,
            line_due: None,
        }
    }

    /// Sets how long the peer may leave output unread. Default 60 s.
    #[must_use]
    pub fn with_write_timeout(mut self, limit: Duration) -> Self {
        self.write_timeout = limit;
        self
    }

    /// Sets how long the rest of an extension line may take after its beginning. Default: without limit. Plain lines have
    /// none, because a person may type them; extension lines are sent by programs, as a whole.
    #[must_use]
    pub fn with_line_timeout(mut self, limit: Duration) -> Self {
        self.line_timeout = Some(limit);
        self
    }

    /// Reads up to this many bytes at once while the peer sends more than 16 KiB at a time, into a buffer that exists only
    /// as long. For a client of one busy server: fewer reads, and larger blocks of lines.
    #[must_use]
    pub fn with_bulk_reads(mut self, bytes: usize) -> Self {
        self.input.bulk_read = Some(bytes);
        self
    }

    /// Requires that the peer closes the stream, as over TLS with `close_notify`: a reset is an error then, and a message
    /// whose lines have arrived in part is discarded.
    ///
    /// Without this a reset ends the stream. Over plain TCP it must: clients that post and close at once, with the
    /// answer unread, reset the connection (docs/protocol.md, section 2). Over TLS it must not, because an attacker on
    /// the path can send a reset and so truncate a message.
    #[must_use]
    pub fn with_close_required(mut self) -> Self {
        self.close_required = true;
        self
    }

    /// Passes a command to the machine. Its output is written at the next poll.
    ///
    /// # Errors
    /// Returns the command if the dialogue does not allow it now.
    pub fn command(&mut self, command: M::Command) -> Result<(), NotReady<M::Command>> {
        self.machine.handle_command(command, now())
    }

    /// Waits for the next event, and writes output in the meantime.
    ///
    /// # Errors
    /// The connection has ended; see [`ConnectionError`]. Events that were due are returned first.
    ///
    /// # Cancel safety
    /// This method is cancel safe. If the future is dropped before it is ready, no input, output or event is lost.
    ///
    /// # Panics
    /// If a deadline is set outside of a tokio runtime with timers.
    pub async fn next_event(&mut self) -> Result<M::Event, ConnectionError> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Appends encoded lines after all output so far, without copying them. For a server that sends the same bytes to
    /// many clients. The bytes must end with a line feed.
    pub fn queue(&mut self, encoded: Bytes) {
        self.take_output();
        self.output.push_encoded(encoded);
    }

    /// Changes the limits of the codec, in bytes. For example, a client that has logged in may send longer lines.
    pub fn set_line_limits(&mut self, plain: usize, extension: usize) {
        self.codec.set_limits(plain, extension);
    }

    /// Skips plain lines that are over their limit from now on, and tells the machine that one was.
    pub fn skip_long_plain_lines(&mut self) {
        self.codec.skip_long_plain_lines();
    }

    /// Returns how many bytes wait to be written.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.output.len()
    }

    /// Returns the machine.
    #[must_use]
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// Returns the stream.
    #[must_use]
    pub fn io(&self) -> &IO {
        &self.io
    }

    /// Writes all output. Events that occur in the meantime are kept for [`next_event`](Self::next_event).
    ///
    /// # Errors
    /// [`ConnectionError::Stalled`] if the peer does not read for too long. A disconnected peer is not an error here:
    /// reading reports it.
    ///
    /// # Cancel safety
    /// This method is cancel safe. If the future is dropped, the rest of the output is kept.
    ///
    /// # Panics
    /// If it has to wait outside of a tokio runtime with timers.
    pub async fn flush(&mut self) -> Result<(), ConnectionError> {
        poll_fn(|cx| {
            self.take_output();
            match self.poll_write_out(cx) {
                Poll::Ready(()) => Poll::Ready(Ok(())),
                Poll::Pending => self.poll_timer(cx, None, None),
            }
        })
        .await
    }

    /// Writes all output, then ends our side of the stream.
    ///
    /// # Errors
    /// As [`flush`](Self::flush), and [`ConnectionError::Io`] if the stream cannot be ended.
    ///
    /// # Cancel safety
    /// This method is cancel safe: it can be called again and continues.
    ///
    /// # Panics
    /// As [`flush`](Self::flush).
    pub async fn shutdown(&mut self) -> Result<(), ConnectionError> {
        self.flush().await?;
        poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await.map_err(ConnectionError::Io)
    }

    /// Makes progress until an event is due or everything has to wait.
    ///
    /// The order matters. Input that has already arrived is handled before anything is written, so that its answers
    /// leave together. Writing comes before reading, so that the answers do not wait for more input. The timer is last:
    /// a deadline counts only if nothing arrived in time.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<M::Event, ConnectionError>> {
        loop {
            let deadline = self.take_output();
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(Ok(event));
            }
            let may_read = self.machine.wants_input() && self.output.len() < HIGH_WATER;
            if may_read && self.handle_buffered_input()? {
                self.line_due = None;
                continue;
            }
            let line_due = if may_read { self.watch_line() } else { None };
            let written = self.poll_write_out(cx);
            if written.is_ready() && self.machine.wants_input() && !may_read {
                // Only the waiting output had stopped the reading.
                continue;
            }
            if self.ended {
                return Poll::Ready(Err(ConnectionError::Ended));
            }
            if may_read && self.poll_fill(cx)?.is_ready() {
                continue;
            }
            match self.poll_timer(cx, deadline, line_due) {
                Poll::Ready(fired) => fired?,
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Takes all output of the machine and returns its deadline. Input is passed in only after that, so `events`
    /// contains the events of only one line or command.
    fn take_output(&mut self) -> Option<std::time::Instant> {
        loop {
            match self.machine.poll_output() {
                Output::Transmit(line) => self.output.push_line(&line),
                Output::Event(event) => self.events.push_back(event),
                Output::Timeout(deadline) => return deadline,
            }
        }
    }

    /// Passes lines that have already arrived to the machine: one, or all as one block. Returns `false` if there is
    /// none.
    fn handle_buffered_input(&mut self) -> Result<bool, ConnectionError> {
        if self.batch.is_empty()
            && self.machine.wants_lines()
            && let Some(lines) = self.codec.cut_lines(&mut self.input.bytes)
        {
            self.batch = self.machine.handle_lines(lines, self.arrived).err().unwrap_or_default();
            return Ok(true);
        }
        if let Some(end) = memchr::memchr(b'\n', &self.batch) {
            let line = self.batch.split_to(end);
            self.batch.advance(1);
            self.machine.handle_input(Line::from_bytes(line), self.arrived)?;
            return Ok(true);
        }
        match self.codec.decode(&mut self.input.bytes).map_err(ConnectionError::Codec)? {
            Some(Frame::Line(line)) => self.machine.handle_input(line, self.arrived)?,
            Some(Frame::TooLong) => self.machine.handle_too_long(self.arrived),
            Some(Frame::Unfinished(_)) | None => return Ok(false),
        }
        Ok(true)
    }

    /// Returns when the line that has arrived in part must be complete.
    fn watch_line(&mut self) -> Option<Instant> {
        let limit = self.line_timeout?;
        // The mark is ASCII, so it is one byte.
        if self.input.bytes.first() != Some(&(EXTENSION_MARK as u8)) {
            return None;
        }
        Some(*self.line_due.get_or_insert_with(|| Instant::now() + limit))
    }

    /// Reads once. Ready when something arrived, including the end of the stream.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        let read = ready!(self.input.poll_read(&mut self.io, cx));
        self.arrived = now();
        match read {
            Ok(0) => self.end()?,
            Ok(_) => {
                if !std::mem::replace(&mut self.heard, true) {
                    self.machine.inspect_start(&self.input.bytes)?;
                }
            }
            // A peer that closes with our answers unread resets the stream. Everything that it sent before has been
            // read by now.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset && !self.close_required => self.end()?,
            Err(error) => return Poll::Ready(Err(ConnectionError::Io(error))),
        }
        Poll::Ready(Ok(()))
    }

    fn end(&mut self) -> Result<(), ConnectionError> {
        self.ended = true;
        let unfinished = match self.codec.decode_eof(&mut self.input.bytes).map_err(ConnectionError::Codec)? {
            Some(Frame::Unfinished(line)) => Some(line),
            _ => None,
        };
        self.machine.handle_end(unfinished, now())?;
        Ok(())
    }

    /// Writes as much as the peer accepts. Ready when nothing waits.
    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.output.poll_write(&mut self.io, cx) {
                Poll::Ready(WriteProgress::Some) => self.stalled_at = None,
                Poll::Ready(WriteProgress::Done) => return Poll::Ready(()),
                // Pending without output is a flush of the stream, which has no deadline.
                Poll::Pending => {
                    if self.output.len() > 0 {
                        self.stalled_at.get_or_insert_with(|| Instant::now() + self.write_timeout);
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Waits for the earliest deadline: of the machine, of the stalled output, or of the line that has arrived in part.
    fn poll_timer(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Option<std::time::Instant>,
        line_due: Option<Instant>,
    ) -> Poll<Result<(), ConnectionError>> {
        ready!(self.timer.poll(cx, [deadline.map(Instant::from_std), self.stalled_at, line_due]));
        let is_over = |at: Instant| Instant::now() >= at;
        if self.stalled_at.is_some_and(is_over) {
            return Poll::Ready(Err(ConnectionError::Stalled { limit: self.write_timeout }));
        }
        if line_due.is_some_and(is_over) {
            return Poll::Ready(Err(ConnectionError::Unfinished { limit: self.line_timeout.unwrap_or_default() }));
        }
        self.machine.handle_timeout(now())?;
        Poll::Ready(Ok(()))
    }
}

/// Shows the machine and the sizes of the buffers. The content may be a token.
impl<M: StateMachine + fmt::Debug, IO> fmt::Debug for Connection<M, IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("machine", &self.machine)
            .field("input", &self.input.bytes.len())
            .field("output", &self.output.len())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// Returns the time of tokio's clock, so that paused time in a test applies to the machines too.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}
