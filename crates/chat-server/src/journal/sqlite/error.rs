//! Errors inside the SQLite journal, before they become a [`JournalError`].

use crate::error::JournalError;
#[cfg(feature = "bin")]
use crate::transfer::TransferError;

/// An error of SQLite, or of the files around it.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl StoreError {
    /// Returns true if the error means that the file is damaged, rather than that it cannot be used now.
    pub(super) fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{
            ConstraintViolation, DatabaseCorrupt, NotADatabase, ReadOnly, SchemaChanged, TypeMismatch, Unknown,
        };
        let error = match self {
            Self::Journal(error) => return matches!(error, JournalError::Damaged),
            Self::Sqlite(error) => error,
        };
        match error.sqlite_error_code() {
            // `Unknown` is SQLITE_ERROR: a table is missing, or the schema is invalid. A flipped format version in the
            // header appears as `ReadOnly`.
            Some(
                DatabaseCorrupt | NotADatabase | ConstraintViolation | TypeMismatch | SchemaChanged | Unknown
                | ReadOnly,
            ) => true,
            Some(_) => false,
            // A value whose type is not the one in the schema.
            None => true,
        }
    }
}

/// Returns whether a sync of a file or of its directory failed, rather than a write.
fn is_sync_failure(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(rusqlite::ffi::SQLITE_IOERR_FSYNC | rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC))
}

impl From<StoreError> for JournalError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Journal(error) => error,
            StoreError::Sqlite(error) => match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
                _ if is_sync_failure(&error) => Self::SyncFailed,
                _ => Self::other(error),
            },
        }
    }
}

#[cfg(feature = "bin")]
impl From<StoreError> for TransferError {
    fn from(error: StoreError) -> Self {
        Self::Journal(error.into())
    }
}

#[cfg(feature = "bin")]
impl From<rusqlite::Error> for TransferError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::from(error).into()
    }
}
