//! Measures the programs of this workspace and prints tables. It asserts nothing: a figure that misses its
//! target is a row that says so.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod measure;
mod past;
mod process;
mod quantile;
mod report;
mod results;
mod room;
mod server_process;
mod table;
mod terminal;
mod thread_time;
mod tui;

use anyhow::Result;
use clap::Parser;

/// Measures the programs as they are built, on this machine, now.
#[derive(Debug, Parser)]
#[command(name = "chat-bench")]
enum Bench {
    /// chat-tui: cold start, key to frame, search, resize, memory
    Tui(tui::Options),
}

fn main() -> Result<()> {
    match Bench::parse() {
        Bench::Tui(options) => tui::run(&options),
    }
}
