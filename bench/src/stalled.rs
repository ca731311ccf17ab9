//! Memory cost of a listener that does not read, and the number of messages it has lost when it reads again.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::comparison::{Comparison, ComparisonOptions};
use crate::dialogue;
use crate::load_generator::LoadGenerator;
use crate::peers::Peer;
use crate::publisher::Workload;
use crate::report::{self, Column};
use crate::text::Finder;
use testkit::process;

const OTHERS: usize = 10;
const IN_FLIGHT: u64 = 256;
/// Time without input after which the server has nothing more to send.
const SILENCE: Duration = Duration::from_secs(10);

/// Options of `chat-bench stalled`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Messages posted while the listener does not read, far more than socket buffers contain
    #[arg(long, default_value_t = 300_000)]
    messages: u64,
    #[command(flatten)]
    comparison: ComparisonOptions,
}

/// One round.
#[derive(Debug, Clone, Copy, Serialize)]
struct Stalled {
    /// Growth of private memory in MiB with the stalled listener.
    grown_mib: f64,
    /// Growth in MiB for the same number of messages without it.
    grown_before_mib: f64,
    /// Number of messages that the listener did not receive.
    lost: f64,
}

const COLUMNS: [Column<Stalled>; 3] = [
    Column::new("MiB grown with it", |stalled: &Stalled| stalled.grown_mib).with_range(),
    Column::new("MiB grown without it", |stalled: &Stalled| stalled.grown_before_mib).with_range(),
    Column::new("messages it lost", |stalled: &Stalled| stalled.lost).with_range(),
];

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut comparison = Comparison::prepare(&options.comparison, &["ours", "ours-ids", "redis", "nats"])?;
    let messages = options.messages;
    let all = comparison.run(OTHERS + 1, |peer| round(peer, messages));
    report::print(&format!("A stalled listener, {messages} messages"), &all, &COLUMNS);
    comparison.results.add("stalled", messages, &all)
}

fn round(peer: &dyn Peer, messages: u64) -> Result<Stalled> {
    let server = peer.start()?;
    let mut load = LoadGenerator::connect(peer, &server, OTHERS, 1)?;
    let work = Workload { messages, in_flight: peer.in_flight(IN_FLIGHT), echo: false, per_second: None };
    let memory = || Ok::<_, anyhow::Error>(process::private_kib(server.pid)? as f64 / 1024.0);
    // The first run causes one-time allocations: caches, the log, buffers of the writer.
    let fresh = memory()?;
    load.run(work)?;
    let warm = memory()?;
    let stalled = dialogue::open(server.listen, &peer.listener(OTHERS))?;
    load.probe()?;
    load.run(work)?;
    let grown_mib = memory()? - warm;
    Ok(Stalled { grown_mib, grown_before_mib: warm - fresh, lost: read_all(stalled, messages)? as f64 })
}

/// Reads until the last message or until the server sends nothing more. Returns the number of missing messages.
fn read_all(mut stalled: TcpStream, messages: u64) -> Result<u64> {
    stalled.set_read_timeout(Some(SILENCE))?;
    let (mut finder, mut next, mut buffer) = (Finder::default(), 0, vec![0; 64 * 1024]);
    let mut missing = 0;
    while next < messages {
        let count = match stalled.read(&mut buffer) {
            Ok(count @ 1..) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // End of stream, error or timeout.
            Ok(0) | Err(_) => break,
        };
        finder.feed(&buffer[..count], |number, _| {
            // The test messages at the beginning have numbers of their own, which start at 0 again.
            missing = if number == 0 { 0 } else { missing + number.saturating_sub(next) };
            next = number + 1;
        });
    }
    let last = messages.checked_sub(next).context("more messages than were posted")?;
    Ok(missing + last)
}
