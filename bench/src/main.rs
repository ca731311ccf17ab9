//! `chat-bench`: measures the programs of this workspace, compares them with others, and prints tables. A figure that
//! misses its target is a row of the table, not an error.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod accepts;
mod all;
mod cluster;
mod comparison;
mod descriptors;
mod dialogue;
mod embedded_room;
mod fairness;
mod fan_out;
mod foreign_load;
mod history_file;
mod idle;
mod latency;
mod listening;
mod load_generator;
mod login_probe;
mod measure;
mod peers;
mod plot;
mod posting;
mod publisher;
mod report;
mod results;
mod resuming;
mod sending;
mod server_process;
mod short_lived_client;
mod size;
mod slow_listeners;
mod stalled;
mod starting;
mod store_files;
mod subscriber;
mod summary;
mod table;
mod terminal;
mod text;
mod thread_time;
mod tls;
mod tui;
mod under_load;
mod web;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

/// Measures chat, chat-tui and chat-server and compares them with other programs
#[derive(Debug, Parser)]
#[command(name = "chat-bench")]
enum Bench {
    /// All scenarios in turn, and a summary
    All(all::Options),
    /// Print the summary of the results that --json saved
    Summary(summary::Options),
    /// chat-tui: cold start, key to frame, search, resize, memory
    Tui(tui::Options),
    /// chat-web: memory of open pages, slow pages, Enter to the confirmed mark, first load
    Web(web::Options),
    /// Throughput from one writer to many listeners: chat-server and its peers
    FanOut(fan_out::Options),
    /// Lines into a history file, as fast as possible: chat listen and its peers
    Listen(listening::Options),
    /// Lines into a history file, one line per packet at a fixed rate
    ListenLive(listening::Options),
    /// One message from exec to the confirmation: chat send and its peers
    Send(sending::Options),
    /// Posts over one connection, confirmed after fsync: chat-server and its peers
    Post(posting::Options),
    /// One room on one to three nodes over NATS: posting, latency, failover, catching up, deliveries
    Cluster(cluster::Options),
    /// A listener that catches up, and the latency of a live one meanwhile
    Resume(resuming::Options),
    /// Start of chat-server and chat-tui by the size of store and history
    Start(starting::Options),
    /// Draw charts from the files that --json wrote
    Plot(plot::Options),
    /// Delivery latency at a fixed rate: chat-server and its peers
    Latency(latency::Options),
    /// What honest peers experience beside storms, floods and listeners that do not read: chat-server only
    Fairness(fairness::Options),
    /// Cost of one connection, account or message in memory, disk and processor time, by their number: chat-server only
    Size(size::Options),
    /// Memory of idle listeners: chat-server and its peers
    Idle(idle::Options),
    /// Connections per second: chat-server and its peers
    Accepts(accepts::Options),
    /// Cost and losses of a listener that does not read: chat-server and its peers
    Stalled(stalled::Options),
    /// Login and post under load, and the effect of slow listeners on others: chat-server only
    UnderLoad(under_load::Options),
    /// Run a peer: a server around tokio's broadcast
    #[command(hide = true)]
    ServeBroadcast { listen: SocketAddr, write: SocketAddr },
    /// Run a peer: plain blocking sends
    #[command(hide = true)]
    ServeRaw { listen: SocketAddr, write: SocketAddr },
    /// Run a peer: a listener with tokio-util's LinesCodec
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
        Bench::All(options) => all::run(&options),
        Bench::Summary(options) => summary::run(&options),
        Bench::Tui(options) => tui::run(&options),
        Bench::Web(options) => web::run(&options),
        Bench::FanOut(options) => fan_out::run(&options),
        Bench::Listen(options) => listening::run(&options),
        Bench::ListenLive(options) => listening::run_live(&options),
        Bench::Send(options) => sending::run(&options),
        Bench::Start(options) => starting::run(&options),
        Bench::Post(options) => posting::run(&options),
        Bench::Cluster(options) => cluster::run(&options),
        Bench::Resume(options) => resuming::run(&options),
        Bench::Plot(options) => plot::run(&options),
        Bench::Latency(options) => latency::run(&options),
        Bench::Idle(options) => idle::run(&options),
        Bench::Fairness(options) => fairness::run(&options),
        Bench::Size(options) => size::run(&options),
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
    fn options_are_consistent() {
        Bench::command().debug_assert();
    }
}
