//! Errors of a history file. Each variant names the file.

use std::io;
use std::path::PathBuf;

use private_files::LockError;

/// An error when the history is read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// Another process writes the file.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The file cannot be opened or created.
    #[error("could not open {}", path.display())]
    Open {
        /// The history file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("could not read {}", path.display())]
    Read {
        /// The history file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file cannot be written now, for example on a full disk. The bytes wait in memory, in order. If the caller
    /// retries later, nothing is lost as long as the process lives.
    #[error("could not write {}; {bytes} bytes wait to be written", path.display())]
    Waiting {
        /// The history file.
        path: PathBuf,
        /// The number of waiting bytes.
        bytes: usize,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Too many bytes wait already, so no more were accepted: keep the messages and retry.
    #[error("could not write {}; {bytes} bytes wait, so no more are accepted", path.display())]
    Backlog {
        /// The history file.
        path: PathBuf,
        /// The number of waiting bytes.
        bytes: usize,
        /// The error of the operating system.
        source: io::Error,
    },
}
