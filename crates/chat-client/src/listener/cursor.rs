//! Stores the position of a listener in the server's log in a file of its own.
//!
//! The file contains one record twice, each with a checksum, so one damaged byte leaves the other copy intact. The file
//! is replaced as a whole (temporary file, fsync, rename, fsync of the directory): after a crash it contains either the
//! old or the new record. It is written seldom, because the history lines that were added since can be counted.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chat_proto::{Position, StreamId};
use private_files::{FileLock, LockError, file};
use serde::{Deserialize, Serialize};

use crate::config::Resume;
use crate::files::default_dir;
use crate::files::warning::FileWarning;

/// Two records take less than 500 bytes; a larger file was not written by this crate.
const MAX_BYTES: u64 = 64 * 1024;

/// The position of a listener, kept over restarts, for a caller without a history file. With a history file, a
/// [`Recorder`](crate::Recorder) keeps it.
///
/// The position is saved after the messages were processed, so after a crash some of them may be repeated. Without a
/// history file to compare with, this cannot be avoided.
///
/// [`Cursor::open`] and [`Cursor::save`] block: saving waits for the disk twice. On an asynchronous runtime, call them
/// from `tokio::task::spawn_blocking` or from a thread of your own, or save seldom.
///
/// ```
/// use chat_client::{Cursor, Position, Resume};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("place");
/// let mut cursor = Cursor::open(&path)?;
/// assert_eq!(cursor.resume(Resume::Live), Resume::Live);
/// let position: Position = "k3f9:1043".parse()?; // of the last message
/// cursor.save(&position)?;
/// drop(cursor);
/// assert!(matches!(Cursor::open(&path)?.resume(Resume::Live), Resume::After { .. }));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Cursor {
    path: PathBuf,
    position: Option<Position>,
    /// When an earlier run last saved the position.
    last_heard: Option<SystemTime>,
    warnings: Vec<FileWarning>,
    _lock: FileLock,
}

impl Cursor {
    /// Opens and locks a cursor. A missing or damaged file contains no position.
    ///
    /// # Errors
    /// [`CursorError`] if the cursor is in use or cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CursorError> {
        let path = path.as_ref().to_owned();
        let lock = FileLock::acquire(&path)?;
        let mut warnings = Vec::new();
        let last_heard = path.metadata().ok().and_then(|found| found.modified().ok());
        let record = load(&path, &mut warnings).map_err(|source| CursorError::Io { path: path.clone(), source })?;
        let position = record.map(|record| record.position);
        Ok(Self { path, position, last_heard, warnings, _lock: lock })
    }

    /// Returns what was found wrong with the file.
    #[must_use]
    pub fn warnings(&self) -> &[FileWarning] {
        &self.warnings
    }

    /// Returns the position of the newest message that was saved.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// Returns where to resume; `otherwise` if there is no position.
    #[must_use]
    pub fn resume(&self, otherwise: Resume) -> Resume {
        match &self.position {
            Some(position) => Resume::After { position: position.clone(), last_heard: self.last_heard },
            None => otherwise,
        }
    }

    /// Saves the position of the newest processed message, or that of
    /// [`ListenerEvent::Joined`](crate::ListenerEvent::Joined), which precedes the first one.
    ///
    /// # Errors
    /// [`CursorError::Io`]; the file then contains the old position.
    pub fn save(&mut self, position: &Position) -> Result<(), CursorError> {
        if self.position.as_ref() == Some(position) {
            return Ok(());
        }
        let record = CursorRecord { position: position.clone(), length: 0, open: false };
        store(&self.path, Some(&record)).map_err(|source| CursorError::Io { path: self.path.clone(), source })?;
        self.position = Some(position.clone());
        Ok(())
    }
}

