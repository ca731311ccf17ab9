//! `chat`: the room for scripts. Data on standard output, talk on standard error, and an exit code
//! that says what happened. All it does is translate between a command line and `chat-client`.

mod account_choice;
mod args;
mod commands;
mod connection;
mod echo;
mod error;
mod exit;
mod json;
mod ledger;
mod legacy_args;
mod logging;
mod message_source;
mod output;
mod receipts;
mod signals;
mod stdout_watch;
mod time;

use std::ffi::OsString;
use std::process::ExitCode;

use chat_client::display;
use clap::Parser as _;

fn main() -> ExitCode {
    let words: Vec<OsString> = legacy_args::translate(std::env::args_os()).into_iter().collect();
    let args = match args::CliArgs::try_parse_from(&words).map_err(|error| made_safe(&error, &words)) {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    logging::start(args.common.logging);
    let json = args.common.json;
    match commands::run(args) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::complain(&failure, json);
            failure.exit().into()
        }
    }
}

/// clap quotes the arguments as they are, and these may steer the terminal: it is asked again with clean ones.
fn made_safe(error: &clap::Error, words: &[OsString]) -> clap::Error {
    let clean = words.iter().map(|word| display::clean_for_terminal(&word.to_string_lossy()).into_owned());
    match args::CliArgs::try_parse_from(clean) {
        Err(error) => error,
        // What was wrong is the very thing that was cleaned.
        Ok(_) => clap::Error::raw(error.kind(), "an argument holds what it must not\n"),
    }
}

/// Help and version are data; everything else that clap has to say is a fault in the usage.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A closed pipe under `--help | head` is nobody's problem.
        let _ = error.print();
        return exit::Exit::Done.into();
    }
    if std::env::args_os().any(|word| word == "--json") {
        let failure = error::CliError::Usage(error::one_line(&error.to_string()));
        output::complain(&failure, true);
    } else {
        let _ = error.print();
    }
    exit::Exit::Usage.into()
}
