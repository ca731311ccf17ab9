//! One module per command.

mod accounts;
mod history;
mod listen;
mod pages;
mod ping;
mod register;
mod send;
mod whoami;

use chat_frontend::Exit;

use crate::args::{CliArgs, CliCommand, Named};
use crate::error::CliError;

/// Runs the requested command.
pub(crate) fn run(args: CliArgs) -> Result<Exit, CliError> {
    let common = args.common;
    match args.command {
        CliCommand::Listen(Named(args)) => listen::run(&args, &common),
        CliCommand::Send(Named(args)) => send::run(args, &common),
        CliCommand::Register(Named(args)) => register::run(&args, &common),
        CliCommand::Accounts(Named(args)) => accounts::run(&args, &common),
        CliCommand::History(Named(args)) => history::run(&args, &common),
        CliCommand::Ping(Named(args)) => ping::run(&args, &common),
        CliCommand::Whoami(Named(args)) => whoami::run(&args, &common),
        CliCommand::Completions { shell } => pages::completions(shell),
        CliCommand::Man { command } => pages::manual(command.as_deref()),
    }
}
