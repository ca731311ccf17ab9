//! Accepted connections a second: connect, wait for the first byte that shows that one is served, and reset.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use mio::{Events, Poll, Token};

use crate::contest::{Contest, ContestOptions};
use crate::measure::Sample;
use crate::peers::Peer;
use crate::thread_time::thread_seconds;
use crate::visitor::Visitor;
use crate::{process, report};

/// A server that does nothing for so long does nothing any more.
const STUCK: Duration = Duration::from_secs(10);

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Connections of each round
    #[arg(long, default_value_t = 20_000)]
    connections: usize,
    /// How many are under way together
    #[arg(long, default_value_t = 64)]
    at_once: usize,
    #[command(flatten)]
    contest: ContestOptions,
}

/// Measures and prints.
pub fn run(options: &Options) -> Result<()> {
    let mut contest = Contest::prepare(&options.contest, &["ours", "ours-ids", "redis", "nats"])?;
    let &Options { connections, at_once, .. } = options;
    let all = contest.run(at_once, |peer| round(peer, connections, at_once));
    report::print(&format!("Accepts, {at_once} at once: connections that were served"), &all, &report::RATES);
    contest.results.add("accepts", at_once as u64, &all)
}

fn round(peer: &dyn Peer, connections: usize, at_once: usize) -> Result<Sample> {
    let server = peer.start()?;
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(at_once);
    let begun = Instant::now();
    let (cpu, load_cpu) = (process::cpu_seconds(server.pid)?, thread_seconds());
    let mut begin = 0..connections;
    let mut visitors = Vec::new();
    for index in begin.by_ref().take(at_once) {
        let (address, step) = peer.knock(&server, index);
        visitors.push(Visitor::new(address, step, poll.registry(), Token(visitors.len()))?);
    }
    let mut served = 0;
    while served < connections {
        poll.poll(&mut events, Some(STUCK))?;
        ensure!(!events.is_empty(), "it is stuck: {served} of {connections} were served");
        for event in &events {
            let Some(visitor) = visitors.get_mut(event.token().0) else { continue };
            if !visitor.turn()? {
                continue;
            }
            served += 1;
            if let Some(index) = begin.next() {
                let (address, step) = peer.knock(&server, index);
                *visitor = Visitor::new(address, step, poll.registry(), event.token())?;
            }
        }
    }
    let wall_s = begun.elapsed().as_secs_f64();
    let load_cpu_s = thread_seconds() - load_cpu;
    let cpu_s = process::cpu_seconds(server.pid)? - cpu;
    Ok(Sample { units: connections as f64, wall_s, cpu_s, load_cpu_s, peak_kib: process::peak_kib(server.pid)? })
}
