//! Errors of the file of known rooms.

use std::io;
use std::path::PathBuf;

use private_files::LockError;

/// An error of the file of known rooms.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownRoomsError {
    /// Another process has had the lock for too long.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The file cannot be read.
    #[error("could not read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file cannot be written; its content is unchanged.
    #[error("could not write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}
