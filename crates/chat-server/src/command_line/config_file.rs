//! The configuration file: TOML whose keys are the long options. Each key is looked up in the command, and its value is
//! parsed as on the command line.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Id, ValueHint};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::usage_error::{ConfigFileError, Fault};

/// All options together take less than a hundredth of this size.
const MAX_BYTES: u64 = 256 * 1024;

/// The option that names the file; it is not a key of the file.
const CONFIG: &str = "config";

/// The content of a configuration file.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    entries: Vec<Entry>,
}

/// One key and its value.
#[derive(Debug)]
struct Entry {
    line: usize,
    key: String,
    id: Id,
    /// The options that contradict it.
    rivals: Vec<Id>,
    /// The same as one command-line argument; `None` for a switch that is off.
    argument: Option<OsString>,
    value: OsString,
}

impl ConfigFile {
    /// Reads a file for this command.
    ///
    /// # Errors
    /// [`ConfigFileError`] if it cannot be read, or contains something that the command line does not accept.
    pub fn read(path: &Path, command: &Command) -> Result<Self, ConfigFileError> {
        let failed = |source| ConfigFileError::Read { path: path.to_owned(), source };
        let mut content = String::new();
        let file = File::open(path).map_err(failed)?;
        file.take(MAX_BYTES + 1).read_to_string(&mut content).map_err(failed)?;
        if content.len() as u64 > MAX_BYTES {
            return Err(ConfigFileError::TooLong { path: path.to_owned(), limit: MAX_BYTES });
        }
        Self::parse(path, &content, command)
    }

    /// Parses the content of a file. `path` is used in messages and for relative paths.
    ///
    /// # Errors
    /// [`ConfigFileError::Line`].
    pub fn parse(path: &Path, content: &str, command: &Command) -> Result<Self, ConfigFileError> {
        let at = |offset: usize, fault| ConfigFileError::Line {
            path: path.to_owned(),
            line: line_of(content, offset),
            fault,
        };
        let table = DeTable::parse(content)
            .map_err(|error| at(error.span().map_or(0, |span| span.start), Fault::Toml(Box::new(error))))?;
        let mut pairs: Vec<_> = table.get_ref().iter().collect();
        pairs.sort_by_key(|(key, _)| key.span().start);
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut entries: Vec<Entry> = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let offset = key.span().start;
            let entry = Entry::understand(key.get_ref(), value, command, folder).map_err(|fault| at(offset, fault))?;
            if let Some(other) = entries.iter().find(|other| other.contradicts(&entry)) {
                let (key, other) = (entry.key, other.key.clone());
                return Err(at(offset, Fault::Conflict { key, other }));
            }
            entries.push(Entry { line: line_of(content, offset), ..entry });
        }
        Ok(Self { path: path.to_owned(), entries })
    }

    /// Returns the entries that this command line does not override.
    #[must_use]
    pub(super) fn beneath(mut self, said: &ArgMatches, command: &Command) -> Self {
        let given: Vec<&Arg> = command
            .get_arguments()
            .filter(|arg| said.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine))
            .collect();
        self.entries.retain(|entry| {
            !given.iter().any(|arg| {
                *arg.get_id() == entry.id
                    || entry.rivals.contains(arg.get_id())
                    || command.get_arg_conflicts_with(arg).iter().any(|rival| *rival.get_id() == entry.id)
            })
        });
        self
    }

    /// Returns the entries as command-line arguments.
    pub fn arguments(&self) -> impl Iterator<Item = OsString> {
        self.entries.iter().filter_map(|entry| entry.argument.clone())
    }

    /// Returns the value of one key.
    pub(super) fn value(&self, key: &str) -> Option<&OsString> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// Returns the error for the first key that needs an option which is missing; `error` names it.
    pub(super) fn blame(&self, command: &Command, error: clap::Error) -> Result<ConfigFileError, clap::Error> {
        let incomplete = |entry: &&Entry| {
            let alone = entry.argument.as_ref().map(|argument| try_alone(command, argument.clone()));
            matches!(alone, Some(Err(error)) if error.kind() == ErrorKind::MissingRequiredArgument)
        };
        match self.entries.iter().find(incomplete) {
            Some(Entry { line, key, .. }) if error.kind() == ErrorKind::MissingRequiredArgument => {
                let fault = Fault::Incomplete { key: key.clone(), source: Box::new(error) };
                Ok(ConfigFileError::Line { path: self.path.clone(), line: *line, fault })
            }
            _ => Err(error),
        }
    }
}

