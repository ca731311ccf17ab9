use std::fmt;
use std::path::PathBuf;

/// A problem that was found with a file or directory, and what was done about it.
///
/// `Display` gives one sentence for the user. It names the file and never quotes its content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// Other users could read or write the file. Its mode is 0600 now.
    FileTightened {
        /// The tightened file.
        path: PathBuf,
        /// The mode before.
        was: u32,
    },
    /// Other users could list or change the directory. Its mode is 0700 now.
    DirectoryTightened {
        /// The tightened directory.
        path: PathBuf,
        /// The mode before.
        was: u32,
    },
    /// Damaged content was moved to another file.
    SetAside {
        /// The damaged file.
        path: PathBuf,
        /// The file that has the damaged content now.
        to: PathBuf,
    },
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileTightened { path, was } => {
                write!(f, "{}: other users had access (mode {was:03o}); the mode is now 600", path.display())
            }
            Self::DirectoryTightened { path, was } => {
                write!(f, "{}: other users had access (mode {was:03o}); the mode is now 700", path.display())
            }
            Self::SetAside { path, to } => {
                write!(f, "{}: the damaged part was moved to {}", path.display(), to.display())
            }
        }
    }
}
