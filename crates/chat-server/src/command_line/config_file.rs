//! The configuration file: TOML whose keys are the long options.

use std::fs::File;
use std::io::Read as _;
use std::iter;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{Args as _, Command};
use serde::Deserialize as _;
use serde::de::value::MapDeserializer;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::options::Options;
use super::usage_error::{ConfigFileError, Fault};

/// All options together take less than a hundredth of this size.
const MAX_BYTES: u64 = 256 * 1024;

/// The content of a configuration file.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    options: Options,
    /// The keys with their lines, in the order of the file.
    keys: Vec<(String, usize)>,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigFileError`] if it cannot be read, or contains something that is not an option.
    pub fn read(path: &Path) -> Result<Self, ConfigFileError> {
        let failed = |source| ConfigFileError::Read { path: path.to_owned(), source };
        let mut content = String::new();
        let file = File::open(path).map_err(failed)?;
        file.take(MAX_BYTES + 1).read_to_string(&mut content).map_err(failed)?;
        if content.len() as u64 > MAX_BYTES {
            return Err(ConfigFileError::TooLong { path: path.to_owned(), limit: MAX_BYTES });
        }
        Self::parse(path, &content)
    }

    /// Parses the content of a file. `path` is used in messages and for relative paths.
    ///
    /// # Errors
    /// [`ConfigFileError::Line`].
    pub fn parse(path: &Path, content: &str) -> Result<Self, ConfigFileError> {
        let at = |offset: usize, fault| ConfigFileError::Line {
            path: path.to_owned(),
            line: line_of(content, offset),
            fault,
        };
        let table = DeTable::parse(content)
            .map_err(|error| at(error.span().map_or(0, |span| span.start), Fault::Toml(Box::new(error))))?;
        // One key after the other in the order of the file, so that the first error is reported, with its line.
        let mut pairs: Vec<_> = table.into_inner().into_iter().collect();
        pairs.sort_by_key(|(key, _)| key.span().start);
        let (mut options, mut keys) = (Options::default(), Vec::with_capacity(pairs.len()));
        for (key, value) in pairs {
            let (offset, key) = (key.span().start, key.get_ref().to_string());
            let one = one_option(&key, value).map_err(|fault| at(offset, fault))?;
            if let Some(other) = contradicts(&one, &options) {
                return Err(at(offset, Fault::Conflict { key, other }));
            }
            options = one.over(options);
            keys.push((key, line_of(content, offset)));
        }
        let options = options.relative_to(path.parent().unwrap_or(Path::new("")));
        Ok(Self { path: path.to_owned(), options, keys })
    }

    /// Returns the options that the file sets.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Returns the error for the first of `keys` in the file, which needs further options. `None` if the file has none
    /// of these keys.
    pub(super) fn incomplete(&self, keys: &[&str], missing: &str) -> Option<ConfigFileError> {
        let (key, line) = self.keys.iter().find(|(key, _)| keys.contains(&key.as_str()))?;
        let fault = Fault::Incomplete { key: key.clone(), missing: missing.to_owned() };
        Some(ConfigFileError::Line { path: self.path.clone(), line: *line, fault })
    }
}

/// Deserializes one key and its value.
fn one_option(key: &str, value: Spanned<DeValue<'_>>) -> Result<Options, Fault> {
    let command = Options::augment_args(Command::new("chat-server"));
    if !command.get_arguments().any(|arg| arg.get_long() == Some(key)) {
        return Err(Fault::UnknownKey { key: key.to_owned(), similar: similar(&command, key) });
    }
    let table = MapDeserializer::new(iter::once((key, ValueDeserializer::from(value))));
    Options::deserialize(table).map_err(|error| Fault::Value { key: key.to_owned(), source: Box::new(error) })
}

/// Returns the earlier key that excludes the one in `one`. `memory = false` excludes nothing.
fn contradicts(one: &Options, earlier: &Options) -> Option<String> {
    let in_memory = |options: &Options| options.memory == Some(true);
    if one.data_dir.is_some() && in_memory(earlier) {
        Some("memory".to_owned())
    } else if in_memory(one) && earlier.data_dir.is_some() {
        Some("data-dir".to_owned())
    } else {
        None
    }
}

/// Returns an option with a similar name.
fn similar(command: &Command, key: &str) -> Option<String> {
    let dashed = key.replace('_', "-");
    let known = |name: &str| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    if known(&dashed) {
        return Some(dashed);
    }
    // Unknown options are an error of clap, which contains its suggestion.
    let words = ["chat-server".to_owned(), format!("--{dashed}")];
    let error = command.clone().try_get_matches_from(words).err()?;
    match error.get(ContextKind::SuggestedArg)? {
        ContextValue::String(option) => option.strip_prefix("--").filter(|option| known(option)).map(str::to_owned),
        _ => None,
    }
}

fn line_of(content: &str, offset: usize) -> usize {
    let before = content.as_bytes().get(..offset).unwrap_or(content.as_bytes());
    before.iter().filter(|&&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
