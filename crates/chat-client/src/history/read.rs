//! Reads a history file from any place in either direction, a block at a time: a million lines cost no more than the
//! ones that are asked for. It takes no lock and writes nothing.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use private_files::file;

use super::HistoryError;
use super::format::HistoryLine;

/// How much is read at once: large enough that a search is bound by memory, small enough for a cold start.
const BLOCK_BYTES: u64 = 256 * 1024;

/// How much is read at once for a few lines.
const SMALL_BLOCK_BYTES: u64 = 32 * 1024;

/// A line longer than this is taken in pieces, so that a file without line feeds cannot fill the memory. Our own
/// lines stay below 64 KiB.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// A history file, for reading. Any number of them may be open while somebody writes.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    file: Option<File>,
}

/// A stretch of whole lines and where it starts.
pub(super) struct Block {
    pub(super) start: u64,
    pub(super) bytes: Bytes,
}

impl History {
    /// Opens a history. A file that is not there is an empty history.
    ///
    /// # Errors
    /// [`HistoryError::Open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, HistoryError> {
        let path = path.as_ref().to_owned();
        match file::open_regular(&path) {
            Ok(file) => Ok(Self { path, file: Some(file) }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self { path, file: None }),
            Err(source) => Err(HistoryError::Open { path, source }),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes the file has now; it may grow while it is read.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |found| found.len())
    }

    /// Whether there is nothing in it now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last `count` lines, oldest first.
    ///
    /// # Errors
    /// [`HistoryError::Read`].
    pub fn tail(&self, count: usize) -> Result<Vec<HistoryLine>, HistoryError> {
        self.before(u64::MAX, count)
    }

    /// The last `count` lines that end at or before `offset`, oldest first. With the offset of the oldest line that
    /// is known it reads the page before it.
    ///
    /// # Errors
    /// [`HistoryError::Read`].
    pub fn before(&self, offset: u64, count: usize) -> Result<Vec<HistoryLine>, HistoryError> {
        let mut end = offset.min(self.len());
        let mut lines = Vec::new();
        while end > 0 && lines.len() < count {
            let block = self.block_before(end, SMALL_BLOCK_BYTES)?;
            let mut rest = block.bytes.len();
            while rest > 0 && lines.len() < count {
                let start = memchr::memrchr(b'\n', &block.bytes[..rest - 1]).map_or(0, |feed| feed + 1);
                lines.push(HistoryLine::new(block.start + start as u64, block.bytes.slice(start..rest)));
                rest = start;
            }
            end = block.start;
        }
        lines.reverse();
        Ok(lines)
    }

    /// Up to `count` lines from the line start `offset` on, in order. An unfinished last line is one of them.
    ///
    /// # Errors
    /// [`HistoryError::Read`].
    pub fn after(&self, offset: u64, count: usize) -> Result<Vec<HistoryLine>, HistoryError> {
        let mut start = offset;
        let mut lines = Vec::new();
        while lines.len() < count {
            let block = self.block_after(start, BLOCK_BYTES.min(SMALL_BLOCK_BYTES.max(count as u64 * 128)))?;
            if block.bytes.is_empty() {
                break;
            }
            let mut place = 0;
            while place < block.bytes.len() && lines.len() < count {
                let end =
                    memchr::memchr(b'\n', &block.bytes[place..]).map_or(block.bytes.len(), |feed| place + feed + 1);
                lines.push(HistoryLine::new(block.start + place as u64, block.bytes.slice(place..end)));
                place = end;
            }
            start = block.start + place as u64;
        }
        Ok(lines)
    }

    /// Whole lines that end at `end`, about `size` bytes of them.
    pub(super) fn block_before(&self, end: u64, size: u64) -> Result<Block, HistoryError> {
        let mut size = size;
        loop {
            // One byte more than the block, to see whether the block begins with a line.
            let from = end.saturating_sub(size + 1);
            let bytes = self.read(from, end - from)?;
            if from == 0 {
                return Ok(Block { start: 0, bytes });
            }
            let without_last = bytes.len().saturating_sub(1);
            match memchr::memchr(b'\n', &bytes[..without_last]) {
                Some(feed) => return Ok(Block { start: from + feed as u64 + 1, bytes: bytes.slice(feed + 1..) }),
                None if size >= MAX_LINE_BYTES => return Ok(Block { start: from, bytes }),
                None => size *= 4,
            }
        }
    }

    /// Whole lines from `start` on, about `size` bytes of them; empty at the end.
    pub(super) fn block_after(&self, start: u64, size: u64) -> Result<Block, HistoryError> {
        let mut size = size;
        loop {
            let bytes = self.read(start, size)?;
            if (bytes.len() as u64) < size {
                return Ok(Block { start, bytes });
            }
            match memchr::memrchr(b'\n', &bytes) {
                Some(feed) => return Ok(Block { start, bytes: bytes.slice(..=feed) }),
                None if size >= MAX_LINE_BYTES => return Ok(Block { start, bytes }),
                None => size *= 4,
            }
        }
    }

    pub(super) fn search_block() -> u64 {
        BLOCK_BYTES
    }

    fn read(&self, offset: u64, length: u64) -> Result<Bytes, HistoryError> {
        let Some(file) = &self.file else { return Ok(Bytes::new()) };
        read_range(file, offset, length).map_err(|source| HistoryError::Read { path: self.path.clone(), source })
    }

    /// A history that is not opened yet: empty.
    pub(super) fn unopened(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None }
    }

    /// Looks at the file under its name again: it may have been created, cut or replaced meanwhile.
    pub(super) fn reopen(&mut self) -> Result<(), HistoryError> {
        *self = Self::open(&self.path)?;
        Ok(())
    }
}

