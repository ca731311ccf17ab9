//! The note of a clean shutdown: the state of the store's file when its server closed it. A store that still matches
//! needs no full check.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
#[cfg(unix)]
use std::time::SystemTime;

use chat_proto::Seq;
use private_files::{directory, file};

use crate::error::JournalError;
use crate::journal::data_dir::private_file;

/// The file of the note in the data directory. It exists only while no server runs; an empty one means that the store
/// is known to be damaged.
const NAME: &str = "closed";

/// The version of the note, so that the note of a program that checked less is not trusted.
#[cfg(unix)]
const FORMAT: &str = "closed-1";

/// A longer file is not a note.
const LONGEST: u64 = 256;

/// A note that was found, valid or not.
#[derive(Debug)]
pub(super) struct CleanShutdownNote(String);

/// Removes the note, so that it is used at most once: it is gone from the disk before anything else is written. A note
/// of damage stays until [`forgive`].
pub(super) fn take(dir: &Path) -> Result<Option<CleanShutdownNote>, JournalError> {
    let path = dir.join(NAME);
    let fail = |source| JournalError::file(&path, source);
    let found = match path.symlink_metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    if found.is_symlink() {
        return Err(JournalError::Link { path });
    }
    // An unreadable note is no note, and is removed nevertheless.
    let note = if found.is_file() { read(&path).ok() } else { None };
    if note.as_deref() == Some("") {
        return Ok(note.map(CleanShutdownNote));
    }
    fs::remove_file(&path).and_then(|()| directory::sync(dir)).map_err(fail)?;
    Ok(note.map(CleanShutdownNote))
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

impl CleanShutdownNote {
    /// Returns the head that the store at `store` must have; `None` unless the file is exactly as it was left. The
    /// whole text is compared, so a truncated or damaged note is rejected.
    pub(super) fn head_of(&self, store: &Path) -> Option<Seq> {
        if !log_is_empty(store) {
            return None;
        }
        let head = self.0.strip_prefix(&state(store).ok()?)?.strip_prefix(' ')?.strip_suffix('\n')?;
        // Fixed length, so that a truncated number is rejected.
        if head.len() != 20 {
            return None;
        }
        head.parse().ok()
    }
}

/// Leaves the note that `store`, which is complete without its write-ahead log, has this head. If a note exists
/// already, damage was found in the meantime, and it stays as it is.
///
/// Written in place without a rename, because an incomplete note is rejected.
pub(super) fn leave(dir: &Path, store: &Path, head: Seq) -> io::Result<()> {
    if !log_is_empty(store) || !stamp(store)? {
        return Ok(());
    }
    let note = format!("{} {head:020}\n", state(store)?);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = match options.open(dir.join(NAME)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        opened => opened?,
    };
    file.write_all(note.as_bytes())?;
    file.sync_all()?;
    directory::sync(dir)
}

/// Ensures that the next start checks everything, even if a running server shuts down cleanly.
pub(super) fn distrust(dir: &Path) -> Result<(), JournalError> {
    let path = dir.join(NAME);
    let file = private_file(&path)?;
    file.set_len(0).and_then(|()| file.sync_all()).map_err(|source| JournalError::file(&path, source))
}

/// Removes any note, after the store was checked and repaired.
pub(super) fn forgive(dir: &Path) -> Result<(), JournalError> {
    let path = dir.join(NAME);
    match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| directory::sync(dir)).map_err(|source| JournalError::file(&path, source)),
    }
}

fn log_is_empty(store: &Path) -> bool {
    match file::with_suffix(store, "-wal").symlink_metadata() {
        Ok(log) => log.len() == 0,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Returns what changes when any program writes to the file or replaces it. No program can set the time of the last
/// change of an inode, so a tool that restores the modification time does not restore trust. The device is omitted,
/// because its number may differ after each boot.
#[cfg(unix)]
fn state(store: &Path) -> io::Result<String> {
    use std::os::unix::fs::MetadataExt;
    let found = store.symlink_metadata()?;
    let (written, changed) = ((found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec()));
    Ok(format!(
        "{FORMAT} {} {}.{:09} {}.{:09} {}",
        found.len(),
        written.0,
        written.1,
        changed.0,
        changed.1,
        found.ino()
    ))
}

/// Sets the exact time as the file's modification time, and returns whether the file system stores it. The system
/// itself uses its last tick, some milliseconds old: a write in the tick in which the server closed would not be
/// noticed.
///
/// By name, because closing a descriptor of the file would drop SQLite's locks on it.
#[cfg(unix)]
fn stamp(store: &Path) -> io::Result<bool> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
    let now = SystemTime::now();
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let time =
        Timespec { tv_sec: i64::try_from(since.as_secs()).unwrap_or_default(), tv_nsec: since.subsec_nanos().into() };
    utimensat(CWD, store, &Timestamps { last_access: time, last_modification: time }, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(store.symlink_metadata()?.modified()? == now)
}

// Without inodes a replaced file could not be noticed, so no note is left.
#[cfg(not(unix))]
fn state(_store: &Path) -> io::Result<String> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
fn stamp(_store: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_the_whole_note_of_its_file() {
        let temp = tempfile::tempdir().unwrap();
        let (dir, store) = (temp.path(), temp.path().join("store"));
        fs::write(&store, "content").unwrap();
        leave(dir, &store, 1042).unwrap();
        let note = take(dir).unwrap().unwrap();
        assert_eq!(note.head_of(&store), Some(1042));
        assert!(take(dir).unwrap().is_none(), "it is used once");
        for at in 0..note.0.len() {
            assert_eq!(CleanShutdownNote(note.0[..at].to_owned()).head_of(&store), None, "cut at {at}");
            let mut bytes = note.0.clone().into_bytes();
            bytes[at] ^= 1;
            let flipped = CleanShutdownNote(String::from_utf8(bytes).unwrap()).head_of(&store);
            assert!(flipped.is_none_or(|head| head != 1042), "flipped at {at}");
        }
        fs::write(&store, "CONTENT").unwrap();
        assert_eq!(note.head_of(&store), None);
    }

    #[test]
    fn notices_a_write_in_the_last_tick() {
        let temp = tempfile::tempdir().unwrap();
        let store = temp.path().join("store");
        for _ in 0..100 {
            fs::write(&store, "content").unwrap();
            assert!(stamp(&store).unwrap(), "the file system of this test keeps no exact times");
            let left = state(&store).unwrap();
            fs::write(&store, "CONTENT").unwrap();
            assert_ne!(state(&store).unwrap(), left);
        }
    }

    #[test]
    fn removes_odd_notes_and_keeps_warnings() {
        let temp = tempfile::tempdir().unwrap();
        let (dir, store) = (temp.path(), temp.path().join("store"));
        fs::write(&store, "content").unwrap();
        fs::write(dir.join(NAME), [0xff; 300]).unwrap();
        assert!(take(dir).unwrap().is_none());
        assert!(!dir.join(NAME).exists());
        distrust(dir).unwrap();
        leave(dir, &store, 7).unwrap();
        for _ in 0..2 {
            assert_eq!(take(dir).unwrap().unwrap().head_of(&store), None, "it stays");
        }
        forgive(dir).unwrap();
        assert!(take(dir).unwrap().is_none());
        std::os::unix::fs::symlink("store", dir.join(NAME)).unwrap();
        assert!(matches!(take(dir), Err(JournalError::Link { .. })));
    }
}
