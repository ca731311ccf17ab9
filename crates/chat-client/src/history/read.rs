//! Reads a history file from any offset in either direction, one block at a time, so that the cost depends on the
//! requested lines and not on the length of the file. Takes no lock.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use private_files::file;

use super::HistoryError;
use super::format::HistoryLine;
use crate::files::default_dir::OpenFileId;

/// Bytes per read: large enough that a search is bound by memory bandwidth, small enough for a cold start.
const BLOCK_BYTES: u64 = 256 * 1024;

/// Bytes per read when only a few lines are requested.
const SMALL_BLOCK_BYTES: u64 = 32 * 1024;

/// A longer line is read in pieces, so that a file without line feeds cannot exhaust memory. Lines that this crate
/// writes stay below 64 KiB.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// A history file opened for reading. Any number of readers can be open while another process writes. Its methods block.
/// A clone reads the same open file.
///
/// ```
/// use chat_client::{History, history};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("history.txt");
/// std::fs::write(&path, "[14.01.26 17:07] Ann: hello\n[14.01.26 17:08] Bob: two\u{240a}lines\n")?;
/// let history = History::open(&path)?;
/// let newest = history.tail(1)?;
/// assert_eq!((newest[0].sender(), &*newest[0].text()), (Some("Bob"), "two\nlines"));
/// let older = history.find_before(newest[0].offset(), &mut history::needle("hello"))?;
/// assert_eq!(older.ok_or("found")?.sender(), Some("Ann"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct History {
    path: PathBuf,
    file: Option<Arc<File>>,
}

/// A range of whole lines and its offset.
pub(super) struct Block {
    pub(super) start: u64,
    pub(super) bytes: Bytes,
}

impl History {
    /// Opens a history. A missing file counts as an empty history.
    ///
    /// # Errors
    /// [`HistoryError::Open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, HistoryError> {
        let path = path.as_ref().to_owned();
        match file::open_regular(&path) {
            Ok(file) => Ok(Self { path, file: Some(Arc::new(file)) }),
            Err(error) if file::is_missing(&error) => Ok(Self { path, file: None }),
            Err(source) => Err(HistoryError::Open { path, source }),
        }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the current length in bytes; the file may grow while it is read.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |found| found.len())
    }

    /// Returns whether the file is empty at present.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the last `count` lines, oldest first.
    ///
    /// # Errors
    /// [`HistoryError::Read`].
    pub fn tail(&self, count: usize) -> Result<Vec<HistoryLine>, HistoryError> {
        self.before(u64::MAX, count)
    }

    /// Returns the last `count` lines that end at or before `offset`, oldest first. The offset of the oldest known line
    /// gives the page before it.
    ///
    /// # Errors
    /// [`HistoryError::Read`].
    pub fn before(&self, offset: u64, count: usize) -> Result<Vec<HistoryLine>, HistoryError> {
        let mut end = offset.min(self.len());
        let mut lines = Vec::new();
        while end > 0 && lines.len() < count {
            let block = self.block_before(end, SMALL_BLOCK_BYTES)?;
            let mut rest = block.bytes.len();
            // Casts from `usize` to `u64` lose nothing here and below: `usize` has at most 64 bits.
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

    /// Returns up to `count` lines from the line start `offset`, in order, including an incomplete last line.
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

    /// Reads whole lines that end at `end`, about `size` bytes in total.
    pub(super) fn block_before(&self, end: u64, size: u64) -> Result<Block, HistoryError> {
        let mut size = size;
        loop {
            // One byte more than the block shows whether the block begins with a line.
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

    /// Reads whole lines from `start`, about `size` bytes in total; empty at the end of the file.
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

    /// Returns whether there was no file when the history was opened.
    pub(super) fn is_missing(&self) -> bool {
        self.file.is_none()
    }

    /// Returns whether both have the same file open.
    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        match (&self.file, &other.file) {
            // A file whose identity is unknown counts as the same: the open one is kept.
            (Some(one), Some(other)) => match (OpenFileId::of(one), OpenFileId::of(other)) {
                (Ok(one), Ok(other)) => one == other,
                _ => true,
            },
            (one, other) => one.is_none() && other.is_none(),
        }
    }

    /// Returns the bytes before `offset`, at most `count` of them.
    pub(super) fn range_before(&self, offset: u64, count: u64) -> Result<Bytes, HistoryError> {
        let count = count.min(offset);
        self.read(offset - count, count)
    }
}

/// Reads a range of a file, or as much of it as exists.
pub(super) fn read_range(file: &File, offset: u64, length: u64) -> io::Result<Bytes> {
    // A block has at most `MAX_LINE_BYTES` times four, so it fits into 32 bits too.
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
    fn a_missing_file_is_empty() {
        let history = History::open("/nonexistent/history.txt").unwrap();
        assert!(history.is_empty());
        assert_eq!(history.tail(3).unwrap(), []);
    }

    #[cfg(unix)]
    #[test]
    fn refuses_a_pipe_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(matches!(History::open(&path), Err(HistoryError::Open { .. })));
    }

    #[test]
    fn reads_very_long_lines_in_pieces() {
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
        fn pages_contain_all_lines_either_way(
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
