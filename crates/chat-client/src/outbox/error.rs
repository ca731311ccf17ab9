//! Errors of the outbox file.

use std::io;
use std::path::PathBuf;

use private_files::LockError;

/// An error of the outbox file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// Another process has locked it.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The file cannot be read or written.
    #[error("could not use the outbox {}", path.display())]
    Io {
        /// The outbox file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}
