//! Errors of the command line and of the configuration file.

use std::io;
use std::path::PathBuf;

/// An error in the arguments of the program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// The command line is wrong, or requests help.
    #[error(transparent)]
    CommandLine(#[from] clap::Error),
    /// The configuration file is wrong.
    #[error(transparent)]
    ConfigFile(#[from] ConfigFileError),
    /// There is no data directory.
    #[error(transparent)]
    NoHome(#[from] etcetera::HomeDirError),
}

/// An error in a configuration file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigFileError {
    /// The file cannot be read.
    #[error("could not read {path}", path = path.display())]
    Read {
        /// The configuration file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is too large to be a configuration file.
    #[error("{path} has more than {limit} bytes", path = path.display())]
    TooLong {
        /// The configuration file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file has an error.
    #[error("{path}:{line}: {fault}", path = path.display())]
    Line {
        /// The configuration file.
        path: PathBuf,
        /// The line number, from 1.
        line: usize,
        /// The error.
        fault: Fault,
    },
}

/// One error of a configuration file, with the valid values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file is not TOML.
    #[error("{}", .0.message())]
    Toml(Box<toml::de::Error>),
    /// No option has this name.
    #[error("there is no option {key:?}{}; the keys are the long options of --help", tip(similar.as_deref()))]
    UnknownKey {
        /// The key.
        key: String,
        /// An option with a similar name.
        similar: Option<String>,
    },
    /// The option does not accept this value. The source completes the sentence.
    #[error("{key} {}", .source.message())]
    Value {
        /// The key.
        key: String,
        /// The error of the value.
        source: Box<toml::de::Error>,
    },
    /// Two keys contradict each other.
    #[error("{key} cannot be used with {other}")]
    Conflict {
        /// The key.
        key: String,
        /// The earlier key.
        other: String,
    },
    /// The option needs others.
    #[error("{key} needs {missing} too")]
    Incomplete {
        /// The key.
        key: String,
        /// The missing options in the spelling of the command line.
        missing: String,
    },
}

fn tip(similar: Option<&str>) -> String {
    similar.map(|similar| format!(" (did you mean {similar:?}?)")).unwrap_or_default()
}
