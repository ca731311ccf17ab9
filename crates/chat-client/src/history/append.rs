//! Appends bytes to a file without losing any on a full disk: bytes that could not be written wait, in order, together
//! with the cursor records that belong between them.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chat_proto::Position;

use crate::listener::cursor::{self, CursorRecord};

/// The file operations, as a trait so that a test can provide a full disk.
pub(super) trait Disk {
    /// Appends some of the bytes and returns their number.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Waits until the appended bytes survive a power failure.
    fn sync(&mut self) -> io::Result<()>;
    /// Returns the length of the file in bytes.
    fn length(&self) -> io::Result<u64>;
}

impl Disk for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|found| found.len())
    }
}

/// An append-only file with its cursor.
#[derive(Debug)]
pub(super) struct Appender<D = File> {
    file: D,
    cursor_path: PathBuf,
    /// Length of the file in bytes, as far as it is known.
    length: u64,
    /// The bytes to write next; the first `written` of them are in the file.
    waiting: Vec<u8>,
    written: usize,
    /// Cursor records to store: each before the file grows beyond the length next to it.
    checkpoints: VecDeque<(u64, Option<Position>)>,
}

impl<D: Disk> Appender<D> {
    pub(super) fn new(file: D, cursor_path: PathBuf, length: u64) -> Self {
        Self { file, cursor_path, length, waiting: Vec::new(), written: 0, checkpoints: VecDeque::new() }
    }

    /// Continues in another file of this length. What waits goes there, from the start of the line that is being
    /// written.
    pub(super) fn continue_in(&mut self, file: D, length: u64) {
        // Casts from `usize` to `u64` lose nothing here and below: `usize` has at most 64 bits.
        let begun = self.waiting[..self.written].iter().rposition(|&byte| byte == b'\n').map_or(0, |feed| feed + 1);
        self.length -= (self.written - begun) as u64;
        self.written = begun;
        self.file = file;
        self.length_is(length);
    }

    /// The open file.
    pub(super) fn file(&self) -> &D {
        &self.file
    }

    /// Returns the length of the file in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Returns the number of bytes that are not yet in the file.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len() - self.written
    }

    /// Returns the buffer to append to; its content is written by the next [`Appender::write`].
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.waiting
    }

    /// Requires that the cursor contains `position` before anything else is written.
    pub(super) fn checkpoint_now(&mut self, position: Option<Position>) {
        self.checkpoints.push_front((self.length, position));
    }

    /// The position of the line before the first that waits, if the newest one is `newest`; `None` when it is unknown.
    pub(super) fn written_position(&self, newest: Option<&Position>) -> Option<Position> {
        let newest = newest?;
        let waiting = &self.waiting[self.written..];
        let lines = waiting.iter().filter(|&&byte| byte == b'\n').count() as u64;
        // With a checkpoint between them the numbers do not count down to the first.
        (lines == 0 || self.checkpoints.is_empty())
            .then(|| Position { seq: newest.seq.saturating_sub(lines), ..newest.clone() })
    }

    /// Requires that the cursor contains `position` before any byte that is added later is written.
    pub(super) fn checkpoint(&mut self, position: Option<Position>) {
        self.checkpoints.push_back((self.length + self.waiting() as u64, position));
    }

    /// Writes the waiting bytes. After an error the rest keeps waiting.
    pub(super) fn write(&mut self) -> io::Result<()> {
        loop {
            let room = match self.checkpoints.front() {
                Some((at, position)) if *at == self.length => {
                    let position = position.clone();
                    self.store_cursor(position, true)?;
                    self.checkpoints.pop_front();
                    continue;
                }
                // A checkpoint lies within the waiting bytes, whose number is a `usize`.
                Some((at, _)) => (at - self.length) as usize,
                None => self.waiting(),
            };
            if room == 0 {
                break;
            }
            match self.file.append(&self.waiting[self.written..self.written + room]) {
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
        // Do not keep the memory of one burst forever.
        self.waiting.shrink_to(KEPT_BUFFER_BYTES);
        Ok(())
    }

    /// Stores the position of the newest line in the file, or that there is none; `open` records that more of our lines
    /// may follow.
    ///
    /// The file is synced first: a cursor must never count a line that a power failure could remove.
    pub(super) fn store_cursor(&mut self, position: Option<Position>, open: bool) -> io::Result<()> {
        if position.is_some() {
            self.file.sync()?;
        }
        // Another program may have truncated or extended the file; the record describes the file as it is.
        self.length_is(self.file.length()?);
        let record = position.map(|position| CursorRecord { position, length: self.length, open });
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

#[cfg(test)]
mod tests {
    use chat_proto::StreamId;

    use super::*;

    /// Accepts a limited number of bytes.
    #[derive(Default)]
    struct FullDisk {
        content: Vec<u8>,
        room: usize,
    }

    impl Disk for FullDisk {
        fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room -= count;
            self.content.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn length(&self) -> io::Result<u64> {
            Ok(self.content.len() as u64)
        }
    }

    fn position(seq: u64) -> Option<Position> {
        Some(Position { stream: StreamId::new("k3f9").unwrap(), seq })
    }

    #[test]
    fn a_full_disk_loses_nothing() {
        for room in 0..24 {
            let dir = tempfile::tempdir().unwrap();
            let cursor = dir.path().join("c");
            let mut out = Appender::new(FullDisk { room, ..FullDisk::default() }, cursor.clone(), 0);
            out.checkpoint(position(0));
            out.buffer().extend_from_slice(b"one\ntwo\n");
            let _ = out.write();
            out.checkpoint(position(8));
            out.buffer().extend_from_slice(b"nine\n");
            let _ = out.write();
            out.buffer().extend_from_slice(b"ten\n");
            assert_eq!(out.write().is_ok(), room >= 17);
            assert_eq!(out.waiting(), 17_usize.saturating_sub(room));
            let record = cursor::load(&cursor, &mut Vec::new()).unwrap().unwrap();
            let expected = if room < 8 { (0, 0) } else { (8, 8) };
            assert_eq!((record.position.seq, record.length), expected, "room for {room}");
            out.file.room = 100;
            out.write().unwrap();
            assert_eq!(out.file.content, b"one\ntwo\nnine\nten\n");
            assert_eq!((out.waiting(), out.length()), (0, 17));
        }
    }
}
