//! The reasons why a room was not copied.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use chat_proto::Seq;

use crate::error::JournalError;

/// The reason why a backup, a restore, an export or an import did not happen. What was there before is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The target of a backup is in the data directory, where a file of that name could be taken for a part of the store.
    #[error("{path} is in the data directory: name a file outside of it", path = path.display())]
    InDataDir {
        /// The target.
        path: PathBuf,
    },
    /// The target of a backup exists and is something else.
    #[error("{path} exists and is not a backup: name another file", path = path.display())]
    Occupied {
        /// The target.
        path: PathBuf,
    },
    /// Another backup into the same file is running.
    #[error("another backup to {path} is running: wait until it has ended", path = path.display())]
    Running {
        /// The target.
        path: PathBuf,
    },
    /// A running server has the data directory.
    #[error("the server of {dir} is running{holder}: stop it first, because it and its listeners count on the numbers of its log",
        dir = dir.display(), holder = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The process that holds its lock, if it could be read.
        pid: Option<u32>,
    },
    /// The store that was to be copied is damaged.
    #[error("the store is damaged: run \"chat-server check\"; a start of the server repairs it")]
    DamagedStore,
    /// The file is not a backup of a room.
    #[error("{path} is not a backup of a room", path = path.display())]
    NotABackup {
        /// The file.
        path: PathBuf,
    },
    /// The backup is damaged.
    #[error("{path} is damaged: use another backup, or let the server repair it by starting it with the file as room.db of \
        an empty directory", path = path.display())]
    DamagedBackup {
        /// The file.
        path: PathBuf,
    },
    /// The file is a backup, and not one of a node.
    #[error("{path} is not a copy of a node: make one with \"chat-server admin backup\" where a node runs",
        path = path.display())]
    NotOfNode {
        /// The file.
        path: PathBuf,
    },
    /// The data directory has a room.
    #[error("{dir} has a room: pass --replace to set it aside, or name another directory", dir = dir.display())]
    RoomExists {
        /// The data directory.
        dir: PathBuf,
    },
    /// The name of a file that cannot be one.
    #[error("could not use {path}", path = path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file cannot be read or written.
    #[error("could not use {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A line of an import is wrong.
    #[error("{path}:{line}: {fault}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line number, from 1.
        line: u64,
        /// What is wrong with it.
        fault: RecordFault,
    },
    /// The export could not be written to its reader.
    #[error("could not write the export")]
    Output(#[source] io::Error),
    /// The store failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl TransferError {
    /// Creates the error for a file that the user has named: wrong input if there is no such file.
    pub(crate) fn named(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidInput => Self::Name { path, source },
            _ => Self::File { path, source },
        }
    }

    /// Returns whether the input was wrong, rather than that something failed.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::InDataDir { .. }
            | Self::Occupied { .. }
            | Self::NotABackup { .. }
            | Self::NotOfNode { .. }
            | Self::RoomExists { .. }
            | Self::Name { .. }
            | Self::Line { .. } => true,
            Self::Journal(error) => matches!(error, JournalError::NotOurs { .. } | JournalError::Missing { .. }),
            Self::Running { .. }
            | Self::InUse { .. }
            | Self::DamagedStore
            | Self::DamagedBackup { .. }
            | Self::File { .. }
            | Self::Output(_) => false,
        }
    }
}

/// What is wrong with a line of an import.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// The file has no line.
    #[error("the file is empty")]
    Empty,
    /// The line is too long to be one of an export.
    #[error("the line has more than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: u64,
    },
    /// The first line begins neither an export nor a history.
    #[error(
        "neither an export, which begins with {{\"type\":\"room\", nor a history with lines [DD.MM.YY HH:MM] NICK: TEXT"
    )]
    Unknown,
    /// The line is not a record.
    #[error("not a record of an export: {0}")]
    Json(String),
    /// A later program wrote the export.
    #[error("the export has format {found}, this program supports {known}: use a newer program")]
    TooNew {
        /// The format of the file.
        found: u32,
        /// The format that this program supports.
        known: u32,
    },
    /// A record stands where it cannot.
    #[error("a record {found} cannot stand here")]
    OutOfPlace {
        /// Its type.
        found: &'static str,
    },
    /// A field has a value that a room cannot have.
    #[error("{field} cannot have this value: {reason}")]
    Value {
        /// The field.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// Numbers or times do not grow.
    #[error("{field} does not grow")]
    Order {
        /// The field.
        field: &'static str,
    },
    /// A message repeats the id of another one of its account, or an account is there twice.
    #[error("it repeats an earlier record")]
    Repeated,
    /// The last line is not the end of an export.
    #[error("the export ends before its last line: it was cut off")]
    CutOff,
    /// The last line counts something else than the file has.
    #[error("the export has lost lines: {field} is {counted}, and the file has {found}")]
    Count {
        /// The field.
        field: &'static str,
        /// The number in the last line.
        counted: u64,
        /// The number in the file.
        found: u64,
    },
    /// The line is not one of a history.
    #[error("not a line of a history, [DD.MM.YY HH:MM] NICK: TEXT")]
    NotHistory,
    /// No line of a history is a message.
    #[error("no line up to here has a nickname and a text")]
    NoMessage,
}

impl RecordFault {
    /// Creates the fault of a value.
    pub(crate) fn value(field: &'static str, reason: &dyn Error) -> Self {
        Self::Value { field, reason: reason.to_string() }
    }

    /// Creates the fault of a sequence number that is too large for a store.
    pub(crate) fn too_large(field: &'static str, seq: Seq) -> Self {
        Self::Value { field, reason: format!("{seq} is too large") }
    }
}
