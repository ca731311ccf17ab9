//! Files that belong to one user: created 0600, replaced as a whole, and refused when they are links or somebody else's.
//! It knows nothing of what is in them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::own_dir;
use crate::warning::FileWarning;

/// Reads all of a private file, at most `limit` bytes of it; `None` when there is none. A looser mode is mended, that of
/// our own directory too.
///
/// # Errors
/// What the system said; or that it is a link, no regular file, somebody else's, or larger.
pub fn read(path: &Path, limit: u64, warnings: &mut Vec<FileWarning>) -> io::Result<Option<Vec<u8>>> {
    mend_directory(path, warnings);
    let file = match open_existing(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    mend_mode(&file, path, warnings)?;
    let mut content = Vec::new();
    (&file).take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("over {limit} bytes")));
    }
    Ok(Some(content))
}

/// Opens a private file for reading and appending, and creates it (and its directory) if need be. A looser mode is
/// mended.
///
/// # Errors
/// As [`read`].
pub fn open_append(path: &Path, warnings: &mut Vec<FileWarning>) -> io::Result<File> {
    mend_directory(path, warnings);
    open_beside(path, warnings)
}

/// The same for a file that only goes with another one, which sees to their directory.
pub(crate) fn open_beside(path: &Path, warnings: &mut Vec<FileWarning>) -> io::Result<File> {
    if let Some(parent) = directory(path) {
        create_directory(parent)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    // Exclusive creation does not follow a link, and an existing file is looked at before it is used.
    match private(options.clone().create_new(true)).open(path) {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = open_existing(path, &options)?;
            mend_mode(&file, path, warnings)?;
            Ok(file)
        }
        Err(error) => Err(error),
    }
}

/// Creates a private file that is not there yet.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where something has that name; what the system said.
pub fn create_new(path: &Path) -> io::Result<File> {
    // Exclusive creation does not follow a link.
    private(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// Opens for reading what must be a regular file, be it by a link. The files that a person names, or keeps elsewhere
/// and links to, are read in this way; a pipe is refused instead of waited for.
///
/// # Errors
/// What the system said; or that it is no regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let file = open_without_waiting(path, OpenOptions::new().read(true))?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

/// Replaces a file as a whole: after a crash at any instant it holds either the old content or the new.
///
/// # Errors
/// What the system said; or that it is a symbolic link or no regular file.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    exchange(path, content)?.1
}

/// The same, and hands out the new file for appending: opening it again may fail, and whoever went on with the old one
/// would write into nowhere. Whether the exchange would survive a power failure is said apart.
pub(crate) fn exchange(path: &Path, content: &[u8]) -> io::Result<(File, io::Result<()>)> {
    refuse_link(path)?;
    let parent = directory(path).unwrap_or(Path::new("."));
    create_directory(parent)?;
    // It is made 0600.
    let mut file = tempfile::Builder::new().append(true).tempfile_in(parent)?;
    file.write_all(content)?;
    // Without it the rename may reach the disk before the content does.
    file.as_file().sync_all()?;
    let file = file.persist(path).map_err(|error| error.error)?;
    Ok((file, sync_directory(parent)))
}

/// Removes a file for good; one that is not there is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_directory(directory(path).unwrap_or(Path::new("."))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Moves a damaged file out of the way, under a name that nothing else has.
pub(crate) fn set_aside(path: &Path) -> io::Result<FileWarning> {
    let to = damaged_path(path);
    fs::rename(path, &to)?;
    Ok(FileWarning::SetAside { path: path.to_owned(), to })
}

/// The first of `<path>.damaged`, `<path>.damaged-2` … that is free. After many it is the last one again: a disk
/// that damages a file at every start is not to fill up with the pieces.
pub(crate) fn damaged_path(path: &Path) -> std::path::PathBuf {
    let name = |count: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(if count == 1 { ".damaged".to_owned() } else { format!(".damaged-{count}") });
        std::path::PathBuf::from(name)
    };
    (1..20).map(name).find(|name| fs::symlink_metadata(name).is_err()).unwrap_or_else(|| name(20))
}

/// Creates a directory and its parents; what is created is 0700.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The directory a file is in; `None` for a bare name.
pub(crate) fn directory(path: &Path) -> Option<&Path> {
    path.parent().filter(|parent| !parent.as_os_str().is_empty())
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn refuse_link(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link")),
        Ok(found) if !found.is_file() => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn open_existing(path: &Path, options: &OpenOptions) -> io::Result<File> {
    refuse_link(path)?;
    let file = open_without_waiting(path, options)?;
    // Looked at again, in case it was swapped for something else in between.
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (named, opened) = (fs::symlink_metadata(path)?, file.metadata()?);
        if (named.dev(), named.ino()) != (opened.dev(), opened.ino()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it was replaced while it was being opened"));
        }
        if let Some(fault) = fault(&opened, rustix::process::geteuid().as_raw()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, fault));
        }
    }
    Ok(file)
}

