//! Space behind the end of the write-ahead log. A commit that makes a file longer also waits for the journal of the file
//! system; one that overwrites what is there does not.

use std::fs::OpenOptions;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

/// How much is added at once: 15 commits of one message. More costs one commit milliseconds, and gains nothing.
const STEP: usize = 64 * 1024;

/// A log of this length is moved into the store and begun again, so it needs no more space. As many pages as in
/// `wal_autocheckpoint`.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Keeps zeros behind the end of the log, which SQLite takes for frames of another log.
#[derive(Debug)]
pub(super) struct LogSpace {
    path: PathBuf,
    /// The length of the file after it was last extended. `None` once that has failed: the rest of the disk is for
    /// messages.
    extended: Option<u64>,
}

impl LogSpace {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, extended: Some(0) }
    }

    /// Extends the log if the last commit has reached its end; `length` is what it was before the transaction. Only
    /// within a writing transaction: otherwise another process could write its frames where the zeros go.
    ///
    /// A failure costs speed only, so it is not reported.
    pub(super) fn extend(&mut self, length: u64) {
        if self.extended.is_some_and(|extended| extended != length) && (1..LONGEST).contains(&length) {
            self.extended = self.try_extend().ok();
        }
    }

    fn try_extend(&self) -> io::Result<u64> {
        // Closing it drops no lock: SQLite has none on this file.
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        let end = file.seek(SeekFrom::End(0))?;
        if let Err(error) = file.write_all(&vec![0; STEP]) {
            file.set_len(end)?;
            return Err(error);
        }
        file.stream_position()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use chat_proto::{Nickname, Text};

    use super::*;
    use crate::entry::{Author, Draft};
    use crate::journal::{Journal as _, ReadLimit, SqliteJournal};

    #[test]
    fn is_added_when_a_commit_has_reached_the_end() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("log");
        let length = || fs::metadata(&path).unwrap().len();
        fs::write(&path, "frames").unwrap();
        let mut space = LogSpace::new(path.clone());
        space.extend(0);
        assert_eq!(length(), 6, "there is no log yet");
        space.extend(length());
        assert_eq!(length(), 6 + STEP as u64);
        space.extend(length());
        assert_eq!(length(), 6 + STEP as u64, "none of it is used");
        assert!(fs::read(&path).unwrap().starts_with(b"frames\0\0"));
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"frames").unwrap();
        space.extend(length());
        assert_eq!(length(), 12 + 2 * STEP as u64);
        space.extend(LONGEST);
        assert_eq!(length(), 12 + 2 * STEP as u64);
        fs::rename(&path, temp.path().join("away")).unwrap();
        space.extend(7);
        fs::rename(temp.path().join("away"), &path).unwrap();
        space.extend(8);
        assert_eq!(length(), 12 + 2 * STEP as u64, "it has failed once");
    }

    /// As after a crash: the next server reads a log with space behind its frames.
    #[test]
    fn is_no_part_of_the_log() {
        let temp = tempfile::tempdir().unwrap();
        let [used, copy] = ["used", "copy"].map(|name| temp.path().join(name));
        let mut journal = SqliteJournal::open(&used).unwrap();
        let nickname = Nickname::new("Keen Bob").unwrap();
        let author = Arc::new(Author { id: 1, nickname });
        for number in 0..100 {
            let text = Text::new(&format!("message {number}")).unwrap();
            journal.append(&[Draft::Post { author: Arc::clone(&author), id: None, text }]).unwrap();
            if number % 7 == 0 {
                let _ = fs::remove_dir_all(&copy);
                fs::create_dir(&copy).unwrap();
                for file in ["room.db", "room.db-wal", "mark"] {
                    fs::copy(used.join(file), copy.join(file)).unwrap();
                }
                let again = SqliteJournal::open(&copy).unwrap();
                assert_eq!((again.head(), again.recovery().is_none()), (number + 1, true));
                let messages = again.reader().read(1, ReadLimit::new(1_000, 1 << 20)).unwrap();
                assert_eq!(messages.len() as u64, number + 1);
            }
        }
        let log = fs::metadata(used.join("room.db-wal")).unwrap().len();
        assert!(log > 2 * STEP as u64 && log < 100 * 3 * 4120, "{log}");
    }
}
