//! Measures the programs of this workspace and prints tables. It asserts nothing: a figure that misses its
//! target is a row that says so.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod listening;
mod measure;
mod past;
mod plot;
mod process;
mod quantile;
mod report;
mod results;
mod room;
mod sending;
mod server_process;
mod table;
mod terminal;
mod thread_time;
mod tui;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

/// Measures the programs as they are built, on this machine, now.
#[derive(Debug, Parser)]
#[command(name = "chat-bench")]
enum Bench {
    /// Lines into a history file: chat listen beside its peers
    Listen(listening::Options),
    /// The same, one line a packet
    ListenLive(listening::Options),
    /// A peer: a listener with tokio-util's LinesCodec
    #[command(hide = true)]
    ListenWithLinesCodec {
        port: u16,
        file: PathBuf,
        #[arg(long)]
        buffered: bool,
    },
    /// One message from exec to confirmed: chat send beside its peers
    Send(sending::Options),
    /// Charts from the lines that --json wrote
    Plot(plot::Options),
    /// chat-tui: cold start, key to frame, search, resize, memory
    Tui(tui::Options),
}

fn main() -> Result<()> {
    match Bench::parse() {
        Bench::Listen(options) => listening::run(&options),
        Bench::ListenLive(options) => listening::run_live(&options),
        Bench::ListenWithLinesCodec { port, file, buffered } => {
            listening::listen_with_lines_codec(port, &file, buffered)
        }
        Bench::Send(options) => sending::run(&options),
        Bench::Plot(options) => plot::run(&options),
        Bench::Tui(options) => tui::run(&options),
    }
}
