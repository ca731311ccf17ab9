//! Directories that only one user may enter.

use std::fs;
use std::io;
use std::path::Path;

use crate::repair::Repair;

/// Creates a directory and its parents. What is created has mode 0700; what exists keeps its mode.
///
/// # Errors
/// The error of the operating system.
pub fn create(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Takes all rights of other users away from a directory. Does nothing when they have none, when `path` is a symbolic
/// link (it leads to a directory that the user chose), or on systems without Unix modes.
///
/// # Errors
/// The error of the operating system; [`io::ErrorKind::PermissionDenied`] when the directory has another owner.
#[cfg(unix)]
pub fn tighten<W: From<Repair>>(path: &Path, repairs: &mut Vec<W>) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let found = fs::symlink_metadata(path)?;
    let was = found.permissions().mode() & 0o7777;
    if !found.is_dir() || was & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    repairs.push(Repair::DirectoryTightened { path: path.to_owned(), was }.into());
    Ok(())
}

/// Takes all rights of other users away from a directory. This system has no Unix modes, so nothing changes.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn tighten<W: From<Repair>>(_: &Path, _: &mut Vec<W>) -> io::Result<()> {
    Ok(())
}

/// Returns the mode of a directory in which other users can replace files: it is writable for them and has no sticky bit,
/// with which only the owner of a file may replace it. `None` when they cannot, or when the directory cannot be read.
#[cfg(unix)]
#[must_use]
pub fn writable_by_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = path.metadata().ok()?.permissions().mode() & 0o7777;
    (mode & 0o022 != 0 && mode & 0o1000 == 0).then_some(mode & 0o777)
}

/// Returns the mode of a directory in which other users can replace files. This system has no Unix modes: always `None`.
#[cfg(not(unix))]
#[must_use]
pub fn writable_by_others(_: &Path) -> Option<u32> {
    None
}

/// Waits until the renames, new and removed files of a directory are on the disk: a renamed file survives a power cut
/// only when its directory does.
///
/// # Errors
/// The error of the operating system.
pub fn sync(path: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(path)?.sync_all() } else { Ok(()) }
}

/// Returns the directory that a file is in: `.` for a bare name.
#[must_use]
pub fn of(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the uid that owns `path`, or that owns its nearest existing ancestor. `None` where nothing can be read, and on
/// systems without uids.
#[must_use]
pub fn owner(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        path.ancestors().find_map(|path| path.symlink_metadata().ok()).map(|found| found.uid())
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Returns the uid that owns `path` when that is not the effective uid of this process; links are followed. `None` where
/// nothing can be read, and on systems without uids.
#[must_use]
pub fn foreign_owner(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    {
        let uid = std::os::unix::fs::MetadataExt::uid(&fs::metadata(path).ok()?);
        (uid != rustix::process::geteuid().as_raw()).then_some(uid)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn creates_with_0700_and_keeps_other_modes() {
        let dir = tempfile::tempdir().unwrap();
        set_mode(dir.path(), 0o755);
        create(&dir.path().join("a/b")).unwrap();
        assert_eq!(
            [mode(dir.path()), mode(&dir.path().join("a")), mode(&dir.path().join("a/b"))],
            [0o755, 0o700, 0o700]
        );
    }

    #[test]
    fn tightens_and_reports_the_old_mode() {
        let dir = tempfile::tempdir().unwrap();
        set_mode(dir.path(), 0o751);
        let mut repairs: Vec<Repair> = Vec::new();
        tighten(dir.path(), &mut repairs).unwrap();
        tighten(dir.path(), &mut repairs).unwrap();
        assert_eq!(repairs, [Repair::DirectoryTightened { path: dir.path().to_owned(), was: 0o751 }]);
        assert_eq!(mode(dir.path()), 0o700);
    }

    #[test]
    fn leaves_the_target_of_a_link_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        fs::create_dir(&target).unwrap();
        set_mode(&target, 0o755);
        std::os::unix::fs::symlink(&target, &link).unwrap();
        tighten(&link, &mut Vec::<Repair>::new()).unwrap();
        assert_eq!(mode(&target), 0o755);
    }

    #[test]
    fn sticky_directory_is_not_replaceable() {
        let dir = tempfile::tempdir().unwrap();
        for (mode, found) in [(0o700, None), (0o777, Some(0o777)), (0o1777, None), (0o720, Some(0o720))] {
            set_mode(dir.path(), mode);
            assert_eq!(writable_by_others(dir.path()), found, "{mode:o}");
        }
    }
}
