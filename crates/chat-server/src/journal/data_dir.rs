//! The data directory: its permissions, and the lock that gives it to one server.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{ForeignDataDir, JournalError};

/// The file of the store in the data directory.
pub(super) const STORE: &str = "room.db";

/// A locked data directory. The lock ends with the value, or with the process, however it ends.
#[derive(Debug)]
pub(super) struct DataDir {
    path: PathBuf,
    _lock: Lock,
}

impl DataDir {
    /// Creates the directory if necessary, repairs its mode, and takes its lock. An existing directory that is not
    /// known to be a data directory is left as it is.
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

/// Opens or creates a file that only its owner may read. A symbolic link is refused, because it could redirect the
/// server's writes.
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

/// The files that a data directory may contain before it has a store: ours, and those of the file system.
const OURS: [&str; 6] = ["lock", "mark", "closed", "room.db-wal", "room.db-shm", "lost+found"];

/// Returns why an existing directory must not be made private. An operator who meant `/tmp/room` may pass `/tmp`, and
/// making that private would break the host.
fn stranger(dir: &Path) -> Result<Option<ForeignDataDir>, JournalError> {
    let fail = |source| JournalError::file(dir, source);
    let found = match fs::metadata(dir) {
        Ok(found) if found.is_dir() => found,
        // Created, or refused, by the caller.
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

/// Removes the permissions of other users, with a warning if they could have changed something.
#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> Result<(), JournalError> {
    use std::os::unix::fs::PermissionsExt;
    let fail = |source| JournalError::file(path, source);
    let found = fs::metadata(path).map_err(fail)?.permissions().mode() & 0o777;
    if found & !mode != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(fail)?;
        tracing::warn!(path = %path.display(), "other users could access this: changed its mode from {found:o} to {mode:o}");
    }
    Ok(())
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> Result<(), JournalError> {
    Ok(())
}

/// The lock is a separate file, because the store itself is renamed when it is damaged.
fn lock(dir: &Path) -> Result<Lock, JournalError> {
    let path = dir.join("lock");
    let mut file = private_file(&path)?;
    let fail = |source| JournalError::file(&path, source);
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Best effort: the error is correct without the process id.
            let _ = file.take(32).read_to_string(&mut pid);
            return Err(JournalError::Locked { dir: dir.to_owned(), pid: pid.trim().parse().ok() });
        }
        Err(TryLockError::Error(source)) => return Err(fail(source)),
    }
    // The process id is only for messages; a full disk must not keep the server from starting.
    let noted = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    if let Err(error) = noted {
        tracing::debug!(%error, "could not note the process in the lock file");
    }
    Ok(Lock(file))
}

/// Unlocks when dropped. Closing is not enough: a child process that another thread is starting also has the file,
/// until it runs its program.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // If unlocking fails, the lock ends when the last process closes the file.
        let _ = self.0.unlock();
    }
}

/// Makes renames and new files in a directory survive a power failure.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_ends_with_its_value() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temp.path()).unwrap();
        // As a child process has it between fork and exec.
        let _inherited = dir._lock.0.try_clone().unwrap();
        assert!(matches!(DataDir::open(temp.path()), Err(JournalError::Locked { .. })));
        drop(dir);
        assert!(DataDir::open(temp.path()).is_ok());
    }

    #[test]
    fn second_server_learns_who_has_the_lock() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("a/b");
        let held = DataDir::open(&dir).unwrap();
        let error = DataDir::open(&dir).unwrap_err();
        assert!(matches!(error, JournalError::Locked { pid: Some(pid), .. } if pid == std::process::id()), "{error}");
        drop(held);
        DataDir::open(&dir).unwrap();
    }

    /// `--data-dir /tmp` would otherwise close `/tmp` to all other users.
    #[cfg(unix)]
    #[test]
    fn leaves_shared_and_foreign_dirs_alone() {
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
        // With a store it is a data directory, whatever else it contains.
        fs::write(temp.path().join("room.db"), "").unwrap();
        DataDir::open(temp.path()).unwrap();
        assert_eq!(mode(), 0o700);
    }

    /// In `/proc` not even root can change a mode.
    #[cfg(target_os = "linux")]
    #[test]
    fn names_the_owner_of_a_fixed_mode() {
        let error = restrict(Path::new("/proc/self/task"), 0o700).unwrap_err();
        assert!(matches!(error, JournalError::Denied { owner: Some(_), .. }), "{error:?}");
        assert!(error.to_string().contains(", owned by uid "), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn repairs_modes_and_refuses_links() {
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
