//! `chat`: the chat client for scripts. Data goes to standard output, reports to standard error, and the exit code
//! gives the result. The program translates between a command line and `chat-client`.
//!
//! Only `main` and the packaging use this library.

mod account_choice;
mod args;
mod commands;
mod connection;
mod echo;
mod error;
mod exec;
mod json;
mod ledger;
mod manual;
mod message_filter;
mod message_source;
mod output;
mod persistence;
mod receipts;
mod room_key;
mod runtime;
mod signals;
mod stdout_watch;
mod template;

use std::ffi::OsString;
use std::process::ExitCode;

use chat_frontend::legacy_args::{Spellings, safe_error};
use chat_frontend::{Exit, logging, report};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory as _};

#[doc(hidden)]
pub use manual::MANUAL;

/// The spellings of the original.
const SPELLINGS: Spellings = Spellings {
    options: &[
        ("-host", "--host"),
        ("-hp", "--history-path"),
        ("-cp", "--credential-path"),
        ("-lh", "--host"),
        ("--listen_host", "--host"),
        ("-lp", "--listen-port"),
        ("-wp", "--write-port"),
    ],
    any_value: &["-m", "--message", "-t", "--token", "-u", "--username"],
    flags: &[("-l", "--logging"), ("--logging", "--logging")],
};

/// Returns the definition of the command line, for manual pages and completions.
#[doc(hidden)]
#[must_use]
pub fn command() -> Command {
    args::CliArgs::command()
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    // Before the command line, which may contain a token, is parsed.
    chat_frontend::forbid_core_dumps();
    let words: Vec<OsString> = SPELLINGS.translate(std::env::args_os());
    let args = match args::parse::<args::CliArgs>(&words) {
        Ok(args) => args,
        Err(error) => return usage(&with_advice(safe_error::<args::CliArgs>(&error, &words))),
    };
    if args.common.logging {
        logging::to_stderr();
    }
    let json = args.common.json;
    match commands::run(args) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::report_failure(&error, json);
            error.exit().into()
        }
    }
}

/// Adds how to post a message to the error about an unknown command, unless a command has a similar name.
fn with_advice(mut error: clap::Error) -> clap::Error {
    // `chat accounts NAME` has the same kind.
    let is_command =
        error.get(ContextKind::Usage).is_some_and(|usage| usage.to_string() == command().render_usage().to_string());
    if error.kind() != ErrorKind::InvalidSubcommand || !is_command {
        return error;
    }
    let similar = match error.remove(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(names)) => names,
        Some(ContextValue::String(name)) => vec![name],
        _ => Vec::new(),
    };
    // clap takes "hello" for "help", which its last line names already.
    let similar: Vec<String> = similar.into_iter().filter(|name| name != "help").collect();
    if similar.is_empty() {
        let tip = "`chat send \"TEXT\"` posts a message".into();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    } else {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(similar));
    }
    error
}

/// Prints clap's output: help and version are data, everything else is a usage error.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A pipe closed by `head` is not a failure of `--help`.
        let _ = error.print();
        return Exit::Done.into();
    }
    if std::env::args_os().any(|word| word == "--json") {
        let error = error::CliError::Usage(report::one_line(&error.to_string()).into());
        output::report_failure(&error, true);
    } else {
        let _ = error.print();
    }
    Exit::Usage.into()
}
