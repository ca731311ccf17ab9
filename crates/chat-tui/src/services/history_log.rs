//! The history across its files: while the program runs, the file may be renamed, removed or truncated, as by logrotate,
//! and begun again. Positions count on from one file to the next, so that a position means one line for the whole run,
//! and the lines of earlier files stay readable.

use std::path::PathBuf;
use std::sync::Arc;

use chat_client::{History, HistoryError, HistoryLine};

use super::translate;
use crate::file_identity::{self, FileIdentity};
use crate::timeline::{FileSpan, PageLine};

/// How many files are kept open. Earlier ones are forgotten, as a history that ends there.
const MAX_FILES: usize = 8;

/// The files of this run, oldest first.
#[derive(Debug)]
pub(super) struct HistoryLog {
    path: PathBuf,
    files: Vec<HistoryPart>,
}

/// One file, and the range of positions that it holds.
#[derive(Debug, Clone)]
struct HistoryPart {
    /// The position of its first byte.
    start: u64,
    /// Its length when it was last looked at; of an earlier file its last length.
    length: u64,
    identity: Option<FileIdentity>,
    /// Open, so that it can be read after it was removed, and its identity is not given to another file.
    history: Arc<History>,
}

/// The files at one time, for reading without a lock.
#[derive(Debug, Clone)]
pub(super) struct HistoryView {
    files: Vec<HistoryPart>,
}

impl HistoryLog {
    /// Creates the log of the history at `path`. No file is opened yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, files: Vec::new() }
    }

    /// Looks at the file at the path, and continues with it if it is another one or was truncated. Returns the position
    /// of its end.
    ///
    /// # Errors
    /// [`HistoryError::Open`].
    pub(super) fn follow(&mut self) -> Result<u64, HistoryError> {
        let identity = file_identity::of(&self.path);
        let next = match self.files.last_mut() {
            // It was moved, and nothing was written since.
            Some(last) if identity.is_none() && !self.path.exists() => {
                last.length = last.length.max(last.history.len());
                return Ok(last.start + last.length);
            }
            Some(last) if last.identity == identity => {
                let (seen, length) = (last.length, last.history.len());
                last.length = length;
                if length >= seen {
                    return Ok(last.start + length);
                }
                // Truncated: its lines are gone, and what is in it now comes after them.
                let next = HistoryPart { start: last.start + seen, length, identity, history: last.history.clone() };
                self.files.pop();
                next
            }
            last => {
                let start = last.map_or(0, |last| {
                    last.length = last.length.max(last.history.len());
                    last.start + last.length
                });
                let history = Arc::new(History::open(&self.path)?);
                HistoryPart { start, length: history.len(), identity, history }
            }
        };
        if self.files.len() == MAX_FILES {
            self.files.remove(0);
        }
        let end = next.start + next.length;
        self.files.push(next);
        Ok(end)
    }

    /// Returns the files as they are now.
    ///
    /// # Errors
    /// As [`HistoryLog::follow`].
    pub(super) fn view(&mut self) -> Result<HistoryView, HistoryError> {
        self.follow()?;
        Ok(HistoryView { files: self.files.clone() })
    }

    /// Returns a position as an offset in the current file; 0 for one in an earlier file.
    pub(super) fn offset_in_file(&self, position: u64) -> u64 {
        position.saturating_sub(self.files.last().map_or(0, |last| last.start))
    }
}

impl HistoryView {
    /// Returns the position of the first line.
    pub(super) fn start(&self) -> u64 {
        self.files.first().map_or(0, |first| first.start)
    }

    /// Returns the position of the end.
    pub(super) fn end(&self) -> u64 {
        self.files.last().map_or(0, |last| last.start + last.length)
    }

    /// Returns the last `count` lines that end at or before `position`, oldest first.
    ///
    /// # Errors
    /// [`HistoryError::Read`].
    pub(super) fn before(&self, position: u64, count: usize) -> Result<Vec<PageLine>, HistoryError> {
        let mut pages = Vec::new();
        let mut wanted = count;
        for file in self.files.iter().rev().filter(|file| file.start < position) {
            let lines = file.history.before(file.offset(position), wanted)?;
            wanted -= lines.len();
            pages.push(file.page(&lines));
            if wanted == 0 {
                break;
            }
        }
        Ok(pages.into_iter().rev().flatten().collect())
    }

    /// Returns up to `count` lines from `position`, in order.
    ///
    /// # Errors
    /// [`HistoryError::Read`].
    pub(super) fn after(&self, position: u64, count: usize) -> Result<Vec<PageLine>, HistoryError> {
        let mut lines = Vec::new();
        for file in &self.files {
            if lines.len() < count {
                let found = file.history.after(file.offset(position), count - lines.len())?;
                lines.extend(file.page(&found));
            }
        }
        Ok(lines)
    }

