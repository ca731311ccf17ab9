//! What opening one of our own files found wrong and mended: said once, never fatal.

use std::fmt;
use std::path::PathBuf;

use private_files::Repair;

/// One thing that was wrong with a file and what was done about it. `Display` is a sentence for the user; it names
/// the file and never quotes its content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileWarning {
    /// A private file or directory was repaired.
    Repaired(Repair),
    /// Others can replace the files in a directory that somebody named; it stays as it is.
    DirectoryOpen {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A line that cannot be read. It stays in the file and does not hide the others.
    DamagedLine {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
    },
    /// The last line was not finished and could be fetched again, so it was cut off.
    TornLineCut {
        /// The file.
        path: PathBuf,
        /// How many bytes went.
        bytes: u64,
    },
    /// The last line was not finished and cannot be fetched again, so it was ended where it was.
    TornLineEnded {
        /// The file.
        path: PathBuf,
    },
    /// The file is shorter than it was when the cursor was written: somebody cut or replaced it.
    Shrunk {
        /// The file.
        path: PathBuf,
    },
    /// The file was changed by somebody else where the cursor stands, so lines may come twice.
    Changed {
        /// The file.
        path: PathBuf,
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
                    "{}: others may replace what is in it (mode {mode:03o}); `chmod go-w` keeps them from it",
                    path.display()
                )
            }
            Self::DamagedLine { path, line } => {
                write!(f, "{}: line {line} is damaged and was left alone", path.display())
            }
            Self::TornLineCut { path, bytes } => {
                write!(
                    f,
                    "{}: an unfinished last line of {bytes} bytes was removed, to be fetched again",
                    path.display()
                )
            }
            Self::TornLineEnded { path } => {
                write!(f, "{}: the last line was unfinished and ends there", path.display())
            }
            Self::Shrunk { path } => write!(f, "{}: it is shorter than when it was last written", path.display()),
            Self::Changed { path } => {
                write!(f, "{}: it was changed by another program; lines may come twice", path.display())
            }
        }
    }
}
