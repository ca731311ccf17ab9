//! Keeps two processes from writing one file: an advisory lock on a file beside it. It does not keep readers away.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::private_file;

/// The right to write one file, until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock for `guarded`; it lies on `<guarded>.lock`, because the guarded file itself may be replaced by
    /// a rename.
    ///
    /// # Errors
    /// [`LockError::Held`] when somebody has it, [`LockError::Io`] when the lock file cannot be used.
    pub fn acquire(guarded: &Path) -> Result<Self, LockError> {
        let path = lock_path(guarded);
        let failed = |source| LockError::Io { path: path.clone(), source };
        let mut file = private_file::open_beside(&path, &mut Vec::new()).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(LockError::Held { path: guarded.to_owned(), pid: holder(&mut file) });
            }
            Err(std::fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Only for the sentence that others will read, so a full disk is no reason to fail.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { file })
    }

    /// Takes the lock, and waits up to `patience` for somebody who has it. Blocks the thread.
    ///
    /// # Errors
    /// As [`FileLock::acquire`].
    pub(crate) fn acquire_within(guarded: &Path, patience: Duration) -> Result<Self, LockError> {
        let start = Instant::now();
        loop {
            match Self::acquire(guarded) {
                Err(LockError::Held { .. }) if start.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                result => return result,
            }
        }
    }
}

/// Why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process, or another part of this one, is using the file.
    #[error("{} is in use by {}", path.display(), Holder(*pid))]
    Held {
        /// The file that the lock guards.
        path: PathBuf,
        /// Who holds it, if it could be read.
        pid: Option<u32>,
    },
    /// The lock file cannot be used.
    #[error("cannot use the lock file {}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

struct Holder(Option<u32>);

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(pid) if pid == std::process::id() => f.write_str("this program already"),
            Some(pid) => write!(f, "process {pid}"),
            None => f.write_str("another process"),
        }
    }
}

fn lock_path(guarded: &Path) -> PathBuf {
    let mut name = guarded.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

impl Drop for FileLock {
    /// Closing alone would not do: a child that another thread is just starting has the file too, until it runs its
    /// program.
    fn drop(&mut self) {
        // What cannot be unlocked is freed when the last of them has closed it.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_goes_with_its_value_whoever_else_has_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let guarded = dir.path().join("outbox");
        let lock = FileLock::acquire(&guarded).unwrap();
        // As a child has it between its start and its program.
        let _inherited = lock.file.try_clone().unwrap();
        assert!(matches!(FileLock::acquire(&guarded), Err(LockError::Held { .. })));
        drop(lock);
        assert!(FileLock::acquire(&guarded).is_ok());
    }

    #[test]
    fn a_second_lock_says_who_holds_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.txt");
        let first = FileLock::acquire(&path).unwrap();
        match FileLock::acquire(&path) {
            Err(LockError::Held { path: named, pid }) => {
                assert_eq!((named, pid), (path.clone(), Some(std::process::id())));
            }
            other => panic!("{other:?}"),
        }
        drop(first);
        FileLock::acquire(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_file_that_is_another_file_too_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (path, precious) = (dir.path().join("f"), dir.path().join("precious"));
        std::fs::write(&precious, "all my work").unwrap();
        std::fs::hard_link(&precious, lock_path(&path)).unwrap();
        match FileLock::acquire(&path) {
            Err(LockError::Io { path: named, source }) => {
                assert_eq!(named, lock_path(&path));
                assert!(source.to_string().contains("hard link"), "{source}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "all my work");
    }

    #[test]
    fn a_lock_file_with_nonsense_in_it_still_locks() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(lock_path(&path), b"\xff\x00garbage").unwrap();
        let _held = FileLock::acquire(&path).unwrap();
    }
}