/// Opening a pipe would wait for its other end, for ever perhaps.
fn open_without_waiting(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let mut options = options.clone();
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    }
    options.open(path)
}

/// Why an open file must not be used: whatever is written to it would be written to something else as well, or can be
/// read and changed by somebody else.
#[cfg(unix)]
fn fault(found: &fs::Metadata, me: u32) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    if !found.is_file() {
        Some("it is not a regular file")
    } else if found.uid() != me {
        Some("it belongs to somebody else; move it away, or copy it and use the copy")
    } else if found.nlink() > 1 {
        Some("it has another name (a hard link), under which it would be changed too; copy it and use the copy")
    } else {
        None
    }
}

#[cfg(unix)]
fn mend_mode(file: &File, path: &Path, warnings: &mut Vec<FileWarning>) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        warnings.push(FileWarning::ModeMended { path: path.to_owned(), was: mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn mend_mode(_: &File, _: &Path, _: &mut Vec<FileWarning>) -> io::Result<()> {
    Ok(())
}

/// Closes our own directory to others, if this file is in it. A directory that somebody named is not ours to change.
#[cfg(unix)]
fn mend_directory(path: &Path, warnings: &mut Vec<FileWarning>) {
    use std::os::unix::fs::PermissionsExt;
    let Some(dir) = directory(path).filter(|dir| own_dir::data().is_ok_and(|own| own == **dir)) else { return };
    // A link leads to a directory that somebody chose.
    let Ok(found) = fs::symlink_metadata(dir) else { return };
    let was = found.permissions().mode() & 0o7777;
    if !found.is_dir() || was & 0o077 == 0 {
        return;
    }
    match fs::set_permissions(dir, fs::Permissions::from_mode(0o700)) {
        Ok(()) => warnings.push(FileWarning::DirectoryMended { path: dir.to_owned(), was }),
        // The files in it are private all the same.
        Err(error) => tracing::warn!(path = %dir.display(), %error, "the directory is open to others and stays so"),
    }
}

#[cfg(not(unix))]
fn mend_directory(_: &Path, _: &mut Vec<FileWarning>) {}

/// A rename is only on the disk once its directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_created_is_private_and_what_is_loose_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/file");
        let mut warnings = Vec::new();
        open_append(&path, &mut warnings).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        read(&path, 10, &mut warnings).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(warnings, [FileWarning::ModeMended { path: path.clone(), was: 0o644 }]);
        replace(&path, b"new").unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn the_handle_of_an_exchanged_file_appends_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "old").unwrap();
        let (mut file, exchanged) = exchange(&path, b"one\n").unwrap();
        exchanged.unwrap();
        file.write_all(b"half").unwrap();
        file.set_len(4).unwrap();
        file.write_all(b"two\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\n");
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_symbolic_link_is_refused_for_reading_appending_and_replacing() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        fs::write(&target, "x").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(read(&link, 10, &mut Vec::new()).is_err());
        assert!(open_append(&link, &mut Vec::new()).is_err());
        assert!(replace(&link, b"y").is_err());
        assert_eq!(fs::read(&target).unwrap(), b"x");
    }

    #[test]
    fn a_file_with_a_second_name_is_refused_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        fs::write(&target, "x").unwrap();
        fs::hard_link(&target, &link).unwrap();
        for error in [read(&link, 10, &mut Vec::new()).unwrap_err(), open_append(&link, &mut Vec::new()).unwrap_err()] {
            assert!(error.to_string().contains("hard link"), "{error}");
        }
        assert_eq!(fs::read(&target).unwrap(), b"x");
        assert_ne!(mode(&target), 0o600, "the mode of another file is not ours to mend");
        // Replacing takes the name away from the other file, and is harmless.
        replace(&link, b"y").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"x");
    }

    #[test]
    fn somebody_elses_file_is_refused() {
        use std::os::unix::fs::MetadataExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        let found = file.as_file().metadata().unwrap();
        assert_eq!(fault(&found, found.uid()), None);
        assert!(fault(&found, found.uid() + 1).unwrap().contains("somebody else"));
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for refused in [
            read(&pipe, 10, &mut Vec::new()).err(),
            open_append(&pipe, &mut Vec::new()).err(),
            open_regular(&pipe).err(),
            replace(&pipe, b"x").err(),
        ] {
            assert!(refused.unwrap().to_string().contains("not a regular file"));
        }
        // What was swapped after it was looked at is not waited for either.
        assert!(open_without_waiting(&pipe, OpenOptions::new().read(true)).is_ok());
    }

    #[test]
    fn what_must_be_new_is_private_and_overwrites_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        create_new(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(create_new(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_file_over_the_limit_is_refused_and_a_missing_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        assert!(read(&path, 3, &mut Vec::new()).unwrap().is_none());
        fs::write(&path, "1234").unwrap();
        assert!(read(&path, 3, &mut Vec::new()).is_err());
    }
}
