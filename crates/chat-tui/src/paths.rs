//! The file paths of a run.

use std::path::PathBuf;

/// The files that the services read and write.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    /// The directory above the local room.
    pub(crate) data_dir: PathBuf,
    pub(crate) history: PathBuf,
    pub(crate) credentials: PathBuf,
    pub(crate) outbox: PathBuf,
    /// Empty if it has no place.
    pub(crate) rooms: PathBuf,
}