/// An error of the cursor file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// Another process has locked it.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The file cannot be read or written.
    #[error("could not use the cursor {}", path.display())]
    Io {
        /// The cursor file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// The content of the file: the position of the newest message within the first `length` bytes of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CursorRecord {
    pub(crate) position: Position,
    pub(crate) length: u64,
    /// A recorder was active, so lines beyond the length are its own. After a clean close they belong to another
    /// program.
    pub(crate) open: bool,
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
struct CursorJson {
    v: u32,
    stream: String,
    seq: u64,
    length: u64,
    /// Absent in files of earlier versions, which did not record a clean close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<bool>,
    check: String,
}

/// Reads a cursor file; a damaged one is moved aside.
pub(crate) fn load(path: &Path, warnings: &mut Vec<FileWarning>) -> io::Result<Option<CursorRecord>> {
    let content = match default_dir::read(path, MAX_BYTES, warnings) {
        Ok(None) => return Ok(None),
        Ok(Some(content)) => content,
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Vec::new(),
        Err(error) => return Err(error),
    };
    if let Some(record) = content.split(|&b| b == b'\n').find_map(parse) {
        return Ok(Some(record));
    }
    warnings.push(file::set_aside(path)?.into());
    Ok(None)
}

/// Replaces a cursor file, or removes it if there is no position.
pub(crate) fn store(path: &Path, record: Option<&CursorRecord>) -> io::Result<()> {
    match record {
        Some(record) => file::replace(path, format(record).as_bytes()),
        None => file::remove(path),
    }
}

fn format(record: &CursorRecord) -> String {
    let stored = CursorJson {
        v: 1,
        stream: record.position.stream.as_str().to_owned(),
        seq: record.position.seq,
        length: record.length,
        open: Some(record.open),
        check: check(&record.position, record.length, Some(record.open)),
    };
    // Serializing a struct of strings and numbers cannot fail.
    let line = serde_json::to_string(&stored).unwrap_or_default();
    // Two line feeds between the copies, because one of them may be damaged too.
    format!("{line}\n\n{line}\n")
}

fn parse(line: &[u8]) -> Option<CursorRecord> {
    let stored: CursorJson = serde_json::from_slice(line).ok()?;
    let position = Position { stream: StreamId::new(&stored.stream).ok()?, seq: stored.seq };
    let sound = stored.v == 1 && stored.check == check(&position, stored.length, stored.open);
    sound.then(|| CursorRecord { position, length: stored.length, open: stored.open.unwrap_or(true) })
}

fn check(position: &Position, length: u64, open: Option<bool>) -> String {
    let mut text = format!("{} {} {length}", position.stream, position.seq);
    if let Some(open) = open {
        text.push_str(if open { " open" } else { " closed" });
    }
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(seq: u64) -> Position {
        Position { stream: StreamId::new("k3f9").unwrap(), seq }
    }

    #[test]
    fn keeps_and_locks_the_position() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        let mut cursor = Cursor::open(&path).unwrap();
        assert_eq!(cursor.resume(Resume::Last(3)), Resume::Last(3));
        cursor.save(&position(7)).unwrap();
        assert!(matches!(Cursor::open(&path), Err(CursorError::Locked(_))));
        drop(cursor);
        let again = Cursor::open(&path).unwrap();
        assert_eq!(again.position(), Some(&position(7)));
        let Resume::After { last_heard, .. } = again.resume(Resume::Live) else { panic!("the position is known") };
        assert!(last_heard.is_some());
    }

    #[test]
    fn an_older_file_counts_as_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        let check = format!("{:08x}", crc32fast::hash(b"k3f9 7 120"));
        std::fs::write(&path, format!(r#"{{"v":1,"stream":"k3f9","seq":7,"length":120,"check":"{check}"}}"#)).unwrap();
        let expected = CursorRecord { position: position(7), length: 120, open: true };
        assert_eq!(load(&path, &mut Vec::new()).unwrap(), Some(expected));
    }

    #[test]
    fn damage_is_never_misread() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        let record = CursorRecord { position: position(1043), length: 81_234, open: false };
        let whole = format(&record).into_bytes();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                std::fs::write(&path, &damaged).unwrap();
                assert_eq!(load(&path, &mut Vec::new()).unwrap().as_ref(), Some(&record), "byte {at} bit {bit}");
            }
        }
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let mut warnings = Vec::new();
            match load(&path, &mut warnings).unwrap() {
                Some(found) => assert_eq!(found, record),
                None => {
                    let [.., FileWarning::Repaired(private_files::Repair::SetAside { to, .. })] = &warnings[..] else {
                        panic!("{warnings:?}")
                    };
                    assert_eq!(std::fs::read(to).unwrap(), &whole[..length]);
                    assert!(!path.exists());
                }
            }
        }
    }
}