    /// Returns the nearest line before `position` with a match, as [`History::find_before`] does.
    ///
    /// # Errors
    /// [`HistoryError::Read`].
    pub(super) fn find_before(
        &self,
        position: u64,
        finder: &mut dyn FnMut(&[u8]) -> Option<usize>,
    ) -> Result<Option<PageLine>, HistoryError> {
        for file in self.files.iter().rev().filter(|file| file.start < position) {
            if let Some(line) = file.history.find_before(file.offset(position), finder)? {
                return Ok(file.page(&[line]).pop());
            }
        }
        Ok(None)
    }
}

impl HistoryPart {
    /// Returns the offset of a position in this file, at most its length.
    fn offset(&self, position: u64) -> u64 {
        position.saturating_sub(self.start).min(self.length)
    }

    fn page(&self, lines: &[HistoryLine]) -> Vec<PageLine> {
        let moved = |mark: FileSpan| FileSpan { start: self.start + mark.start, end: self.start + mark.end };
        lines.iter().map(translate::line).map(|line| PageLine { mark: moved(line.mark), ..line }).collect()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    fn texts(lines: &[PageLine]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    fn log(lines: &str) -> (tempfile::TempDir, PathBuf, HistoryLog) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.txt");
        fs::write(&path, lines).unwrap();
        let log = HistoryLog::new(path.clone());
        (dir, path, log)
    }

    #[test]
    fn positions_count_on_in_a_new_file() {
        for remove in [false, true] {
            let (dir, path, mut log) = log("a\nb\n");
            assert_eq!(log.follow().unwrap(), 4);
            if remove {
                fs::remove_file(&path).unwrap();
            } else {
                fs::rename(&path, dir.path().join("h.1")).unwrap();
            }
            assert_eq!(log.follow().unwrap(), 4, "nothing is written yet");
            fs::write(&path, "c\n").unwrap();
            assert_eq!(log.follow().unwrap(), 6);
            let view = log.view().unwrap();
            assert_eq!((view.start(), view.end()), (0, 6));
            let all = view.before(6, 9).unwrap();
            assert_eq!(texts(&all), ["a", "b", "c"]);
            assert_eq!(all.iter().map(|line| line.mark.end).collect::<Vec<_>>(), [2, 4, 6]);
            assert_eq!(texts(&view.before(4, 1).unwrap()), ["b"]);
            assert_eq!(texts(&view.after(2, 9).unwrap()), ["b", "c"]);
            assert_eq!(texts(&view.after(4, 9).unwrap()), ["c"]);
            let find = |text: &'static str| move |block: &[u8]| block.windows(1).position(|at| at == text.as_bytes());
            assert_eq!(view.find_before(6, &mut find("a")).unwrap().unwrap().mark, FileSpan { start: 0, end: 2 });
            assert_eq!(view.find_before(2, &mut find("b")).unwrap(), None);
            assert_eq!((log.offset_in_file(5), log.offset_in_file(3)), (1, 0));
        }
    }

    #[test]
    fn truncated_lines_are_gone() {
        let (_dir, path, mut log) = log("a\nb\n");
        log.follow().unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(log.follow().unwrap(), 4);
        fs::write(&path, "c\n").unwrap();
        let view = log.view().unwrap();
        assert_eq!((view.start(), view.end()), (4, 6));
        assert_eq!(texts(&view.before(6, 9).unwrap()), ["c"]);
        assert_eq!(texts(&view.after(0, 9).unwrap()), ["c"]);
        assert_eq!(view.before(3, 9).unwrap(), []);
    }

    #[test]
    fn keeps_a_bounded_number_of_files() {
        let (_dir, path, mut log) = log("0\n");
        for number in 1..=2 * MAX_FILES {
            log.follow().unwrap();
            fs::remove_file(&path).unwrap();
            fs::write(&path, format!("{}\n", number % 10)).unwrap();
        }
        let view = log.view().unwrap();
        assert_eq!(view.before(u64::MAX, 99).unwrap().len(), MAX_FILES);
        assert_eq!(view.end(), 4 * MAX_FILES as u64 + 2);
    }

    #[test]
    fn a_missing_file_is_empty() {
        let (_dir, path, mut log) = log("");
        fs::remove_file(&path).unwrap();
        assert_eq!(log.follow().unwrap(), 0);
        assert_eq!(log.view().unwrap().before(u64::MAX, 9).unwrap(), []);
        fs::write(&path, "a\n").unwrap();
        assert_eq!(log.follow().unwrap(), 2);
    }
}
