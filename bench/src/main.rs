//! Measures the programs of this workspace and prints tables. It asserts nothing: a figure that misses its
//! target is a row that says so.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod accepts;
mod bad_listeners;
mod contest;
mod crowd;
mod descriptors;
mod dialogue;
mod ear;
mod fan_out;
mod idle;
mod latency;
mod listening;
mod measure;
mod mouth;
mod past;
mod peers;
mod plot;
mod posting;
mod probe;
mod process;
mod quantile;
mod report;
mod results;
mod resuming;
mod room;
mod sending;
mod server_process;
mod stalled;
mod starting;
mod store;
mod table;
mod terminal;
mod text;
mod thread_time;
mod tui;
mod under_load;
mod visitor;

use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// Lines into a history file: chat listen beside its peers
    Listen(listening::Options),
    /// The same, one line a packet
    ListenLive(listening::Options),
    /// One message from exec to confirmed: chat send beside its peers
    Send(sending::Options),
    /// Posting over one connection, confirmed when on the disk: the server beside its peers
    Post(posting::Options),
    /// A listener far behind catches up, and what a live one feels meanwhile
    Resume(resuming::Options),
    /// chat-server and chat-tui from exec to ready, by the length of the past
    Start(starting::Options),
    /// Charts from the lines that --json wrote
    Plot(plot::Options),
    /// From due to delivered at a fixed rate: ours beside its peers
    Latency(latency::Options),
    /// Memory of the server for listeners that nobody talks to: ours beside its peers
    Idle(idle::Options),
    /// Connections a second that are served: ours beside its peers
    Accepts(accepts::Options),
    /// A listener that does not read: what it costs and what it loses; ours beside its peers
    Stalled(stalled::Options),
    /// Login and post in a busy room, and what bad listeners do to good ones: ours against itself
    UnderLoad(under_load::Options),
    /// A peer: a server around tokio's broadcast
    #[command(hide = true)]
    ServeBroadcast { listen: SocketAddr, write: SocketAddr },
    /// A peer: plain blocking sends
    #[command(hide = true)]
    ServeRaw { listen: SocketAddr, write: SocketAddr },
    /// A peer: a listener with tokio-util's LinesCodec
    #[command(hide = true)]
    ListenWithLinesCodec {
        port: u16,
        file: PathBuf,
        #[arg(long)]
        buffered: bool,
    },
}

fn main() -> Result<()> {
    match Bench::parse() {
        Bench::Tui(options) => tui::run(&options),
        Bench::FanOut(options) => fan_out::run(&options),
        Bench::Listen(options) => listening::run(&options),
        Bench::ListenLive(options) => listening::run_live(&options),
        Bench::Send(options) => sending::run(&options),
        Bench::Start(options) => starting::run(&options),
        Bench::Post(options) => posting::run(&options),
        Bench::Resume(options) => resuming::run(&options),
        Bench::Plot(options) => plot::run(&options),
        Bench::Latency(options) => latency::run(&options),
        Bench::Idle(options) => idle::run(&options),
        Bench::Accepts(options) => accepts::run(&options),
        Bench::Stalled(options) => stalled::run(&options),
        Bench::UnderLoad(options) => under_load::run(&options),
        Bench::ServeBroadcast { listen, write } => peers::serve_broadcast(listen, write),
        Bench::ServeRaw { listen, write } => peers::serve_raw(listen, write),
        Bench::ListenWithLinesCodec { port, file, buffered } => {
            listening::listen_with_lines_codec(port, &file, buffered)
        }
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
