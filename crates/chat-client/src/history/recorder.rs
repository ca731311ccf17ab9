//! Writes what a listener hears to the history file, and knows over restarts where it stopped. Reading is
//! [`History`](crate::History)'s business.
//!
//! The cursor says that message `seq` was the newest one when the file had `length` bytes. Each line beyond that is
//! one message more, so the cursor need not be written with every line, and it may be any older version: counting
//! leads to the same place. A line that a crash has torn is cut off and fetched again. Only where the numbers do not
//! go on by one (a gap, another stream, a server without numbers) the cursor is written before the next line.
//!
//! The cursor also says whether a recorder is at work. After a clean close it says no, and lines beyond it are those of
//! another program (the original writes the same file): they have no numbers, and are not counted.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chat_proto::{Message, PlainLines, Position};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use private_files::{FileLock, file};

use super::HistoryError;
use super::append::Appender;
use super::format::Stamp;
use super::recovery::recover;
use crate::config::Resume;
use crate::files::default_dir;
use crate::files::warning::FileWarning;
use crate::listener::cursor::{self, CursorRecord};
use crate::listener::event::ListenerEvent;
use crate::listener::gap::{Gap, GapCause};

/// How much may wait for a full disk: some 200,000 messages, which no chat fills in an hour.
const MAX_WAITING_BYTES: usize = 16 * 1024 * 1024;

/// How far the file may grow before the cursor is written again. Counting the lines of this much takes some ten
/// milliseconds at the next start.
const CURSOR_EVERY_BYTES: u64 = 16 * 1024 * 1024;

/// The writing side of a history. There is one at a time for each file; it holds the file's lock.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    out: Appender,
    stamp: Stamp,
    /// Of the newest line taken.
    newest: Option<Position>,
    /// The next message begins the numbers anew.
    anew: bool,
    /// Length of the file when the cursor was written.
    cursor_at: u64,
    /// The cursor says that nobody is at work.
    finished: bool,
    warnings: Vec<FileWarning>,
    /// When an earlier run last wrote one of the files.
    last_heard: Option<SystemTime>,
    _lock: FileLock,
}

