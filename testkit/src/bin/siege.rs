//! The `siege` program: runs hostile loads against the real programs and prints a table of the results.

use std::process::ExitCode;

use clap::Parser as _;
use testkit::siege::{self, Options};

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    siege::raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(siege::run(options))
}
