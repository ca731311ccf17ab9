//! `--exec CMD [ARG]...`: starts a program for each message, one at a time and in order.
//!
//! The values are in the environment of the program. No shell is involved, so nothing in a message is ever interpreted.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use chat_client::{Message, display};
use chat_frontend::time::in_words;
use jiff::Timestamp;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::error::CliError;
use crate::json::{accepted_at, rfc3339};
use crate::output;
use crate::signals::Interrupt;

/// Variables that contain secrets or paths of secrets, which a program that handles messages does not get.
const SECRETS: [&str; 2] = ["CHAT_TOKEN", "CHAT_TOKEN_FILE"];

/// The program of `--exec`.
#[derive(Debug)]
pub(crate) struct ExecCommand {
    program: OsString,
    arguments: Vec<OsString>,
    /// How long one run may take. While it runs, no other message is received.
    limit: Duration,
}

impl ExecCommand {
    /// Takes the program and its arguments; `None` without words.
    pub(crate) fn new(words: &[OsString], limit: Duration) -> Option<Self> {
        let (program, arguments) = words.split_first()?;
        Some(Self { program: program.clone(), arguments: arguments.to_vec(), limit })
    }

    /// Runs the program for a message and waits until it ends. A failure of the program is reported and does not end
    /// the listener.
    ///
    /// # Errors
    /// The program cannot be started, or a signal ended the wait; the program is then killed.
    pub(crate) async fn run(&self, message: &Message, interrupt: &Interrupt) -> Result<(), CliError> {
        let mut child = self.start(message)?;
        // Both branches are cancel-safe. A dropped child is killed.
        let ended = tokio::select! {
            biased;
            () = interrupt.wait() => return Err(CliError::Interrupted),
            ended = timeout(self.limit, child.wait()) => ended,
        };
        let name = self.program.to_string_lossy();
        match ended {
            Ok(Ok(status)) if status.success() => {}
            Ok(Ok(status)) => output::report(format_args!("--exec: {name} {}", in_short(status))),
            Ok(Err(source)) => return Err(self.failed(source)),
            Err(_) => {
                // An error means that it has just ended.
                let _ = child.kill().await;
                output::report(format_args!("--exec: {name} took longer than {} and was killed", in_words(self.limit)));
            }
        }
        Ok(())
    }

    fn start(&self, message: &Message) -> Result<Child, CliError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null()).kill_on_drop(true);
        for secret in SECRETS {
            command.env_remove(secret);
        }
        for (name, value) in values(message) {
            match value {
                Some(value) => command.env(name, value),
                // A value of the caller's own environment must not look like one of the message.
                None => command.env_remove(name),
            };
        }
        command.spawn().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> CliError {
        CliError::File { path: (&self.program).into(), source }
    }
}

fn in_short(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exited with {code}"),
        None => "was ended by a signal".to_owned(),
    }
}

/// Returns the variables of a message. Texts are cleaned as for a terminal, because most programs print them; line
/// breaks are kept.
fn values(message: &Message) -> [(&'static str, Option<String>); 6] {
    let clean = |text: &str| display::clean_keeping_line_breaks(text).into_owned();
    let sender = message.sender.as_ref().map(|sender| clean(sender.as_str()));
    let text = clean(message.text.as_str());
    let (text, line) = if sender.is_some() { (Some(text), None) } else { (None, Some(text)) };
    let position = message.position.as_ref();
    [
        ("CHAT_MESSAGE_NICK", sender),
        ("CHAT_MESSAGE_TEXT", text),
        ("CHAT_MESSAGE_LINE", line),
        ("CHAT_MESSAGE_AT", Some(rfc3339(accepted_at(message, Timestamp::now())))),
        ("CHAT_MESSAGE_SEQ", position.map(|position| position.seq.to_string())),
        ("CHAT_MESSAGE_STREAM", position.map(|position| position.stream.to_string())),
    ]
}
