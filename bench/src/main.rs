//! Measures the programs of this workspace and prints tables. It asserts nothing: a figure that misses its
//! target is a row that says so.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod accepts;
mod contest;
mod crowd;
mod descriptors;
mod dialogue;
mod ear;
mod fan_out;
mod idle;
mod latency;
mod measure;
mod mouth;
mod past;
mod peers;
mod process;
mod quantile;
mod report;
mod results;
mod room;
mod server_process;
mod stalled;
mod table;
mod terminal;
mod text;
mod thread_time;
mod tui;
mod visitor;

use std::net::SocketAddr;

use anyhow::Result;
use clap::Parser;

/// Measures the programs as they are built, on this machine, now.
#[derive(Debug, Parser)]
#[command(name = "chat-bench")]
enum Bench {
    /// chat-tui: cold start, key to frame, search, resize, memory
    Tui(tui::Options),
    /// One writer, many listeners: ours beside its peers
    FanOut(fan_out::Options),
    /// From due to delivered at a fixed rate: ours beside its peers
    Latency(latency::Options),
    /// Memory of the server for listeners that nobody talks to: ours beside its peers
    Idle(idle::Options),
    /// Connections a second that are served: ours beside its peers
    Accepts(accepts::Options),
    /// A listener that does not read: what it costs and what it loses; ours beside its peers
    Stalled(stalled::Options),
    /// A peer: a server around tokio's broadcast
    #[command(hide = true)]
    ServeBroadcast { listen: SocketAddr, write: SocketAddr },
    /// A peer: what the machine allows
    #[command(hide = true)]
    ServeRaw { listen: SocketAddr, write: SocketAddr },
}

fn main() -> Result<()> {
    match Bench::parse() {
        Bench::Tui(options) => tui::run(&options),
        Bench::FanOut(options) => fan_out::run(&options),
        Bench::Latency(options) => latency::run(&options),
        Bench::Idle(options) => idle::run(&options),
        Bench::Accepts(options) => accepts::run(&options),
        Bench::Stalled(options) => stalled::run(&options),
        Bench::ServeBroadcast { listen, write } => peers::serve_broadcast(listen, write),
        Bench::ServeRaw { listen, write } => peers::serve_raw(listen, write),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_options_do_not_contradict_each_other() {
        Bench::command().debug_assert();
    }
}
