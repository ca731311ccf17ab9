//! What a listener costs that nobody talks to: private memory of the server, before and after they have come.
//!
//! The kernel's buffers are not in it; they are the same for every server.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::contest::{Contest, ContestOptions};
use crate::fan_out::CURVE;
use crate::peers::Peer;
use crate::report::{self, Column};
use crate::{dialogue, process};

/// Until what a server does for new connections is done; ours holds lines back for a quarter of a second.
const SETTLE: Duration = Duration::from_millis(1_000);

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// How many listen
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// With 10, 100, 1000 and 10000 in turn, instead of --connections
    #[arg(long)]
    curve: bool,
    #[command(flatten)]
    contest: ContestOptions,
}

/// One round.
#[derive(Debug, Clone, Copy, Serialize)]
struct Idle {
    bytes_each: f64,
    total_mib: f64,
}

const COLUMNS: [Column<Idle>; 2] = [
    Column::new("bytes a listener", |idle: &Idle| idle.bytes_each).with_range().with_ratio(),
    Column::new("the whole server, MiB", |idle: &Idle| idle.total_mib).with_ratio(),
];

/// Measures and prints.
pub fn run(options: &Options) -> Result<()> {
    let mut contest =
        Contest::prepare(&options.contest, &["ours", "ours-ids", "redis", "nats", "mosquitto", "broadcast"])?;
    let sizes = if options.curve { &CURVE[..] } else { std::slice::from_ref(&options.connections) };
    for &connections in sizes {
        let all = contest.run(connections, |peer| round(peer, connections));
        report::print(&format!("{connections} idle listeners: private memory of the server"), &all, &COLUMNS);
        contest.results.add("idle", connections as u64, &all)?;
    }
    Ok(())
}

fn round(peer: &dyn Peer, connections: usize) -> Result<Idle> {
    let server = peer.start()?;
    // The first one brings what is there once: threads, tables, code that was never used before.
    let _first = dialogue::open(server.listen, &peer.listener(connections))?;
    thread::sleep(SETTLE);
    let before = process::private_kib(server.pid)?;
    let _rest = dialogue::open_all(server.listen, connections, |index| peer.listener(index))?;
    thread::sleep(SETTLE);
    let after = process::private_kib(server.pid)?;
    let grown = after.saturating_sub(before) as f64 * 1024.0;
    Ok(Idle { bytes_each: grown / connections as f64, total_mib: after as f64 / 1024.0 })
}
