//! What can be wrong with what the program was told. It prints nothing.

use std::io;
use std::path::PathBuf;

/// Why the program does not know what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// The command line is wrong, or asks for help.
    #[error(transparent)]
    CommandLine(#[from] clap::Error),
    /// The configuration file is wrong.
    #[error(transparent)]
    ConfigFile(#[from] ConfigFileError),
    /// There is no place for the data.
    #[error(transparent)]
    NoHome(#[from] etcetera::HomeDirError),
}

/// What is wrong with a configuration file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigFileError {
    /// It cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no file of settings.
    #[error("{path} has more than {limit} bytes", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// How many bytes it may have.
        limit: u64,
    },
    /// One place of it is wrong.
    #[error("{path}:{line}: {fault}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        fault: Fault,
    },
}

/// What is wrong at one place of a configuration file, and what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It is not TOML.
    #[error("{}", .0.message())]
    Toml(Box<toml::de::Error>),
    /// No option has this name.
    #[error("there is no option {key:?}{}; the keys are the long options of --help", tip(similar.as_deref()))]
    UnknownKey {
        /// The key.
        key: String,
        /// The option that may be meant.
        similar: Option<String>,
    },
    /// The value has a type that the option does not take.
    #[error("{key} is {found}, but takes {wanted}")]
    Type {
        /// The key.
        key: String,
        /// What the value is.
        found: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// The option cannot have this value.
    #[error("{key} cannot be {value}: {}", reason(source))]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What the option's parser said.
        source: Box<clap::Error>,
    },
    /// Two keys contradict each other.
    #[error("{key} cannot be used with {other}")]
    Conflict {
        /// The key.
        key: String,
        /// The one that came before it.
        other: String,
    },
    /// The option means nothing alone.
    #[error("{key} needs {} too", missing(source))]
    Incomplete {
        /// The key.
        key: String,
        /// What the parser of the command line said.
        source: Box<clap::Error>,
    },
}

fn tip(similar: Option<&str>) -> String {
    similar.map(|similar| format!(" (do you mean {similar:?}?)")).unwrap_or_default()
}

/// What the option's own parser says; the frame that clap puts around it is for command lines.
fn reason(error: &clap::Error) -> String {
    use clap::error::{ContextKind, ContextValue};
    match (std::error::Error::source(error), error.get(ContextKind::ValidValue)) {
        (Some(source), _) => source.to_string(),
        (None, Some(ContextValue::Strings(valid))) if !valid.is_empty() => format!("it is one of {}", valid.join(", ")),
        (None, _) => "it is empty".to_owned(),
    }
}

/// The options that are missing, as the command line spells them.
fn missing(error: &clap::Error) -> String {
    use clap::error::{ContextKind, ContextValue};
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) => missing.join(" and "),
        Some(ContextValue::String(missing)) => missing.clone(),
        _ => "further options".to_owned(),
    }
}
