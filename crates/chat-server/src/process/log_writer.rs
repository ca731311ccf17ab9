//! Writes log lines on a thread of its own, so that an unread standard error never blocks the server.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait to be written. More are dropped and counted.
const QUEUE: usize = 1_024;

/// The writer of this process, once it is started.
static WRITER: OnceLock<LogWriter> = OnceLock::new();

/// Queues lines for the thread.
#[derive(Debug, Clone)]
pub(crate) struct LogWriter {
    queue: SyncSender<Work>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Work {
    Line(Vec<u8>),
    /// Continues in another place.
    Continue(LogSink),
    /// Answers when everything before it is written.
    Flush(SyncSender<()>),
}

/// The place of the log.
#[derive(Debug)]
pub(crate) enum LogSink {
    /// Standard error.
    StandardError,
    /// A file, to which lines are appended.
    File(File),
}

impl LogSink {
    /// Opens the file, or uses standard error without one. Other users cannot read a new file, because the log contains
    /// addresses.
    ///
    /// # Errors
    /// The error of the operating system.
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path else { return Ok(Self::StandardError) };
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
        Ok(Self::File(options.open(path)?))
    }

    /// There is no other place to report that the log cannot be written.
    fn write(&mut self, line: &[u8]) {
        let _ = match self {
            Self::StandardError => io::stderr().write_all(line),
            Self::File(file) => file.write_all(line),
        };
    }
}

impl LogWriter {
    /// Starts the thread. `dropped_line` formats the line that reports dropped ones.
    ///
    /// # Errors
    /// The error of the operating system.
    pub(crate) fn start(sink: LogSink, dropped_line: fn(u64) -> String) -> io::Result<Self> {
        let (queue, work) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&dropped);
        thread::Builder::new().name("chat-log".into()).spawn(move || write_all(sink, &work, &counter, dropped_line))?;
        let this = Self { queue, dropped };
        Ok(WRITER.get_or_init(|| this).clone())
    }

    /// Queues one line, or counts it as dropped.
    pub(crate) fn send(&self, line: Vec<u8>) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Work::Line(line)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Continues the log in another place. Returns false if that is not possible now, because the log is not read.
pub(crate) fn continue_in(sink: LogSink) -> bool {
    WRITER.get().is_some_and(|writer| writer.queue.try_send(Work::Continue(sink)).is_ok())
}

/// Returns the writer, if it was started.
pub(crate) fn current() -> Option<&'static LogWriter> {
    WRITER.get()
}

/// Waits until all queued lines are written, for at most this long: the reader may have stopped.
pub(crate) fn flush(within: Duration) {
    let Some(writer) = WRITER.get() else { return };
    let (done, flushed) = sync_channel(1);
    // A full queue is not flushed: its reader has stopped.
    if writer.queue.try_send(Work::Flush(done)).is_ok() {
        let _ = flushed.recv_timeout(within);
    }
}

fn write_all(mut sink: LogSink, work: &Receiver<Work>, dropped: &AtomicU64, dropped_line: fn(u64) -> String) {
    while let Ok(work) = work.recv() {
        match work {
            Work::Line(line) => sink.write(&line),
            Work::Continue(next) => sink = next,
            Work::Flush(done) => drop(done.send(())),
        }
        let count = dropped.swap(0, Ordering::Relaxed);
        if count > 0 {
            sink.write(dropped_line(count).as_bytes());
        }
    }
}

/// Collects one line and queues it when dropped.
#[derive(Debug)]
pub(crate) struct LineBuffer<'a> {
    writer: &'a LogWriter,
    line: Vec<u8>,
}

impl Write for LineBuffer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineBuffer<'_> {
    fn drop(&mut self) {
        self.writer.send(std::mem::take(&mut self.line));
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = LineBuffer<'a>;

    fn make_writer(&'a self) -> LineBuffer<'a> {
        LineBuffer { writer: self, line: Vec::new() }
    }
}
