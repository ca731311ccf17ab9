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

use crate::args::{CliArgs, CliCommand};
use crate::error::CliError;

/// Runs the requested command.
pub(crate) fn run(args: CliArgs) -> Result<Exit, CliError> {
    let common = args.common;
    match args.command {
        CliCommand::Listen(args) => listen::run(&args, &common),
        CliCommand::Send(args) => send::run(args, &common),
        CliCommand::Register(args) => register::run(&args, &common),
        CliCommand::Accounts(args) => accounts::run(&args, &common),
        CliCommand::History(args) => history::run(&args, &common),
        CliCommand::Ping(args) => ping::run(&args, &common),
        CliCommand::Whoami(args) => whoami::run(&args, &common),
        CliCommand::Completions { shell } => pages::completions(shell),
        CliCommand::Man { command } => pages::manual(command.as_deref()),
    }
}
