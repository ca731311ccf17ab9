//! Private files: created with mode 0600, replaced as a whole, and refused when they are links or have another owner.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::directory;
use crate::repair::Repair;

/// Reads a whole private file of at most `limit` bytes. Returns `None` when it does not exist. A mode looser than 0600 is
/// tightened.
///
/// # Errors
/// The error of the operating system; [`io::ErrorKind::FileTooLarge`] over the limit; [`io::ErrorKind::InvalidInput`]
/// when it is a link, not a regular file, or has another owner.
pub fn read<W: From<Repair>>(path: &Path, limit: u64, repairs: &mut Vec<W>) -> io::Result<Option<Vec<u8>>> {
    let file = match open_existing(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    tighten(&file, path, repairs)?;
    read_limited(&file, limit).map(Some)
}

/// Returns whether the error says that there is no such file. A path through something that is not a directory, as with
/// `HOME=/dev/null`, leads to no file either.
#[must_use]
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Opens a private file for reading and appending, and creates it and its directory if they do not exist. A mode looser
/// than 0600 is tightened.
///
/// ```
/// use std::io::Write as _;
///
/// use private_files::{Repair, file};
///
/// # fn main() -> std::io::Result<()> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("data/log");
/// let mut repairs: Vec<Repair> = Vec::new();
/// // Creates the directory too, both for this user alone.
/// let mut log = file::open_append(&path, &mut repairs)?;
/// writeln!(log, "a line")?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// As [`read`].
pub fn open_append<W: From<Repair>>(path: &Path, repairs: &mut Vec<W>) -> io::Result<File> {
    open_or_create(path, OpenOptions::new().read(true).append(true), repairs)
}

/// Opens a private file for reading and writing at any position, and creates it and its directory if they do not exist.
/// Its content is kept. A mode looser than 0600 is tightened.
///
/// # Errors
/// As [`read`].
pub fn open_write<W: From<Repair>>(path: &Path, repairs: &mut Vec<W>) -> io::Result<File> {
    open_or_create(path, OpenOptions::new().read(true).write(true), repairs)
}

fn open_or_create<W: From<Repair>>(path: &Path, options: &OpenOptions, repairs: &mut Vec<W>) -> io::Result<File> {
    directory::create(directory::of(path))?;
    // Exclusive creation does not follow a link; an existing file is examined before it is used.
    match private(options.clone().create_new(true)).open(path) {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = open_existing(path, options)?;
            tighten(&file, path, repairs)?;
            Ok(file)
        }
        Err(error) => Err(error),
    }
}

/// Creates a private file that must not exist yet, for writing.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when something has that name; the error of the operating system.
pub fn create_new(path: &Path) -> io::Result<File> {
    // Exclusive creation does not follow a link.
    private(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// Opens for reading a file that the user named. It may be a link to a regular file and may have any owner; a pipe is
/// refused, because opening it could block forever.
///
/// # Errors
/// The error of the operating system; [`io::ErrorKind::InvalidInput`] when it is not a regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let file = open_without_waiting(path, OpenOptions::new().read(true))?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

/// Reads a whole file that the user named, of at most `limit` bytes. See [`open_regular`].
///
/// # Errors
/// As [`open_regular`]; [`io::ErrorKind::FileTooLarge`] over the limit.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_limited(&open_regular(path)?, limit)
}

/// Replaces a file as a whole: after a crash at any instant it has either the old content or the new.
///
/// # Errors
/// The error of the operating system; [`io::ErrorKind::InvalidInput`] when it is a symbolic link or not a regular file.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    replace_and_open(path, content)?.synced
}

/// A file that [`replace_and_open`] has put in place.
#[derive(Debug)]
pub struct Replaced {
    /// The new file, opened for appending.
    pub file: File,
    /// Whether the replacement survives a power failure.
    pub synced: io::Result<()>,
}

/// Replaces a file as [`replace`] does, and returns the new file opened for appending. A caller that kept appending to
/// the old handle would write into a file that has no name any more.
///
/// # Errors
/// As [`replace`], except that a failed sync of the directory is part of the result: the file is in place.
pub fn replace_and_open(path: &Path, content: &[u8]) -> io::Result<Replaced> {
    refuse_link(path)?;
    let parent = directory::of(path);
    directory::create(parent)?;
    // `tempfile` creates it with mode 0600.
    let mut file = tempfile::Builder::new().append(true).tempfile_in(parent)?;
    file.write_all(content)?;
    // Without this the rename may reach the disk before the content does.
    file.as_file().sync_all()?;
    let file = file.persist(path).map_err(|error| error.error)?;
    Ok(Replaced { file, synced: directory::sync(parent) })
}

/// Removes a file and waits until the removal is on the disk. A file that does not exist is no error.
///
/// # Errors
/// The error of the operating system.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => directory::sync(directory::of(path)),
        Err(error) if is_missing(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Renames a damaged file to its [`damaged_path`].
///
/// # Errors
/// The error of the operating system.
pub fn set_aside(path: &Path) -> io::Result<Repair> {
    let to = damaged_path(path);
    fs::rename(path, &to)?;
    Ok(Repair::SetAside { path: path.to_owned(), to })
}

/// Returns the first of `<path>.damaged`, `<path>.damaged-2`, … that does not exist, and after 20 the last one again: a
/// disk that damages a file at every start must not fill up with copies.
#[must_use]
pub fn damaged_path(path: &Path) -> PathBuf {
    let name = |count: u32| match count {
        1 => with_suffix(path, ".damaged"),
        count => with_suffix(path, format!(".damaged-{count}")),
    };
    (1..20).map(name).find(|name| fs::symlink_metadata(name).is_err()).unwrap_or_else(|| name(20))
}

/// Returns `path` with `suffix` appended to its file name.
#[must_use]
pub fn with_suffix(path: &Path, suffix: impl AsRef<OsStr>) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn read_limited(file: &File, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(limit + 1).read_to_end(&mut content)?;
    // Lossless: `usize` has at most 64 bits.
    if content.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes")));
    }
    Ok(content)
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
    // Examined again, in case another process replaced it between the two calls.
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (named, opened) = (fs::symlink_metadata(path)?, file.metadata()?);
        if (named.dev(), named.ino()) != (opened.dev(), opened.ino()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it was replaced while it was being opened"));
        }
        if let Some(reason) = refusal(&opened, rustix::process::geteuid().as_raw()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
    }
    Ok(file)
}

/// Opens without blocking on a pipe that has no other end.
fn open_without_waiting(path: &Path, options: &OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    let options = &{
        let mut options = options.clone();
        // Same bits; the two crates only disagree about the sign.
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
        options
    };
    options.open(path)
}

/// Returns why an open file must not be used: writing to it would change another file, or another user can read and
/// change it.
#[cfg(unix)]
fn refusal(found: &fs::Metadata, uid: u32) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    if !found.is_file() {
        Some("it is not a regular file".to_owned())
    } else if found.uid() != uid {
        Some(format!("it is owned by uid {}; move it away, or copy it and use the copy", found.uid()))
    } else if found.nlink() > 1 {
        Some("it has a second name (a hard link) that would change too; copy it and use the copy".to_owned())
    } else {
        None
    }
}

#[cfg(unix)]
fn tighten<W: From<Repair>>(file: &File, path: &Path, repairs: &mut Vec<W>) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        repairs.push(Repair::FileTightened { path: path.to_owned(), was: mode }.into());
    }
    Ok(())
}

#[cfg(not(unix))]
fn tighten<W: From<Repair>>(_: &File, _: &Path, _: &mut Vec<W>) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests;
