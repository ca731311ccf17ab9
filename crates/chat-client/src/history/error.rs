//! What can go wrong with a history file. Every one of them names the file.

use std::io;
use std::path::PathBuf;

use private_files::LockError;

/// Why the history could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// Somebody else writes it.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// It cannot be opened or created.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be written now, for want of space perhaps. What was to be written waits in memory, in order: try
    /// again later, and nothing is lost as long as the process lives.
    #[error("cannot write {}; {bytes} bytes wait to be written", path.display())]
    Waiting {
        /// The file.
        path: PathBuf,
        /// How much waits.
        bytes: usize,
        /// What the system said.
        source: io::Error,
    },
    /// So much waits already that nothing more is taken: hold the messages back and try again.
    #[error("cannot write {}; {bytes} bytes wait and no more are taken", path.display())]
    Backlog {
        /// The file.
        path: PathBuf,
        /// How much waits.
        bytes: usize,
        /// What the system said.
        source: io::Error,
    },
}
