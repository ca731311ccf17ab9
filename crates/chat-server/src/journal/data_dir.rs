//! The data directory: its permissions, and the lock that gives it to one server.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use private_files::{FileLock, LockError, Repair, directory, file};

use crate::error::{ForeignDataDir, JournalError};

/// The file of the store in the data directory.
pub(super) const STORE: &str = "room.db";

/// The file whose lock gives the directory to one server.
const LOCK: &str = "lock";

/// A locked data directory. The lock ends with the value, or with the process, however it ends.
#[derive(Debug)]
pub(super) struct DataDir {
    path: PathBuf,
    lock: FileLock,
}

impl DataDir {
    /// Creates the directory if necessary, repairs its mode, and takes its lock. An existing directory that is not
    /// known to be a data directory, or that belongs to another user, is left as it is.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let fail = |source| JournalError::file(path, source);
        if let Some(why) = foreign(path)? {
            return Err(JournalError::NotOurs { dir: path.to_owned(), why });
        }
        directory::create(path).map_err(fail)?;
        tighten(path)?;
        Ok(Self { path: path.to_owned(), lock: lock(path)? })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the lock file is still at its path: without it another server can start on the same store.
    ///
    /// # Errors
    /// [`JournalError::Replaced`] with the path of the lock.
    pub(super) fn check_lock(&self) -> Result<(), JournalError> {
        if self.lock.is_in_place() { Ok(()) } else { Err(JournalError::Replaced { path: self.path.join(LOCK) }) }
    }
}

/// Opens or creates a file that only its owner may read. A symbolic link is refused, because it could redirect the
/// server's writes.
pub(super) fn private_file(path: &Path) -> Result<File, JournalError> {
    if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
        return Err(JournalError::Link { path: path.to_owned() });
    }
    let mut repairs = Vec::new();
    let file = file::open_write(path, &mut repairs).map_err(|source| JournalError::file(path, source))?;
    log(&repairs);
    Ok(file)
}

/// Removes the permissions of other users. The operator may have chosen the directory by a link, so links are resolved
/// first; another user's directory is refused, for root too.
fn tighten(path: &Path) -> Result<(), JournalError> {
    let fail = |source| JournalError::file(path, source);
    let path = fs::canonicalize(path).map_err(fail)?;
    if directory::foreign_owner(&path).is_some() {
        return Err(fail(io::ErrorKind::PermissionDenied.into()));
    }
    let mut repairs = Vec::new();
    directory::tighten(&path, &mut repairs).map_err(fail)?;
    log(&repairs);
    Ok(())
}

fn log(repairs: &[Repair]) {
    for repair in repairs {
        match repair {
            Repair::FileTightened { path, was } | Repair::DirectoryTightened { path, was } => {
                let path = path.display();
                tracing::warn!(%path, "other users could access this: took their permissions away (mode was {was:o})");
            }
            other => tracing::warn!("{other}"),
        }
    }
}

/// Takes the lock of a data directory. It is a separate file, because the store itself is renamed when it is damaged.
fn lock(dir: &Path) -> Result<FileLock, JournalError> {
    FileLock::acquire_at(&dir.join(LOCK), dir).map_err(|error| match error {
        LockError::Held { path, pid } => JournalError::Locked { dir: path, pid },
        LockError::Io { path, source } => JournalError::file(&path, source),
        error => JournalError::file(dir, io::Error::other(error)),
    })
}

/// The files that a data directory may contain before it has a store: ours, and those of the file system.
const OURS: [&str; 7] = ["lock", "mark", "closed", "admin.sock", "room.db-wal", "room.db-shm", "lost+found"];

/// Returns why an existing directory must not be made private. An operator who meant `/tmp/room` may pass `/tmp`, and
/// making that private would break the host.
fn foreign(dir: &Path) -> Result<Option<ForeignDataDir>, JournalError> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let error = tighten(Path::new("/proc/self/task")).unwrap_err();
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
