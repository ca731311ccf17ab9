//! Faults that were found and repaired when a file was opened. They are reported once and are never fatal.

use std::fmt;
use std::io;
use std::path::PathBuf;

use private_files::Repair;

/// One fault of a file and what was done about it. `Display` is a sentence for the user; it names the file and never
/// quotes its content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileWarning {
    /// A private file or directory was repaired.
    Repaired(Repair),
    /// Other users can replace the files in a directory that the user chose; its mode is kept.
    DirectoryOpen {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A line that cannot be parsed. It stays in the file and does not hide the others.
    DamagedLine {
        /// The file with the line.
        path: PathBuf,
        /// The line number, from 1.
        line: usize,
    },
    /// The last line was incomplete and can be fetched again, so it was removed.
    TornLineCut {
        /// The repaired file.
        path: PathBuf,
        /// The number of removed bytes.
        bytes: u64,
    },
    /// The last line was incomplete and cannot be fetched again, so it was terminated.
    TornLineEnded {
        /// The repaired file.
        path: PathBuf,
    },
    /// The file is shorter than when the cursor was written: another program truncated or replaced it.
    Shrunk {
        /// The truncated file.
        path: PathBuf,
    },
    /// The file was renamed, removed or replaced while it was written, so it was begun again.
    Reopened {
        /// The file.
        path: PathBuf,
    },
    /// Another program changed the file at the cursor's position, so lines may be repeated.
    Changed {
        /// The changed file.
        path: PathBuf,
    },
    /// The configuration file may not be read, so no profile was used.
    ConfigSkipped {
        /// The configuration file.
        path: PathBuf,
        /// Why it could not be read.
        reason: io::ErrorKind,
    },
}

impl From<Repair> for FileWarning {
    fn from(repair: Repair) -> Self {
        Self::Repaired(repair)
    }
}

impl fmt::Display for FileWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repaired(repair) => repair.fmt(f),
            Self::DirectoryOpen { path, mode } => {
                write!(
                    f,
                    "{}: other users can replace files in it (mode {mode:03o}): run `chmod go-w` on it",
                    path.display()
                )
            }
            Self::DamagedLine { path, line } => {
                write!(f, "{}: line {line} is damaged and was skipped", path.display())
            }
            Self::TornLineCut { path, bytes } => {
                write!(
                    f,
                    "{}: removed an incomplete last line of {bytes} bytes, which will be fetched again",
                    path.display()
                )
            }
            Self::TornLineEnded { path } => {
                write!(f, "{}: the last line was incomplete and was terminated", path.display())
            }
            Self::Shrunk { path } => write!(f, "{}: the file is shorter than when it was last written", path.display()),
            Self::Reopened { path } => {
                write!(f, "{}: the file was moved or removed; continuing in a new file", path.display())
            }
            Self::Changed { path } => {
                write!(f, "{}: another program changed the file; lines may be repeated", path.display())
            }
            Self::ConfigSkipped { path, reason } => {
                write!(f, "could not read {}: {reason}; continuing without a profile", path.display())
            }
        }
    }
}
