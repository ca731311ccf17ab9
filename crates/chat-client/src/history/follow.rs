//! Waits for a history file to grow, as `tail -F` does. It polls, because file notification differs between systems and
//! fails silently on network file systems.

use std::sync::Arc;
use std::time::Duration;

use super::HistoryError;
use super::format::HistoryLine;
use super::read::History;
use crate::blocking::unblock;

/// The polling interval: too short to be noticed by people, too long to cost processor time.
const INTERVAL: Duration = Duration::from_millis(200);

/// The largest number of lines in one batch.
const BATCH_LINES: usize = 1024;

/// The new lines of a history file as they are written; created by [`History::follow`].
#[derive(Debug)]
pub struct HistoryFollower {
    /// Shared with the thread that reads it. A dropped future leaves it here.
    history: Arc<History>,
    offset: u64,
    opened: bool,
}

impl History {
    /// Follows the file from the line start `offset`, with its own file handle.
    #[must_use]
    pub fn follow(&self, offset: u64) -> HistoryFollower {
        HistoryFollower { history: Arc::new(Self::unopened(self.path())), offset, opened: false }
    }
}

impl HistoryFollower {
    /// Waits for new complete lines and returns them; never empty. A file that was truncated or replaced by a shorter
    /// one is read from its beginning. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`HistoryError`] when the file can no longer be read.
    pub async fn next_batch(&mut self) -> Result<Vec<HistoryLine>, HistoryError> {
        loop {
            let (history, offset) = (Arc::clone(&self.history), self.offset);
            let mut lines = unblock(move || history.after(offset, BATCH_LINES)).await?;
            lines.pop_if(|last| !last.is_finished());
            if let Some(last) = lines.last() {
                self.offset = last.end();
                return Ok(lines);
            }
            if self.opened {
                tokio::time::sleep(INTERVAL).await;
            }
            // The file may have been created, truncated or replaced.
            let path = self.history.path().to_owned();
            let (history, length) = unblock(move || {
                let history = History::open(path)?;
                let length = history.len();
                Ok::<_, HistoryError>((history, length))
            })
            .await?;
            self.history = Arc::new(history);
            self.opened = true;
            if length < self.offset {
                self.offset = 0;
            }
        }
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
