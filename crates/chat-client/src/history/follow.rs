//! Waits for a history file to grow, as `tail -F` does. It polls, because file notification differs between systems and
//! fails silently on network file systems.

use std::time::Duration;

use bytes::Bytes;

use super::HistoryError;
use super::format::HistoryLine;
use super::read::History;
use crate::blocking::unblock;

/// The polling interval: too short to be noticed by people, too long to cost processor time.
const INTERVAL: Duration = Duration::from_millis(200);

/// The largest number of lines in one batch.
const BATCH_LINES: usize = 1024;

/// How many bytes before the offset are compared at each poll: more than the stamps and names of two lines, which many
/// lines share.
const ANCHOR_BYTES: u64 = 256;

/// The new lines of a history file as they are written; created by [`History::follow`].
#[derive(Debug)]
pub struct HistoryFollower {
    place: FollowPlace,
}

/// How far a history was followed.
#[derive(Clone, Debug)]
struct FollowPlace {
    /// The open file. It keeps its lines when another file takes its path.
    history: History,
    offset: u64,
    /// The bytes before the offset; `None` until they are read. They differ in a file that was truncated and written
    /// again, which has the same inode and may be longer than before.
    anchor: Option<Bytes>,
    /// The file that has taken the path. It is read after the open one has been read to its end.
    successor: Option<History>,
}

impl History {
    /// Follows the file from the line start `offset`.
    #[must_use]
    pub fn follow(&self, offset: u64) -> HistoryFollower {
        HistoryFollower { place: FollowPlace::new(self.clone(), offset) }
    }
}

impl HistoryFollower {
    /// Waits for new complete lines and returns them; never empty.
    ///
    /// A file that was renamed, removed or replaced is read to its end, with an incomplete last line, and then the file
    /// that has its path now from its beginning. A file that was truncated or written again is read from its beginning.
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`HistoryError`] when the file can no longer be read.
    pub async fn next_batch(&mut self) -> Result<Vec<HistoryLine>, HistoryError> {
        loop {
            // A copy, so that a dropped future does not leave the place behind lines that it has not returned.
            let mut place = self.place.clone();
            let (place, lines) = unblock(move || {
                let lines = place.advance();
                (place, lines)
            })
            .await;
            self.place = place;
            let lines = lines?;
            if !lines.is_empty() {
                return Ok(lines);
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

impl FollowPlace {
    fn new(history: History, offset: u64) -> Self {
        Self { history, offset, anchor: None, successor: None }
    }

    /// Returns the next lines, and steps over them. Without new lines it looks for a file that has taken the path.
    fn advance(&mut self) -> Result<Vec<HistoryLine>, HistoryError> {
        loop {
            let lines = self.read()?;
            if !lines.is_empty() {
                return Ok(lines);
            }
            // A successor was found one interval ago or earlier. A process that had the old file open has finished its
            // write by then, so an empty read is the end.
            if let Some(successor) = self.successor.take() {
                *self = Self::new(successor, 0);
                continue;
            }
            let found = History::open(self.history.path())?;
            if found.is_missing() || found.is_same_file(&self.history) {
                return Ok(lines);
            }
            if self.history.is_missing() {
                *self = Self::new(found, self.offset);
                continue;
            }
            self.successor = Some(found);
            return Ok(lines);
        }
    }

    fn read(&mut self) -> Result<Vec<HistoryLine>, HistoryError> {
        if let Some(anchor) = &self.anchor {
            if self.history.range_before(self.offset, ANCHOR_BYTES)? != *anchor {
                (self.offset, self.anchor) = (0, None);
            }
        } else if self.history.len() < self.offset {
            self.offset = 0;
        }
        let mut lines = self.history.after(self.offset, BATCH_LINES)?;
        if self.successor.is_none() {
            lines.pop_if(|last| !last.is_finished());
        }
        self.offset = lines.last().map_or(self.offset, HistoryLine::end);
        if self.anchor.is_none() || !lines.is_empty() {
            self.anchor = Some(self.history.range_before(self.offset, ANCHOR_BYTES)?);
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn yields_complete_lines_of_any_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h");
        let mut follower = History::open(&path).unwrap().follow(0);
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(b"one\ntw").unwrap();
        let raw = |lines: Vec<HistoryLine>| lines.iter().map(|line| line.raw().to_owned()).collect::<Vec<_>>();
        assert_eq!(raw(follower.next_batch().await.unwrap()), ["one"]);
        assert!(tokio::time::timeout(Duration::from_secs(5), follower.next_batch()).await.is_err());
        file.write_all(b"o\nthree\n").unwrap();
        assert_eq!(raw(follower.next_batch().await.unwrap()), ["two", "three"]);
        std::fs::write(&path, "new\n").unwrap();
        assert_eq!(raw(follower.next_batch().await.unwrap()), ["new"]);
    }
}
