//! Errors of the library.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An error of any kind.
pub(crate) type BoxedError = Box<dyn Error + Send + Sync + 'static>;

/// The reason why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port could not be opened; usually it is in use.
    #[error("could not listen on {address}")]
    Bind {
        /// The requested address.
        address: SocketAddr,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// A certificate or its key could not be read.
    #[error("could not read {path}", path = path.display())]
    Pem {
        /// The certificate or key file.
        path: PathBuf,
        /// The error of the file or its content.
        source: BoxedError,
    },
    /// A certificate and its key cannot be used together.
    #[error("could not use the certificate and its key")]
    Certificate(#[source] BoxedError),
    /// The journal could not be opened or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A thread could not be started, or failed while it started the server.
    #[error("could not start a thread of the server")]
    Thread(#[source] BoxedError),
}

/// An operation of a journal failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// No space is left on the disk. Nothing of the batch was stored; a later batch may be.
    #[error("no space left for the store")]
    Full,
    /// The disk did not confirm that it has what was written. A repeated sync can succeed without having written anything,
    /// so the journal is not used any more; the next start reads and writes all of it again.
    #[error(
        "the disk did not confirm what was written (sync failed): the server stops, and its next start checks the store"
    )]
    SyncFailed,
    /// The data directory or a file in it could not be used.
    #[error("could not use {path}", path = path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The data directory or a file in it belongs to another user, or denies access to this one.
    #[error("could not use {path}{owned}: run as its owner, or pass a directory of your own with --data-dir",
        path = path.display(), owned = owned(*owner))]
    Denied {
        /// The file or directory.
        path: PathBuf,
        /// The uid of its owner, if it could be read.
        owner: Option<u32>,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The directory is shared or contains other files. It is left as it is.
    #[error("{dir} is not a data directory: {why}; pass a directory that is empty or does not exist",
        dir = dir.display())]
    NotOurs {
        /// The directory that was asked for.
        dir: PathBuf,
        /// The reason.
        why: ForeignDataDir,
    },
    /// A file of the store is a symbolic link, which could lead anywhere.
    #[error("{path} is a symbolic link: replace it with the file itself", path = path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A file of the open store was removed, moved, replaced or cut short.
    #[error("{path} was removed, replaced or cut short while the server runs: put it back, or restart the server",
        path = path.display())]
    Replaced {
        /// The path that leads elsewhere now.
        path: PathBuf,
    },
    /// Another server uses the data directory.
    #[error("{dir} is in use by another server{holder}", dir = dir.display(), holder = holder(*pid))]
    Locked {
        /// The data directory.
        dir: PathBuf,
        /// The process that holds the lock, if it could be read.
        pid: Option<u32>,
    },
    /// The directory contains no store.
    #[error("no store found in {dir}", dir = dir.display())]
    Missing {
        /// The data directory.
        dir: PathBuf,
    },
    /// The file is not a store, or its header is damaged.
    #[error("the store is damaged")]
    Damaged,
    /// The check of the whole store, which goes on behind a server that was started after a crash, found damage. The journal
    /// is not used any more; the next start repairs the store.
    #[error("damage was found in the store: the server stops, and its next start repairs the store")]
    DamageFound,
    /// A newer version of this program wrote the store.
    #[error("the store has format {found}, this program supports up to {known}: use a newer program")]
    TooNew {
        /// The format of the file.
        found: i64,
        /// The highest format that this program supports.
        known: i64,
    },
    /// The store belongs to a node of a room on several nodes.
    #[error(
        "the store belongs to a room on several nodes: give the servers of its log with --nats, or end the cluster with \"chat-server cluster leave\""
    )]
    OfCluster,
    /// The store is that of a server alone.
    #[error(
        "the store does not belong to a room on several nodes: \"chat-server cluster init\" makes a room of it, \"cluster join\" takes a copy of another node"
    )]
    NotOfCluster,
    /// The log that the nodes of the room share cannot be reached, or does not go on. Nothing is stored until it does.
    #[error("the log of the room cannot be reached")]
    LogAway,
    /// What was to be stored together is too large for one batch of the log that the nodes of the room share.
    #[error("it is too large for the log of the room")]
    TooLargeForLog,
    /// A read did not finish, because it panicked or the runtime is shutting down.
    #[error("a read of the store was interrupted")]
    Interrupted(#[source] BoxedError),
    /// The journal cannot do this: it was made for an earlier version of this crate, or keeps no such records.
    #[error("this journal does not support it")]
    Unsupported,
    /// The journal broke its contract or panicked. The server stops storing.
    #[error("the journal failed: {reason}")]
    Broken {
        /// What the journal did.
        reason: &'static str,
    },
    /// Any other failure, from SQLite or from a journal outside of this crate.
    #[error("the store failed")]
    Other(#[source] BoxedError),
}

impl JournalError {
    /// Returns whether the journal must not be used any more.
    pub(crate) fn ends_the_journal(&self) -> bool {
        matches!(self, Self::SyncFailed | Self::DamageFound)
    }
}

/// The reason why a directory is not accepted as a data directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignDataDir {
    /// Its sticky bit is set, as in `/tmp`.
    #[error("all users may write to it")]
    Shared,
    /// It contains this file, which is not part of a store, and no store.
    #[error("it contains other files ({0})")]
    Holds(String),
}

impl JournalError {
    /// Wraps an error of another store.
    #[must_use]
    pub fn other(error: impl Into<BoxedError>) -> Self {
        Self::Other(error.into())
    }

    /// Creates the error for a failed operation on a file of the data directory.
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "only the store on disk has files"))]
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::Denied { owner: owner(&path), path, source },
            _ => Self::File { path, source },
        }
    }
}

/// The reason why a draft was not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CommitError {
    /// The whole transaction failed.
    #[error("the message was not stored")]
    Storage(#[source] Arc<JournalError>),
    /// The disk failed meanwhile. The next start may find it stored.
    #[error("the disk failed, so it is not known whether it was stored")]
    Uncertain,
    /// The server is closing its journal.
    #[error("the server is closing")]
    Closed,
    /// An operator has revoked the account while the message waited.
    #[error("the account was revoked")]
    Revoked,
    /// An account of another node has got a nickname meanwhile that looks like this one.
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "only nodes have other nodes"))]
    #[error("the nickname is taken")]
    NameTaken,
}

/// Returns the owner of a path, or of the nearest directory above it that can be read.
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
    owner.map(|owner| format!(", owned by uid {owner}")).unwrap_or_default()
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}
