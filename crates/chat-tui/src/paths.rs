//! Where the files of a run are.

use std::path::PathBuf;

/// The files that the services read and write.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    /// The local room is kept below it.
    pub(crate) data_dir: PathBuf,
    pub(crate) history: PathBuf,
    pub(crate) credentials: PathBuf,
    pub(crate) outbox: PathBuf,
}
