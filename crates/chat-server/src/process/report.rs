//! Sentences for people on standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use chat_proto::display;
use chat_server::command_line::LogFormat;
use chat_server::{JournalError, Recovery, StartError};
use serde_json::Value;

use super::log_writer;
use super::logging::without_os_codes;

/// Exit code of a failure.
pub(crate) const FAILURE: u8 = 1;

/// Exit code of wrong usage.
pub(crate) const USAGE: u8 = 2;

/// Writes a sentence to standard error. Control characters are made visible: an argument or a path may contain some.
/// While a server runs, the log's thread writes it, because standard error may be full.
pub(crate) fn eprint(sentence: &str) {
    let sentence = without_os_codes(sentence);
    let line = format!("chat-server: {}\n", display::clean_keeping_line_breaks(&sentence));
    match log_writer::current() {
        Some(writer) => writer.send(line.into_bytes()),
        // There is no other place to report that standard error is closed.
        None => drop(io::stderr().write_all(line.as_bytes())),
    }
}

/// Returns what the sentence about an error ends with, if the reader can do something about it.
pub(crate) fn hint(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref() {
        Some(StartError::Bind { source, .. }) if source.kind() == io::ErrorKind::AddrInUse => {
            "; a server runs there, or chat-tui or chat-web with a local room"
        }
        _ => "",
    }
}

/// Prints one answer of a command on standard output: the object, or the same as text.
///
/// # Errors
/// Standard output failed. A reader that has closed its end is no error.
pub(crate) fn print_reply(json: bool, object: &Value, text: &str) -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    let line = match json {
        true => object.to_string(),
        false if out.is_terminal() => display::clean_for_terminal(text).into_owned(),
        // Output to a pipe is data and must stay unchanged.
        false => text.to_owned(),
    };
    match writeln!(out, "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("could not write to standard output"))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Reports what was repaired at the start: in a sentence, or as an object of the log.
pub(crate) fn report_recovery(recovery: Option<&Recovery>, format: LogFormat) {
    let sentence = match recovery {
        Some(Recovery::SetAside { file, messages, accounts }) => format!(
            "the store was damaged: kept {messages} messages and {accounts} accounts, moved the damaged file to {}",
            file.display()
        ),
        Some(Recovery::TailLost { stored, found }) => {
            format!("the store ends at message {found}, but {stored} had been stored; listeners see a gap")
        }
        Some(_) => "the store was repaired".to_owned(),
        None => return,
    };
    match format {
        LogFormat::Json => tracing::warn!("{sentence}"),
        LogFormat::Text => eprint(&sentence),
    }
}

/// Adds the directory to errors that do not name it.
pub(crate) fn named(dir: &Path) -> impl Fn(JournalError) -> anyhow::Error {
    let dir = dir.display().to_string();
    move |error| match error {
        JournalError::Full | JournalError::Damaged | JournalError::TooNew { .. } | JournalError::Other(_) => {
            anyhow::Error::from(error).context(dir.clone())
        }
        error => error.into(),
    }
}
