//! Sentences for people on standard error.

use std::io::{self, Write as _};
use std::path::Path;

use chat_proto::display;
use chat_server::command_line::LogFormat;
use chat_server::{JournalError, Recovery};

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
