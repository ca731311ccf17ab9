//! The `chaos` program: the fault rig and, started again with a role, each of its processes.

use std::process::ExitCode;

use clap::Parser as _;
use testkit::rig::{self, Options, Role};

fn main() -> anyhow::Result<ExitCode> {
    let mut options = Options::parse();
    match options.role.take() {
        Some(Role::Server(role)) => rig::serve(&role).map(|()| ExitCode::SUCCESS),
        Some(Role::Writer(role)) => single_threaded()?.block_on(rig::write(role)).map(|()| ExitCode::SUCCESS),
        Some(Role::Listener(role)) => single_threaded()?.block_on(rig::listen(role)).map(|()| ExitCode::SUCCESS),
        None => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(rig::run(options))
        }
    }
}

fn single_threaded() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
