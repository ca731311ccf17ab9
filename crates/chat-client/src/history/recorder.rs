//! Writes received messages to the history file, and knows after a restart where it stopped.
//! [`History`](crate::History) reads the file.
//!
//! The cursor records that message `seq` was the newest one when the file had `length` bytes. Each line beyond that
//! counts as one more message, so the cursor need not be written with every line, and any older version of it leads to
//! the same result. A line that a crash has torn is removed and fetched again. Only where the sequence numbers do not
//! continue by one (a gap, another stream, a server without numbers), the cursor is written before the next line.
//!
//! The cursor also records whether a recorder is active. After a clean close it is not, and lines beyond the cursor
//! were written by another program (the original writes the same file): they have no numbers and are not counted.

mod files;
mod numbering;
mod open;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chat_proto::{Message, NumberedLines, PlainLines, Position};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use private_files::{FileLock, LockError, file};

use self::open::open_locked;
use super::HistoryError;
use super::append::Appender;
use super::format::Stamp;
use super::recovery::recover;
use crate::config::Resume;
use crate::files::default_dir::OpenFileId;
use crate::files::warning::FileWarning;
use crate::listener::cursor::{self, CursorRecord};
use crate::listener::event::ListenerEvent;
use crate::listener::gap::Gap;

/// How many bytes may wait for a full disk: about 200,000 messages, which takes a chat more than an hour.
const MAX_WAITING_BYTES: usize = 16 * 1024 * 1024;

/// How many bytes the file may grow before the cursor is written again. Counting their lines at the next start takes
/// about 10 ms.
const CURSOR_EVERY_BYTES: u64 = 16 * 1024 * 1024;

/// The writing side of a history. It owns the lock of the file, so there is one at a time.
///
/// All methods that change the files block: some wait for the disk. On an asynchronous runtime, call them from
/// `tokio::task::spawn_blocking` or from a thread of your own.
///
/// ```
/// use chat_client::{History, Message, Nickname, Recorder, Resume, Text};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("history.txt");
/// let mut recorder = Recorder::open(&path)?;
/// // ClientConfig::resume of the listener whose events are recorded:
/// assert_eq!(recorder.resume(Resume::Live), Resume::Live);
/// recorder.record(&[Message::new(Some(Nickname::new("Ann")?), Text::new("hello")?)])?;
/// recorder.close()?;
/// assert!(History::open(&path)?.tail(1)?[0].raw().ends_with("Ann: hello"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    /// The open file, to notice another one at the path.
    id: OpenFileId,
    out: Appender,
    stamp: Stamp,
    /// The position of the newest accepted message.
    newest: Option<Position>,
    /// The next message starts a new numbering.
    renumbered: bool,
    /// The length of the file when the cursor was written.
    cursor_at: u64,
    /// The cursor on disk records that no recorder is active.
    finished: bool,
    warnings: Vec<FileWarning>,
    /// When an earlier run last wrote one of the files.
    last_heard: Option<SystemTime>,
    _lock: FileLock,
}

