//! Errors of the account file.

use std::io;
use std::path::PathBuf;

use chat_proto::Nickname;
use private_files::LockError;

/// An error of the account file. No variant contains a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// Another process has had the lock for too long.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The file cannot be read.
    #[error("could not read {}", path.display())]
    Read {
        /// The account file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file cannot be written; its content is unchanged.
    #[error("could not write {}", path.display())]
    Write {
        /// The account file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// More than one account matches a name; choosing one silently could post under the wrong name.
    #[error("{} accounts match the name {name:?}: {}", nicknames.len(), Names(nicknames))]
    Ambiguous {
        /// The requested name.
        name: Box<str>,
        /// The nicknames of all matching accounts.
        nicknames: Vec<Nickname>,
    },
}

struct Names<'a>(&'a [Nickname]);

impl std::fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, name) in self.0.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{:?}", name.as_str())?;
        }
        Ok(())
    }
}
