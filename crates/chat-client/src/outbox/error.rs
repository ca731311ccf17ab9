//! Why the outbox cannot be used.

use std::io;
use std::path::PathBuf;

use private_files::LockError;

/// Why the outbox cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// Another process has it.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// It cannot be read or written.
    #[error("could not use the outbox {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}