/// Reads a stretch of a file, or what there is of it.
pub(super) fn read_range(file: &File, offset: u64, length: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; length as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        match read_at(file, &mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes.into())
}

#[cfg(unix)]
fn read_at(file: &File, room: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, room, offset)
}

#[cfg(windows)]
fn read_at(file: &File, room: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, room, offset)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(lines: &[HistoryLine]) -> Vec<&str> {
        lines.iter().map(HistoryLine::raw).collect()
    }

    #[test]
    fn a_missing_file_is_an_empty_history() {
        let history = History::open("/nonexistent/history.txt").unwrap();
        assert!(history.is_empty());
        assert_eq!(history.tail(3).unwrap(), []);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_an_error_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(matches!(History::open(&path), Err(HistoryError::Open { .. })));
    }

    #[test]
    fn a_file_without_line_feeds_is_read_in_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h");
        std::fs::write(&path, vec![b'x'; 3 * MAX_LINE_BYTES as usize]).unwrap();
        let history = History::open(&path).unwrap();
        let last = history.tail(1).unwrap();
        assert!(last[0].raw().len() <= 4 * MAX_LINE_BYTES as usize);
        let mut offset = 0;
        while let Some(line) = history.after(offset, 1).unwrap().pop() {
            assert!(line.end() > offset);
            offset = line.end();
        }
        assert_eq!(offset, history.len());
    }

    proptest! {
        #[test]
        fn pages_in_both_directions_are_the_lines_of_the_file(
            lengths in prop::collection::vec(prop_oneof![4 => 0usize..80, 1 => 30_000usize..70_000], 0..40),
            page in 1usize..9,
            feed_at_end in any::<bool>(),
        ) {
            let mut content = lengths.iter().enumerate().map(|(i, &n)| format!("{i}{}\n", "x".repeat(n))).collect::<String>();
            if !feed_at_end { content.pop(); }
            let expected: Vec<&str> = content.lines().collect();
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("h");
            std::fs::write(&path, &content).unwrap();
            let history = History::open(&path).unwrap();

            let mut backwards: Vec<HistoryLine> = Vec::new();
            let mut offset = u64::MAX;
            loop {
                let lines = history.before(offset, page).unwrap();
                let Some(first) = lines.first() else { break };
                offset = first.offset();
                backwards.splice(0..0, lines);
            }
            prop_assert_eq!(raw(&backwards), expected.clone());

            let mut forwards: Vec<HistoryLine> = Vec::new();
            loop {
                let lines = history.after(forwards.last().map_or(0, HistoryLine::end), page).unwrap();
                if lines.is_empty() { break }
                forwards.extend(lines);
            }
            prop_assert_eq!(raw(&forwards), expected);
            prop_assert_eq!(forwards, backwards);
        }
    }
}
