//! Temporary directories for test files, on tmpfs where the system has one: thousands of schedules need no disk.

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// Creates an empty directory, removed when it is dropped.
///
/// # Errors
/// The directory could not be created.
pub fn dir() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()) } else { tempfile::tempdir() }
}
