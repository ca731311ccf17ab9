//! Appends bytes to a file so that a full disk loses nothing: what could not be written waits, in order, together
//! with the cursor records that have to be stored between them. It does not know what the bytes mean.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chat_proto::Position;

use crate::cursor::{self, Record};

/// A file that only grows, and its cursor.
#[derive(Debug)]
pub(super) struct Appender {
    file: File,
    cursor_path: PathBuf,
    /// Bytes in the file.
    length: u64,
    /// What is to be written next; the first `written` bytes of it are in the file.
    waiting: Vec<u8>,
    written: usize,
    /// Before the file grows beyond the length, the cursor has to say this.
    checkpoints: VecDeque<(u64, Option<Position>)>,
}

impl Appender {
    pub(super) fn new(file: File, cursor_path: PathBuf, length: u64) -> Self {
        Self { file, cursor_path, length, waiting: Vec::new(), written: 0, checkpoints: VecDeque::new() }
    }

    /// Bytes in the file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Bytes that are not in it yet.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len() - self.written
    }

    /// The buffer to add to; what is added goes out with the next [`Appender::write`].
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.waiting
    }

    /// Demands that the cursor says `position` before anything that is added from now on is written.
    pub(super) fn checkpoint(&mut self, position: Option<Position>) {
        self.checkpoints.push_back((self.length + self.waiting() as u64, position));
    }

    /// Writes what waits. After an error the rest still waits.
    pub(super) fn write(&mut self) -> io::Result<()> {
        loop {
            let room = match self.checkpoints.front() {
                Some((at, position)) if *at == self.length => {
                    let position = position.clone();
                    self.store_cursor(position)?;
                    self.checkpoints.pop_front();
                    continue;
                }
                Some((at, _)) => (at - self.length) as usize,
                None => self.waiting(),
            };
            if room == 0 {
                break;
            }
            match self.file.write(&self.waiting[self.written..self.written + room]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.written += count;
                    self.length += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.waiting.clear();
        self.written = 0;
        // One burst is no reason to keep its buffer for good.
        self.waiting.shrink_to(KEPT_BUFFER_BYTES);
        Ok(())
    }

    /// Stores the place of the newest line in the file, or that there is none.
    ///
    /// The file is fsynced first: a cursor must never count a line that a power failure could take back.
    pub(super) fn store_cursor(&mut self, position: Option<Position>) -> io::Result<()> {
        if position.is_some() {
            self.file.sync_data()?;
        }
        // Somebody may have cut or extended the file meanwhile; the record is of the file as it is.
        self.length_is(self.file.metadata()?.len());
        let record = position.map(|position| Record { position, length: self.length });
        cursor::store(&self.cursor_path, record.as_ref())
    }

    pub(super) fn cursor_path(&self) -> &Path {
        &self.cursor_path
    }

    fn length_is(&mut self, now: u64) {
        for (at, _) in &mut self.checkpoints {
            *at = *at - self.length + now;
        }
        self.length = now;
    }
}

const KEPT_BUFFER_BYTES: usize = 1024 * 1024;
