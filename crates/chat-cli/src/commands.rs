//! One module a command, and the runtime that they share.

mod accounts;
mod history;
mod listen;
mod pages;
mod ping;
mod register;
mod send;

use std::future::Future;

use crate::args::{Args, Command};
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs the command that was asked for.
pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let common = args.common;
    match args.command {
        Command::Listen(args) => on_runtime(listen::run(&args, &common)),
        Command::Send(args) => on_runtime(send::run(args, &common)),
        Command::Register(args) => on_runtime(register::run(&args, &common)),
        Command::Accounts(args) => accounts::run(&args, &common),
        Command::History(args) => history::run(&args, &common),
        Command::Ping(args) => on_runtime(ping::run(&args, &common)),
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { command } => pages::manual(command.as_deref()),
    }
}

/// One thread is enough for two connections, and starts faster than several.
fn on_runtime(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
    let exit = runtime.block_on(work);
    // Standard input may still be waited for on a thread that nothing can wake.
    runtime.shutdown_background();
    exit
}
