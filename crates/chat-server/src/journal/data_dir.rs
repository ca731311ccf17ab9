//! The data directory: who may read it, and that only one server has it. It knows no file of the
//! store but the lock.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{ForeignDataDir, JournalError};

/// The file of the store in the data directory.
pub(super) const STORE: &str = "room.db";

/// A locked data directory. The lock goes with the value, and with the process however it ends.
#[derive(Debug)]
pub(super) struct DataDir {
    path: PathBuf,
    _lock: Lock,
}

impl DataDir {
    /// Makes the directory if need be, mends its mode, and takes its lock. A directory that was there and is not known
    /// to be ours is left as it is.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let fail = |source| JournalError::file(path, source);
        if let Some(why) = stranger(path)? {
            return Err(JournalError::NotOurs { dir: path.to_owned(), why });
        }
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(fail)?;
        restrict(path, 0o700)?;
        Ok(Self { path: path.to_owned(), _lock: lock(path)? })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Opens or makes a file that only its owner may read. A symbolic link is refused: it could make
/// the server write anywhere.
pub(super) fn private_file(path: &Path) -> Result<File, JournalError> {
    let fail = |source| JournalError::file(path, source);
    if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
        return Err(JournalError::Link { path: path.to_owned() });
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(fail)?;
    restrict(path, 0o600)?;
    Ok(file)
}

/// Returns `path` with a suffix at its end: `room.db` and `-wal` make `room.db-wal`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// What a data directory may hold before there is a store in it: files of ours, and what a file system of its own has.
const OURS: [&str; 6] = ["lock", "mark", "closed", "room.db-wal", "room.db-shm", "lost+found"];

/// Why a directory that exists is not to be made private. What was meant for `/tmp/room` may say `/tmp`, and the host
/// would not survive its mode.
fn stranger(dir: &Path) -> Result<Option<ForeignDataDir>, JournalError> {
    let fail = |source| JournalError::file(dir, source);
    let found = match fs::metadata(dir) {
        Ok(found) if found.is_dir() => found,
        // Made, or refused, by whoever makes it.
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    if is_shared(&found) {
        return Ok(Some(ForeignDataDir::Shared));
    }
    let mut other = None;
    for entry in fs::read_dir(dir).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name().to_string_lossy().into_owned();
        if name.starts_with(STORE) && !OURS.contains(&name.as_str()) {
            // The store, or one that was set aside.
            return Ok(None);
        }
        if !OURS.contains(&name.as_str()) {
            other = Some(ForeignDataDir::Holds(name));
        }
    }
    Ok(other)
}

#[cfg(unix)]
fn is_shared(found: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(found) & 0o1000 != 0
}

#[cfg(not(unix))]
fn is_shared(_found: &fs::Metadata) -> bool {
    false
}

/// Takes away what others may do with `path`, with a warning when they could do anything.
#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> Result<(), JournalError> {
    use std::os::unix::fs::PermissionsExt;
    let fail = |source| JournalError::file(path, source);
    let found = fs::metadata(path).map_err(fail)?.permissions().mode() & 0o777;
    if found & !mode != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(fail)?;
        tracing::warn!(path = %path.display(), "others could use this; its mode is now {mode:o}, it was {found:o}");
    }
    Ok(())
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> Result<(), JournalError> {
    Ok(())
}

/// The lock is a file of its own: the store itself is renamed when it is damaged.
fn lock(dir: &Path) -> Result<Lock, JournalError> {
    let path = dir.join("lock");
    let mut file = private_file(&path)?;
    let fail = |source| JournalError::file(&path, source);
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Best effort: the answer stands without it.
            let _ = file.take(32).read_to_string(&mut pid);
            return Err(JournalError::Locked { dir: dir.to_owned(), pid: pid.trim().parse().ok() });
        }
        Err(TryLockError::Error(source)) => return Err(fail(source)),
    }
    // Who holds it is a courtesy; a full disk does not keep the server from starting.
    let noted = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    if let Err(error) = noted {
        tracing::debug!(%error, "could not note the process in the lock file");
    }
    Ok(Lock(file))
}

/// Unlocks when dropped. Closing alone would not do: a child that another thread is just starting has the file too, until
/// it runs its program.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // What cannot be unlocked is freed when the last of them has closed it.
        let _ = self.0.unlock();
    }
}

/// Makes the renames and new files of a directory survive a power cut.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_goes_with_its_value_whoever_else_has_the_file() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temp.path()).unwrap();
        // As a child has it between its start and its program.
        let _inherited = dir._lock.0.try_clone().unwrap();
        assert!(matches!(DataDir::open(temp.path()), Err(JournalError::Locked { .. })));
        drop(dir);
        assert!(DataDir::open(temp.path()).is_ok());
    }

    #[test]
    fn a_second_server_is_told_who_has_the_directory() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("a/b");
        let held = DataDir::open(&dir).unwrap();
        let error = DataDir::open(&dir).unwrap_err();
        assert!(matches!(error, JournalError::Locked { pid: Some(pid), .. } if pid == std::process::id()), "{error}");
        drop(held);
        DataDir::open(&dir).unwrap();
    }

    /// `--data-dir /tmp` would otherwise close `/tmp` to everybody.
    #[cfg(unix)]
    #[test]
    fn a_directory_that_is_shared_or_holds_something_else_is_left_alone() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().unwrap();
        let mode = || fs::metadata(temp.path()).unwrap().permissions().mode() & 0o7777;
        fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(matches!(DataDir::open(temp.path()), Err(JournalError::NotOurs { why: ForeignDataDir::Shared, .. })));
        assert_eq!(mode(), 0o1777);
        fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(temp.path().join("thesis.txt"), "").unwrap();
        let error = DataDir::open(temp.path()).unwrap_err();
        assert!(error.to_string().contains("other files (thesis.txt)"), "{error}");
        assert_eq!((mode(), temp.path().join("lock").exists()), (0o755, false));
        // With a store it is ours, whatever else is there.
        fs::write(temp.path().join("room.db"), "").unwrap();
        DataDir::open(temp.path()).unwrap();
        assert_eq!(mode(), 0o700);
    }

    /// In `/proc` not even root may change a mode.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_mode_that_cannot_be_mended_says_whose_the_directory_is() {
        let error = restrict(Path::new("/proc/self/task"), 0o700).unwrap_err();
        assert!(matches!(error, JournalError::Denied { owner: Some(_), .. }), "{error:?}");
        assert!(error.to_string().contains(", owned by uid "), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn modes_are_mended_and_links_refused() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let _dir = DataDir::open(temp.path()).unwrap();
        assert_eq!((mode(temp.path()), mode(&temp.path().join("lock"))), (0o700, 0o600));
        std::os::unix::fs::symlink("lock", temp.path().join("store")).unwrap();
        assert!(matches!(private_file(&temp.path().join("store")), Err(JournalError::Link { .. })));
    }
}
