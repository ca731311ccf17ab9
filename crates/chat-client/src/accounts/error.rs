//! Why the account file cannot be used.

use std::io;
use std::path::PathBuf;

use chat_proto::Nickname;
use private_files::LockError;

/// Why the cache cannot be used. None of them carries a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// Somebody else is writing it, and for too long.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be written. What was in it is still in it.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// More than one account fits a name; choosing one silently would post in the wrong name.
    #[error("{} accounts fit the name {name:?}: {}", nicknames.len(), Names(nicknames))]
    Ambiguous {
        /// The name that was looked for.
        name: Box<str>,
        /// The whole nicknames that fit.
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
