//! Errors of the outbox file.

#[cfg(feature = "files")]
use std::io;
#[cfg(feature = "files")]
use std::path::PathBuf;

#[cfg(feature = "files")]
use private_files::LockError;

/// An error of the outbox file. Without the feature `files` there is no outbox and no error of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// Another process has locked it.
    #[cfg(feature = "files")]
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The file cannot be read or written.
    #[cfg(feature = "files")]
    #[error("could not use the outbox {}", path.display())]
    Io {
        /// The outbox file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}
