//! An advisory lock that keeps two processes from writing one file. Readers do not take it.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::file;
use crate::repair::Repair;

/// The right to write one file, until the value is dropped or the process ends for any reason.
///
/// ```
/// use private_files::{FileLock, LockError};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("history");
/// let lock = FileLock::acquire(&path)?;
/// // A second holder, in this process or another one, is told who has it.
/// assert!(matches!(FileLock::acquire(&path), Err(LockError::Held { .. })));
/// drop(lock);
/// FileLock::acquire(&path)?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct FileLock {
    file: File,
    #[cfg_attr(not(unix), expect(dead_code, reason = "compared by inode"))]
    path: PathBuf,
}

/// How often a lock file may be replaced between opening and locking it.
const ATTEMPTS: u32 = 16;

impl FileLock {
    /// Takes the lock for `guarded`. The lock is a file of its own, `<guarded>.lock`, because the guarded file may be
    /// replaced by a rename.
    ///
    /// # Errors
    /// [`LockError::Held`] when another holder has it, [`LockError::Io`] when the lock file cannot be used.
    pub fn acquire(guarded: &Path) -> Result<Self, LockError> {
        Self::acquire_at(&file::with_suffix(guarded, ".lock"), guarded)
    }

    /// Takes the lock for `guarded` with a lock file at `path`, for example one lock file for a whole directory.
    ///
    /// # Errors
    /// As [`FileLock::acquire`].
    pub fn acquire_at(path: &Path, guarded: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io { path: path.to_owned(), source };
        for _ in 0..ATTEMPTS {
            let file = file::open_append::<Repair>(path, &mut Vec::new()).map_err(failed)?;
            if let Some(lock) = Self::lock(file, path, guarded)? {
                return Ok(lock);
            }
        }
        Err(failed(io::Error::other("it is replaced again and again")))
    }

    /// Locks the open file. Returns `None` if it is no longer the file at `path`: its lock would keep nothing out.
    fn lock(mut file: File, path: &Path, guarded: &Path) -> Result<Option<Self>, LockError> {
        let failed = |source| LockError::Io { path: path.to_owned(), source };
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(LockError::Held { path: guarded.to_owned(), pid: holder(&mut file) });
            }
            Err(std::fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
        let lock = Self { file, path: path.to_owned() };
        if !lock.is_in_place() {
            return Ok(None);
        }
        // The pid only serves the error message of others, so a full disk must not fail the lock.
        let _ = lock.file.set_len(0).and_then(|()| writeln!(&lock.file, "{}", std::process::id()));
        Ok(Some(lock))
    }

    /// Returns whether the lock file is still at its path. After a user or a cleaning job has removed it, another process
    /// can take a lock of the same name. Without inodes the answer is always `true`.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            match (std::fs::symlink_metadata(&self.path), self.file.metadata()) {
                (Ok(named), Ok(open)) => (named.dev(), named.ino()) == (open.dev(), open.ino()),
                (Err(error), _) => !file::is_missing(&error),
                (Ok(_), Err(_)) => true,
            }
        }
        #[cfg(not(unix))]
        true
    }

    /// Takes the lock, and waits up to `timeout` for a holder to release it. Blocks the thread.
    ///
    /// # Errors
    /// As [`FileLock::acquire`], after the timeout.
    pub fn acquire_within(guarded: &Path, timeout: Duration) -> Result<Self, LockError> {
        let start = Instant::now();
        loop {
            match Self::acquire(guarded) {
                // The lock of the standard library cannot wait with a timeout.
                Err(LockError::Held { .. }) if start.elapsed() < timeout => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                result => return result,
            }
        }
    }
}

impl Drop for FileLock {
    /// Unlocks explicitly. Closing is not enough: a child process that another thread is just starting shares the open
    /// file until it executes its program.
    fn drop(&mut self) {
        // On failure the lock is released when the last process closes the file.
        let _ = self.file.unlock();
    }
}

/// The reason why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process, or another part of this one, is using the file.
    #[error("{} is in use by {}", path.display(), Holder(*pid))]
    Held {
        /// The file that the lock guards.
        path: PathBuf,
        /// The process that holds it, if the lock file names it.
        pid: Option<u32>,
    },
    /// The lock file cannot be used.
    #[error("could not use the lock file {}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

struct Holder(Option<u32>);

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(pid) if pid == std::process::id() => f.write_str("this process already"),
            Some(pid) => write!(f, "process {pid}"),
            None => f.write_str("another process"),
        }
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_although_a_child_has_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let guarded = dir.path().join("outbox");
        let lock = FileLock::acquire(&guarded).unwrap();
        // As a child process has it before it executes its program.
        let _inherited = lock.file.try_clone().unwrap();
        assert!(matches!(FileLock::acquire(&guarded), Err(LockError::Held { .. })));
        drop(lock);
        assert!(FileLock::acquire(&guarded).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn locks_only_the_file_at_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let (guarded, path) = (dir.path().join("store"), dir.path().join("store.lock"));
        // Another process removes the file between opening and locking, and its successor locks a new one.
        let opened = file::open_append::<Repair>(&path, &mut Vec::new()).unwrap();
        std::fs::remove_file(&path).unwrap();
        let successor = FileLock::acquire(&guarded).unwrap();
        assert!(FileLock::lock(opened, &path, &guarded).unwrap().is_none());
        assert!(successor.is_in_place());
        std::fs::remove_file(&path).unwrap();
        assert!(!successor.is_in_place());
        let _other = FileLock::acquire(&guarded).unwrap();
        assert!(!successor.is_in_place());
    }

    #[test]
    fn names_the_holder() {
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
    fn refuses_a_hard_linked_lock_file() {
        let dir = tempfile::tempdir().unwrap();
        let (path, precious) = (dir.path().join("f"), dir.path().join("precious"));
        std::fs::write(&precious, "all my work").unwrap();
        std::fs::hard_link(&precious, file::with_suffix(&path, ".lock")).unwrap();
        match FileLock::acquire(&path) {
            Err(LockError::Io { path: named, source }) => {
                assert_eq!(named, file::with_suffix(&path, ".lock"));
                assert!(source.to_string().contains("hard link"), "{source}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "all my work");
    }

    #[test]
    fn ignores_garbage_in_the_lock_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(file::with_suffix(&path, ".lock"), b"\xff\x00garbage").unwrap();
        let _held = FileLock::acquire(&path).unwrap();
    }
}
