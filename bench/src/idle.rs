//! Private memory of the server per idle listener.
//!
//! Socket buffers in the kernel are not included; they are the same for every server.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::comparison::{Comparison, ComparisonOptions};
use crate::dialogue;
use crate::fan_out::CURVE;
use crate::peers::Peer;
use crate::report::{self, Column};
use testkit::process;

/// Time until a server has finished its work for new connections; ours holds lines back for 250 ms.
const SETTLE: Duration = Duration::from_millis(1_000);

/// Options of `chat-bench idle`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Number of listeners
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// Measure 10, 100, 1000 and 10000 listeners, instead of --connections
    #[arg(long)]
    curve: bool,
    #[command(flatten)]
    comparison: ComparisonOptions,
}

/// One round.
#[derive(Debug, Clone, Copy, Serialize)]
struct Idle {
    bytes_each: f64,
    total_mib: f64,
}

const COLUMNS: [Column<Idle>; 2] = [
    Column::new("bytes per listener", |idle: &Idle| idle.bytes_each).with_range().with_ratio(),
    Column::new("the whole server, MiB", |idle: &Idle| idle.total_mib).with_ratio(),
];

/// Measures and prints the tables.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut comparison =
        Comparison::prepare(&options.comparison, &["ours", "ours-ids", "redis", "nats", "mosquitto", "broadcast"])?;
    let sizes = if options.curve { &CURVE[..] } else { std::slice::from_ref(&options.connections) };
    for &connections in sizes {
        let all = comparison.run(connections, |peer| round(peer, connections));
        report::print(&format!("{connections} idle listeners: private memory of the server"), &all, &COLUMNS);
        comparison.results.add("idle", connections as u64, &all)?;
    }
    Ok(())
}

fn round(peer: &dyn Peer, connections: usize) -> Result<Idle> {
    let server = peer.start()?;
    // The first connection causes one-time allocations: threads, tables, pages of code.
    let _first = dialogue::open(server.listen, &peer.listener(connections))?;
    thread::sleep(SETTLE);
    let before = process::private_kib(server.pid)?;
    let _rest = dialogue::open_all(server.listen, connections, |index| peer.listener(index))?;
    thread::sleep(SETTLE);
    let after = process::private_kib(server.pid)?;
    let grown = after.saturating_sub(before) as f64 * 1024.0;
    Ok(Idle { bytes_each: grown / connections as f64, total_mib: after as f64 / 1024.0 })
}