impl Entry {
    fn understand(key: &str, value: &Spanned<DeValue<'_>>, command: &Command, folder: &Path) -> Result<Self, Fault> {
        let known = command.get_arguments().find(|arg| arg.get_long() == Some(key) && key != CONFIG);
        let Some(arg) = known else {
            return Err(Fault::UnknownKey { key: key.to_owned(), similar: similar(command, key) });
        };
        let said = Said::of(value.get_ref());
        let wanted = Wanted::of(arg);
        if !wanted.takes(&said) {
            return Err(Fault::Type { key: key.to_owned(), found: said.name(), wanted: wanted.name() });
        }
        let (value, argument) = match said {
            Said::Switch(on) => (on.to_string().into(), on.then(|| OsString::from(format!("--{key}")))),
            Said::Text(text) if arg.get_value_hint() == ValueHint::AnyPath && !text.is_empty() => {
                let value = folder.join(text).into_os_string();
                let mut argument = OsString::from(format!("--{key}="));
                argument.push(&value);
                (value, Some(argument))
            }
            Said::Text(text) => (text.into(), Some(OsString::from(format!("--{key}={text}")))),
            Said::Number(number) => (number.as_ref().into(), Some(OsString::from(format!("--{key}={number}")))),
            Said::Else(_) => (OsString::new(), None),
        };
        if let Some(argument) = &argument
            && let Err(error) = try_alone(command, argument.clone())
            && error.kind() != ErrorKind::MissingRequiredArgument
        {
            let (key, value) = (key.to_owned(), format!("{:?}", value.to_string_lossy()));
            return Err(Fault::Value { key, value, source: Box::new(error) });
        }
        let rivals = command.get_arg_conflicts_with(arg).iter().map(|rival| rival.get_id().clone()).collect();
        Ok(Self { line: 0, key: key.to_owned(), id: arg.get_id().clone(), rivals, argument, value })
    }

    /// A switch that is off contradicts nothing.
    fn contradicts(&self, other: &Self) -> bool {
        let rivals = self.rivals.contains(&other.id) || other.rivals.contains(&self.id);
        rivals && self.argument.is_some() && other.argument.is_some()
    }
}

/// A value, as far as its type matters to options.
enum Said<'a> {
    Switch(bool),
    Number(Cow<'a, str>),
    Text(&'a str),
    Else(&'static str),
}

impl<'a> Said<'a> {
    fn of(value: &'a DeValue<'_>) -> Self {
        match value {
            DeValue::Boolean(on) => Self::Switch(*on),
            // The options accept only decimal numbers. A number too large for them is left unchanged, so that their
            // parser reports it.
            DeValue::Integer(number) if number.radix() != 10 => Self::Number(
                i64::from_str_radix(number.as_str(), number.radix())
                    .map_or(number.as_str().into(), |number| number.to_string().into()),
            ),
            DeValue::Integer(number) => Self::Number(number.as_str().into()),
            DeValue::Float(number) => Self::Number(number.as_str().into()),
            DeValue::String(text) => Self::Text(text),
            DeValue::Datetime(_) => Self::Else("a date"),
            DeValue::Array(_) => Self::Else("a list"),
            DeValue::Table(_) => Self::Else("a table"),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Switch(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Else(name) => name,
        }
    }
}

/// The type that an option accepts, derived from its placeholder in `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Switch,
    Number,
    Rate,
    Text,
}

impl Wanted {
    fn of(arg: &Arg) -> Self {
        match arg.get_value_names().and_then(|names| names.first()).map(|name| name.as_str()) {
            Some("BOOL") => Self::Switch,
            Some("N" | "SECONDS") => Self::Number,
            Some("RATE[:BURST]") => Self::Rate,
            _ => Self::Text,
        }
    }

    fn takes(self, said: &Said<'_>) -> bool {
        match said {
            Said::Switch(_) => self == Self::Switch,
            Said::Number(_) => matches!(self, Self::Number | Self::Rate),
            Said::Text(_) => matches!(self, Self::Text | Self::Rate),
            Said::Else(_) => false,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Switch => "true or false",
            Self::Number => "a number",
            Self::Rate => "a number or a text like \"20:200\"",
            Self::Text => "a text in quotes",
        }
    }
}

/// Parses the command with only this argument.
fn try_alone(command: &Command, argument: OsString) -> Result<ArgMatches, clap::Error> {
    command.clone().try_get_matches_from([OsString::from(command.get_name()), argument])
}

/// Returns an option with a similar name.
fn similar(command: &Command, key: &str) -> Option<String> {
    let dashed = key.replace('_', "-");
    let known = |name: &str| name != CONFIG && command.get_arguments().any(|arg| arg.get_long() == Some(name));
    if known(&dashed) {
        return Some(dashed);
    }
    let error = try_alone(command, format!("--{dashed}").into()).err()?;
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
