//! The `power-cut` program: a server whose disk loses everything that was not synced.

use std::process::ExitCode;

use clap::Parser as _;
use testkit::power_cut::{self, Options};

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    if !options.in_namespace {
        return power_cut::in_namespace();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(power_cut::run(options))
}