impl Recorder {
    /// Opens a history for writing, creates it if necessary, repairs what a crash left, and determines where it
    /// stopped.
    ///
    /// # Errors
    /// [`HistoryError::Locked`] if another process writes it, [`HistoryError::Open`] and [`HistoryError::Read`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, HistoryError> {
        Self::open_in(path.as_ref(), TimeZone::system())
    }

    fn open_in(path: &Path, zone: TimeZone) -> Result<Self, HistoryError> {
        let lock = FileLock::acquire(path)?;
        let mut warnings = Vec::new();
        let cursor_path = cursor_path(path);
        // Before any repair, which changes the modification times.
        let changed = |path: &Path| path.metadata().ok()?.modified().ok();
        let last_heard = changed(path).max(changed(&cursor_path));
        let opened = open_locked(path, &mut warnings).and_then(|file| Ok((OpenFileId::of(&file)?, file)));
        let (id, file) = opened.map_err(|source| match source.kind() {
            io::ErrorKind::ResourceBusy => LockError::Held { path: path.to_owned(), pid: None }.into(),
            _ => HistoryError::Open { path: path.to_owned(), source },
        })?;
        let failed = |path: &Path, source| HistoryError::Read { path: path.to_owned(), source };
        let record = cursor::load(&cursor_path, &mut warnings).map_err(|source| failed(&cursor_path, source))?;
        let recovered = recover(&file, path, record.as_ref(), &mut warnings);
        let (newest, length) = recovered.map_err(|source| failed(path, source))?;
        let mut recorder = Self {
            path: path.to_owned(),
            id,
            out: Appender::new(file, cursor_path, length),
            stamp: Stamp::new(zone),
            newest,
            renumbered: false,
            cursor_at: length,
            finished: false,
            warnings,
            last_heard,
            _lock: lock,
        };
        let current = recorder.newest.clone().map(|position| CursorRecord { position, length, open: true });
        if current != record {
            // Required before the first line is written. A full disk may prevent it now; until then the old cursor
            // leads to the same result.
            recorder.out.checkpoint(recorder.newest.clone());
            if let Err(error) = recorder.out.write() {
                tracing::warn!(path = %recorder.out.cursor_path().display(), %error, "could not write the cursor");
            }
        }
        Ok(recorder)
    }

    /// Returns what was found wrong with the files and repaired.
    #[must_use]
    pub fn warnings(&self) -> &[FileWarning] {
        &self.warnings
    }

    /// Returns where a listener resumes; `otherwise` if no position is known.
    #[must_use]
    pub fn resume(&self, otherwise: Resume) -> Resume {
        match &self.newest {
            Some(position) => Resume::After { position: position.clone(), last_heard: self.last_heard },
            None => otherwise,
        }
    }

    /// Appends messages in one write. Numbered messages that are already recorded are skipped.
    ///
    /// # Errors
    /// [`HistoryError::Waiting`]: the messages were *accepted* and wait in memory; call [`Recorder::retry`] later.
    /// [`HistoryError::Backlog`]: they were *not accepted*; keep them, retry, and pass them again.
    pub fn record(&mut self, messages: &[Message]) -> Result<(), HistoryError> {
        let seen = self.make_room()?;
        let now = Timestamp::now().as_millisecond();
        for message in messages {
            self.take(message, now);
        }
        self.write_out(seen)
    }

    /// Appends messages as [`Recorder::record`] does. Returns the byte range of each in the file; `None` for one that
    /// was already recorded.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub fn record_spans(&mut self, messages: &[Message]) -> Result<Vec<Option<Range<u64>>>, HistoryError> {
        let seen = self.make_room()?;
        let now = Timestamp::now().as_millisecond();
        let end = |recorder: &Self| recorder.out.length() + recorder.out.waiting() as u64;
        let mut spans = Vec::with_capacity(messages.len());
        for message in messages {
            let start = end(self);
            self.take(message, now);
            spans.push(Some(start..end(self)).filter(|span| !span.is_empty()));
        }
        self.write_out(seen)?;
        Ok(spans)
    }

    /// Appends a batch of plain lines, as [`Recorder::record`] does for messages.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub fn record_lines(&mut self, lines: &PlainLines) -> Result<(), HistoryError> {
        let seen = self.make_room()?;
        // None of them has a number, so one step covers them all.
        self.step_to(None);
        self.stamp.append_lines(self.out.buffer(), lines, Timestamp::now().as_millisecond());
        self.write_out(seen)
    }

    /// Appends a block of numbered messages, as [`Recorder::record`] does for single ones.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub fn record_numbered(&mut self, lines: &NumberedLines) -> Result<(), HistoryError> {
        let seen = self.make_room()?;
        let now = Timestamp::now().as_millisecond();
        if self.continues_at(&lines.after()) {
            self.stamp.append_numbered(self.out.buffer(), lines, now);
            self.newest = Some(lines.last());
        } else {
            lines.messages().for_each(|message| self.take(&message, now));
        }
        self.write_out(seen)
    }

    /// Appends the messages and gaps of a batch of events, in their order.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub fn record_events(&mut self, events: &[ListenerEvent]) -> Result<(), HistoryError> {
        let seen = self.make_room()?;
        let now = Timestamp::now().as_millisecond();
        for event in events {
            match event {
                ListenerEvent::Message(message) => self.take(message, now),
                ListenerEvent::Gap(gap) => self.step_over(gap),
                ListenerEvent::Joined(position) => self.begin_at(position),
                // The file keeps what it has: it belongs to its owner. A number without a message is skipped by the next
                // one.
                ListenerEvent::Removed(_) | ListenerEvent::CaughtUp(_) | ListenerEvent::Closed(_) => {}
            }
        }
        self.write_out(seen)
    }

    /// Begins the file again if it was renamed, removed or replaced, as logrotate does; every write does so too. The
    /// cursor then belongs to the new file. [`Recorder::take_warnings`] reports it.
    ///
    /// # Errors
    /// [`HistoryError::Waiting`]: the new file cannot be opened; what comes waits for it.
    pub fn reopen(&mut self) -> Result<(), HistoryError> {
        self.follow_path().map_err(|source| self.waiting_error(source))
    }

    /// Returns the warnings since the last call, or since the file was opened.
    pub fn take_warnings(&mut self) -> Vec<FileWarning> {
        std::mem::take(&mut self.warnings)
    }

    /// Writes the waiting bytes. Returns `Ok` if there are none.
    ///
    /// # Errors
    /// [`HistoryError::Waiting`] while they cannot be written.
    pub fn retry(&mut self) -> Result<(), HistoryError> {
        self.write_out(PathSeen(false))
    }

    fn write_out(&mut self, seen: PathSeen) -> Result<(), HistoryError> {
        if !seen.0 {
            self.reopen()?;
        }
        self.out.write().map_err(|source| self.waiting_error(source))?;
        if self.newest.is_some() && self.out.length() >= self.cursor_at + CURSOR_EVERY_BYTES {
            self.write_cursor();
        }
        Ok(())
    }

    /// Returns the number of bytes that wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.out.waiting()
    }

    /// Records a gap. The file does not show gaps, because its lines are messages; but after some gaps the numbering
    /// starts again, so a gap must be recorded in its order among the messages.
    ///
    /// # Errors
    /// As [`Recorder::retry`], which this function calls.
    pub fn gap(&mut self, gap: &Gap) -> Result<(), HistoryError> {
        self.step_over(gap);
        self.retry()
    }

    /// Records the position at which a listener joined. If no position is known yet, the next run resumes from there,
    /// even if no message arrived.
    ///
    /// # Errors
    /// As [`Recorder::retry`], which this function calls.
    pub fn joined(&mut self, position: &Position) -> Result<(), HistoryError> {
        self.begin_at(position);
        self.retry()
    }

    /// Returns the position of the newest accepted message, or the position at which the listener joined if there was
    /// none; `None` if the newest message had no number.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.newest.as_ref()
    }

    /// Returns the length of the file as far as it is written, in bytes.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.out.length()
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the waiting bytes and the cursor. Dropping the recorder does the same but only logs a failure.
    ///
    /// # Errors
    /// [`HistoryError::Waiting`] if the rest cannot be written; it is then lost, unless it is numbered and the next run
    /// fetches it again.
    pub fn close(mut self) -> Result<(), HistoryError> {
        self.finish().map_err(|source| self.waiting_error(source))
    }

    /// Prepares for a batch. One look at the path is enough for each: it costs a system call.
    fn make_room(&mut self) -> Result<PathSeen, HistoryError> {
        // Before anything is taken, while the position of the last line is certain. A failure is reported when the lines
        // are written.
        let seen = PathSeen(self.out.waiting() == 0 && self.follow_path().is_ok());
        if self.out.waiting() > MAX_WAITING_BYTES {
            self.out.write().map_err(|source| self.backlog(source))?;
        }
        Ok(seen)
    }

    fn waiting_error(&self, source: io::Error) -> HistoryError {
        HistoryError::Waiting { path: self.path.clone(), bytes: self.out.waiting(), source }
    }

    fn backlog(&self, source: io::Error) -> HistoryError {
        HistoryError::Backlog { path: self.path.clone(), bytes: self.out.waiting(), source }
    }
}

/// Whether the file at the path has been compared with the open one since the batch began.
#[derive(Clone, Copy)]
struct PathSeen(bool);

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::warn!(path = %self.path.display(), %error, "could not close the history");
        }
    }
}

fn cursor_path(history: &Path) -> PathBuf {
    file::with_suffix(history, ".cursor")
}
