//! What can go wrong, one enum for each question: can the server start, did the store take it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port could not be opened; mostly it is in use.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A certificate or its key could not be read.
    #[error("cannot read {path}", path = path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: tokio_rustls::rustls::pki_types::pem::Error,
    },
    /// A certificate and its key cannot be used.
    #[error("the certificate and its key cannot be used")]
    Certificate(#[source] tokio_rustls::rustls::Error),
    /// The store could not be opened or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The thread that writes the store could not be started.
    #[error("cannot start the thread that writes the store")]
    Thread(#[source] io::Error),
}

/// What a journal could not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// No room on the disk. Nothing of the batch was stored; later ones may be.
    #[error("no room on the disk for the store")]
    Full,
    /// The data directory or a file in it could not be used.
    #[error("cannot use {path}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The data directory or a file in it is another user's, or closed to this one.
    #[error("cannot use {path}{owned}: run this as its owner, or give a directory of your own with --data-dir",
        path = path.display(), owned = owned(*owner))]
    Denied {
        /// Which.
        path: PathBuf,
        /// The number of the user whose it is, where it could be looked at.
        owner: Option<u32>,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The directory is shared or holds something else. Its mode would be changed, so it is left alone.
    #[error("{dir} is not a directory for the store: {why}; name one that is empty or does not exist yet",
        dir = dir.display())]
    NotOurs {
        /// The directory that was named.
        dir: PathBuf,
        /// What speaks against it.
        why: Stranger,
    },
    /// A file of the store is a symbolic link, which could lead anywhere.
    #[error("{path} is a symbolic link, which is refused", path = path.display())]
    Link {
        /// Which.
        path: PathBuf,
    },
    /// Another server has the data directory.
    #[error("{dir} is in use by another server{holder}", dir = dir.display(), holder = holder(*pid))]
    Locked {
        /// The data directory.
        dir: PathBuf,
        /// The process that holds it, where it could be read.
        pid: Option<u32>,
    },
    /// There is no store there.
    #[error("there is no store in {dir}", dir = dir.display())]
    Missing {
        /// The data directory.
        dir: PathBuf,
    },
    /// The file is no store, or its header is damaged.
    #[error("the store is damaged")]
    Damaged,
    /// A newer program wrote this store.
    #[error("the store has format {found}; this program knows {known}")]
    TooNew {
        /// The format of the file.
        found: i64,
        /// The highest format that is known here.
        known: i64,
    },
    /// A read did not come to its end, because the runtime is shutting down or because it panicked.
    #[error("a read of the store was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
    /// SQLite said no.
    #[error("the store failed")]
    Sqlite(#[source] rusqlite::Error),
}

/// Why a directory is taken for somebody else's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stranger {
    /// Its sticky bit is set, as in `/tmp`.
    #[error("everybody may write there")]
    Shared,
    /// There is a file in it that is none of the store's, and no store.
    #[error("it holds other files ({0})")]
    Holds(String),
}

impl JournalError {
    /// What could not be done with a file of the data directory.
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::Denied { owner: owner(&path), path, source },
            _ => Self::File { path, source },
        }
    }
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Sqlite(error),
        }
    }
}

/// Why a draft was not stored.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The store failed for the whole transaction.
    #[error("the message was not stored")]
    Storage(#[source] Arc<JournalError>),
    /// The server is closing its store.
    #[error("the server is closing")]
    Closed,
}

/// Whose a path is, or the nearest directory above it that can be looked at.
#[cfg(unix)]
fn owner(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    path.ancestors().find_map(|path| path.symlink_metadata().ok()).map(|found| found.uid())
}

#[cfg(not(unix))]
fn owner(_path: &Path) -> Option<u32> {
    None
}

fn owned(owner: Option<u32>) -> String {
    owner.map(|owner| format!(", which belongs to the user with the number {owner}")).unwrap_or_default()
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}
