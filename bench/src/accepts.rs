//! Connections per second: connect, wait for the first bytes of the server, reset.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use mio::{Events, Poll, Token};

use crate::comparison::{Comparison, ComparisonOptions};
use crate::measure::Sample;
use crate::peers::Peer;
use crate::report;
use crate::short_lived_client::ShortLivedClient;
use crate::thread_time::thread_seconds;
use testkit::process;

/// Time without progress after which the round fails.
const STUCK: Duration = Duration::from_secs(10);

/// Options of `chat-bench accepts`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Connections per round
    #[arg(long, default_value_t = 20_000)]
    connections: usize,
    /// Concurrent connections
    #[arg(long, default_value_t = 64)]
    at_once: usize,
    #[command(flatten)]
    comparison: ComparisonOptions,
}

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut comparison = Comparison::prepare(&options.comparison, &["ours", "ours-ids", "redis", "nats"])?;
    let &Options { connections, at_once, .. } = options;
    let all = comparison.run(at_once, |peer| round(peer, connections, at_once));
    report::print(&format!("Accepts, {at_once} at once: served connections"), &all, &report::RATES);
    comparison.results.add("accepts", at_once as u64, &all)
}

fn round(peer: &dyn Peer, connections: usize, at_once: usize) -> Result<Sample> {
    let server = peer.start()?;
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(at_once);
    let begun = Instant::now();
    let (cpu, load_cpu) = (process::cpu_seconds(server.pid)?, thread_seconds());
    let mut begin = 0..connections;
    let mut clients = Vec::new();
    for index in begin.by_ref().take(at_once) {
        let (address, step) = peer.first_step(&server, index);
        clients.push(ShortLivedClient::new(address, step, poll.registry(), Token(clients.len()))?);
    }
    let mut served = 0;
    while served < connections {
        poll.poll(&mut events, Some(STUCK))?;
        ensure!(!events.is_empty(), "no progress for 10 s: {served} of {connections} were served");
        for event in &events {
            let Some(client) = clients.get_mut(event.token().0) else { continue };
            if !client.advance()? {
                continue;
            }
            served += 1;
            if let Some(index) = begin.next() {
                let (address, step) = peer.first_step(&server, index);
                *client = ShortLivedClient::new(address, step, poll.registry(), event.token())?;
            }
        }
    }
    let wall_s = begun.elapsed().as_secs_f64();
    let load_cpu_s = thread_seconds() - load_cpu;
    let cpu_s = process::cpu_seconds(server.pid)? - cpu;
    Ok(Sample { units: connections as f64, wall_s, cpu_s, load_cpu_s, peak_kib: process::peak_kib(server.pid)? })
}
