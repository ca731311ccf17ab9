//! Measures the programs of this workspace and prints tables. It asserts nothing: a figure that misses its
//! target is a row that says so.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod measure;
mod past;
mod plot;
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
    /// Charts from the lines that --json wrote
    Plot(plot::Options),
    /// chat-tui: cold start, key to frame, search, resize, memory
    Tui(tui::Options),
}

fn main() -> Result<()> {
    match Bench::parse() {
        Bench::Plot(options) => plot::run(&options),
        Bench::Tui(options) => tui::run(&options),
    }
}