impl Recorder {
    /// Opens a history for writing, creates it if need be, mends what a crash has left, and finds out where it stopped.
    ///
    /// # Errors
    /// [`HistoryError::Locked`] when another process writes it, [`HistoryError::Open`] and [`HistoryError::Read`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, HistoryError> {
        Self::open_in(path.as_ref(), TimeZone::system())
    }

    fn open_in(path: &Path, zone: TimeZone) -> Result<Self, HistoryError> {
        let lock = FileLock::acquire(path)?;
        let mut warnings = Vec::new();
        let cursor_path = cursor_path(path);
        // Before anything is repaired, which changes the times.
        let changed = |path: &Path| path.metadata().ok()?.modified().ok();
        let last_heard = changed(path).max(changed(&cursor_path));
        let opened = default_dir::open_append(path, &mut warnings);
        let file = opened.map_err(|source| HistoryError::Open { path: path.to_owned(), source })?;
        let failed = |path: &Path, source| HistoryError::Read { path: path.to_owned(), source };
        let record = cursor::load(&cursor_path, &mut warnings).map_err(|source| failed(&cursor_path, source))?;
        let recovered = recover(&file, path, record.as_ref(), &mut warnings);
        let (newest, length) = recovered.map_err(|source| failed(path, source))?;
        let mut recorder = Self {
            path: path.to_owned(),
            out: Appender::new(file, cursor_path, length),
            stamp: Stamp::new(zone),
            newest,
            anew: false,
            cursor_at: length,
            finished: false,
            warnings,
            last_heard,
            _lock: lock,
        };
        let current = recorder.newest.clone().map(|position| CursorRecord { position, length, open: true });
        if current != record {
            // The first line waits for this. A full disk may prevent it now; until then the old cursor leads to the
            // same place.
            recorder.out.checkpoint(recorder.newest.clone());
            if let Err(error) = recorder.out.write() {
                tracing::warn!(path = %recorder.out.cursor_path().display(), %error, "the cursor could not be written");
            }
        }
        Ok(recorder)
    }

    /// What was wrong with the files and mended.
    #[must_use]
    pub fn warnings(&self) -> &[FileWarning] {
        &self.warnings
    }

    /// Where a listener goes on; `otherwise` where nothing is known.
    #[must_use]
    pub fn resume(&self, otherwise: Resume) -> Resume {
        match &self.newest {
            Some(position) => Resume::After { position: position.clone(), last_heard: self.last_heard },
            None => otherwise,
        }
    }

    /// Appends messages in one write. Numbered ones that are recorded already are left out.
    ///
    /// # Errors
    /// [`HistoryError::Waiting`]: they are *taken* and wait in memory; [`Recorder::retry`] later.
    /// [`HistoryError::Backlog`]: they are *not taken*; hold them back, retry, and give them again.
    pub fn record(&mut self, messages: &[Message]) -> Result<(), HistoryError> {
        self.make_room()?;
        let now = Timestamp::now().as_millisecond();
        for message in messages {
            self.take(message, now);
        }
        self.retry()
    }

    /// Appends messages as [`Recorder::record`] does. Returns the bytes of the file that each takes up; `None` for one
    /// that was recorded before.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub fn record_spans(&mut self, messages: &[Message]) -> Result<Vec<Option<Range<u64>>>, HistoryError> {
        self.make_room()?;
        let now = Timestamp::now().as_millisecond();
        let end = |recorder: &Self| recorder.out.length() + recorder.out.waiting() as u64;
        let mut spans = Vec::with_capacity(messages.len());
        for message in messages {
            let start = end(self);
            self.take(message, now);
            spans.push(Some(start..end(self)).filter(|span| !span.is_empty()));
        }
        self.retry()?;
        Ok(spans)
    }

    /// The same for messages that came in one piece.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub fn record_lines(&mut self, lines: &PlainLines) -> Result<(), HistoryError> {
        self.make_room()?;
        // None of them has a number, so what holds for one of them holds for all.
        self.step_to(None);
        self.stamp.append_lines(self.out.buffer(), lines, Timestamp::now().as_millisecond());
        self.retry()
    }

    /// The same for a batch of events, in which messages and gaps stand in their order.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub fn record_events(&mut self, events: &[ListenerEvent]) -> Result<(), HistoryError> {
        self.make_room()?;
        let now = Timestamp::now().as_millisecond();
        for event in events {
            match event {
                ListenerEvent::Message(message) => self.take(message, now),
                ListenerEvent::Gap(gap) => self.step_over(gap),
                ListenerEvent::Joined(position) => self.begin_at(position),
                ListenerEvent::CaughtUp(_) | ListenerEvent::Closed(_) => {}
            }
        }
        self.retry()
    }

    /// Writes what waits. Ok when nothing waits.
    ///
    /// # Errors
    /// [`HistoryError::Waiting`]: it still waits.
    pub fn retry(&mut self) -> Result<(), HistoryError> {
        self.out.write().map_err(|source| self.waiting_error(source))?;
        if self.newest.is_some() && self.out.length() >= self.cursor_at + CURSOR_EVERY_BYTES {
            self.write_cursor();
        }
        Ok(())
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.out.waiting()
    }

    /// Takes note of a gap. The history shows nothing of it: its lines are messages. But after some gaps the numbers
    /// begin anew, so it has to be told in its place among the messages.
    ///
    /// # Errors
    /// As [`Recorder::retry`], which it does.
    pub fn gap(&mut self, gap: &Gap) -> Result<(), HistoryError> {
        self.step_over(gap);
        self.retry()
    }

    /// Takes note of the place at which a listener joined: where there is no place yet, the next run goes on from there,
    /// even when nothing was said.
    ///
    /// # Errors
    /// As [`Recorder::retry`], which it does.
    pub fn joined(&mut self, position: &Position) -> Result<(), HistoryError> {
        self.begin_at(position);
        self.retry()
    }

    /// Where the newest message that was taken stands, or where the listener joined if there was none yet; `None` when
    /// it had no number.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.newest.as_ref()
    }

    /// Length of the file as far as it is written.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.out.length()
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what waits, and the cursor. Dropping it does the same, and says nothing when it fails.
    ///
    /// # Errors
    /// [`HistoryError::Waiting`] when the rest cannot be written; it is lost then, unless it is numbered and the next
    /// run fetches it again.
    pub fn close(mut self) -> Result<(), HistoryError> {
        self.finish().map_err(|source| self.waiting_error(source))
    }

    fn make_room(&mut self) -> Result<(), HistoryError> {
        if self.out.waiting() > MAX_WAITING_BYTES {
            self.out.write().map_err(|source| self.backlog(source))?;
        }
        Ok(())
    }

    fn take(&mut self, message: &Message, now: i64) {
        if self.step_to(message.position.as_ref()) {
            self.stamp.append(self.out.buffer(), message, now);
        }
    }

    fn step_over(&mut self, gap: &Gap) {
        // A server whose log has lost its end gives the same numbers again, to other messages.
        self.anew |= gap.cause == GapCause::OtherStream;
    }

    fn begin_at(&mut self, joined: &Position) {
        if self.newest.is_none() {
            self.out.checkpoint(Some(joined.clone()));
            self.newest = Some(joined.clone());
        }
    }

    /// Makes `position` the newest; false when it was recorded before.
    fn step_to(&mut self, position: Option<&Position>) -> bool {
        let anew = std::mem::take(&mut self.anew);
        match (&mut self.newest, position) {
            (Some(newest), Some(next)) if newest.stream == next.stream && !anew => {
                if next.seq <= newest.seq {
                    return false;
                }
                if next.seq != newest.seq + 1 {
                    self.out.checkpoint(Some(before(next)));
                }
                newest.seq = next.seq;
            }
            (None, None) => {}
            (_, Some(next)) => {
                self.out.checkpoint(Some(before(next)));
                self.newest = Some(next.clone());
            }
            (Some(_), None) => {
                // Lines without numbers must not be counted as if they had some.
                self.out.checkpoint(None);
                self.newest = None;
            }
        }
        true
    }

    fn write_cursor(&mut self) {
        if let Err(error) = self.out.store_cursor(self.newest.clone(), true) {
            tracing::warn!(path = %self.out.cursor_path().display(), %error, "the cursor could not be written");
        }
        // Tried again when the file has grown by as much again.
        self.cursor_at = self.out.length();
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.write()?;
        if self.newest.is_some() && !self.finished {
            self.out.store_cursor(self.newest.clone(), false)?;
            self.finished = true;
        }
        Ok(())
    }

    fn waiting_error(&self, source: io::Error) -> HistoryError {
        HistoryError::Waiting { path: self.path.clone(), bytes: self.out.waiting(), source }
    }

    fn backlog(&self, source: io::Error) -> HistoryError {
        HistoryError::Backlog { path: self.path.clone(), bytes: self.out.waiting(), source }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::warn!(path = %self.path.display(), %error, "the history could not be finished");
        }
    }
}

fn before(next: &Position) -> Position {
    Position { stream: next.stream.clone(), seq: next.seq.saturating_sub(1) }
}

fn cursor_path(history: &Path) -> PathBuf {
    file::with_suffix(history, ".cursor")
}
