//! A directory for files that only a test reads: in memory where the system has such a place, because thousands of
//! schedules need no disk.

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// A fresh one; it goes when it is dropped.
///
/// # Errors
/// It cannot be made.
pub fn dir() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()) } else { tempfile::tempdir() }
}
