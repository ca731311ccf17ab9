//! Standard output and standard error: what is written to each, and what is safe for a terminal.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _};

use chat_client::{Message, display};
use chat_frontend::report::{chain, eprint};
use chat_frontend::streams;
use jiff::Timestamp;

use crate::error::CliError;
use crate::json::{JsonObject, ObjectKind};

/// The output style, decided once from the options and the kind of the streams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) json: bool,
    /// Make control characters visible.
    guarded: bool,
}

impl Style {
    pub(crate) fn new(json: bool, raw: bool) -> Self {
        Self { json, guarded: !raw && io::stdout().is_terminal() }
    }

    /// Prepares text of a peer for standard output.
    pub(crate) fn safe<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.guarded { display::clean_for_terminal(text) } else { Cow::Borrowed(text) }
    }

    /// Returns whether messages are printed unchanged.
    pub(crate) fn is_plain(&self) -> bool {
        !self.json && !self.guarded
    }

    /// Returns whether a look-alike name is marked: on a terminal and in JSON. In a pipe text is data.
    pub(crate) fn marks_look_alikes(&self) -> bool {
        self.json || self.guarded
    }

    /// Appends a message as one line. `looks_like` is the other name that its sender looks like.
    pub(crate) fn message(&self, message: &Message, looks_like: Option<&str>, out: &mut Vec<u8>) {
        if self.json {
            JsonObject::message(message, looks_like, Timestamp::now()).write_to(out);
            return;
        }
        let flat = message.text.flattened();
        let text = self.safe(&flat);
        if let Some(sender) = &message.sender {
            out.extend_from_slice(self.safe(sender.as_str()).as_bytes());
            if let Some(other) = looks_like {
                out.extend_from_slice(format!(" (looks like {})", self.safe(other)).as_bytes());
            }
            out.extend_from_slice(b": ");
        }
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }
}

/// The result of a write to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrote {
    All,
    /// The reader has closed the pipe, as `head -1` does: the end, and a success.
    PipeClosed,
}

/// Writes whole lines to standard output and flushes.
pub(crate) fn print(bytes: &[u8]) -> Result<Wrote, CliError> {
    match streams::write_stdout(bytes) {
        Ok(()) => Ok(Wrote::All),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Wrote::PipeClosed),
        Err(error) => Err(CliError::Output(error)),
    }
}

/// Writes one line to standard error. Text from outside is always made safe, because standard error usually is a
/// terminal.
pub(crate) fn report(what: impl Display) {
    eprint(&format!("chat: {what}"));
}

/// Writes an object to standard error.
pub(crate) fn report_object(object: &JsonObject<'_>) {
    let mut line = Vec::new();
    object.write_to(&mut line);
    // There is no other place to report that standard error is closed.
    let _ = streams::write_stderr(&line);
}

/// Reports the failure that ends the program.
pub(crate) fn report_failure(failure: &CliError, json: bool) {
    if matches!(failure, CliError::Interrupted) {
        return;
    }
    let message = chain(failure);
    if json {
        report_object(&JsonObject::new(ObjectKind::Error { code: failure.code(), message }));
    } else {
        report(message);
    }
}
