//! One module per command, and the runtime that they share.

mod accounts;
mod history;
mod listen;
mod pages;
mod ping;
mod register;
mod send;

use std::future::Future;

use chat_frontend::Exit;

use crate::args::{CliArgs, CliCommand};
use crate::error::CliError;

/// Runs the requested command.
pub(crate) fn run(args: CliArgs) -> Result<Exit, CliError> {
    let common = args.common;
    match args.command {
        CliCommand::Listen(args) => on_runtime(listen::run(&args, &common)),
        CliCommand::Send(args) => on_runtime(send::run(args, &common)),
        CliCommand::Register(args) => on_runtime(register::run(&args, &common)),
        CliCommand::Accounts(args) => accounts::run(&args, &common),
        CliCommand::History(args) => history::run(&args, &common),
        CliCommand::Ping(args) => on_runtime(ping::run(&args, &common)),
        CliCommand::Completions { shell } => pages::completions(shell),
        CliCommand::Man { command } => pages::manual(command.as_deref()),
    }
}

/// Runs a command on a runtime of one thread, which suffices for two connections and starts faster than several.
fn on_runtime(work: impl Future<Output = Result<Exit, CliError>>) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::Runtime)?;
    let exit = runtime.block_on(work);
    // Does not wait for the thread that may be blocked on standard input.
    runtime.shutdown_background();
    exit
}
