//! What a listener that does not read costs the server in memory, and whether it gets everything when it reads again.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::contest::{Contest, ContestOptions};
use crate::crowd::Crowd;
use crate::mouth::Work;
use crate::peers::Peer;
use crate::report::{self, Column};
use crate::text::Finder;
use crate::{dialogue, process};

const OTHERS: usize = 10;
const IN_FLIGHT: u64 = 256;
/// A server that sends nothing for so long has nothing more to send.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Messages that pass while the listener does not read; far more than the kernel keeps for a connection
    #[arg(long, default_value_t = 300_000)]
    messages: u64,
    #[command(flatten)]
    contest: ContestOptions,
}

/// One round.
#[derive(Debug, Clone, Copy, Serialize)]
struct Stalled {
    /// Private memory after the messages, over the same before the listener had come.
    grown_mib: f64,
    /// The same for as many messages when everybody read.
    grown_before_mib: f64,
    lost: f64,
}

const COLUMNS: [Column<Stalled>; 3] = [
    Column::new("MiB grown with it", |stalled: &Stalled| stalled.grown_mib).with_range(),
    Column::new("MiB grown without it", |stalled: &Stalled| stalled.grown_before_mib).with_range(),
    Column::new("messages it lost", |stalled: &Stalled| stalled.lost).with_range(),
];

/// Measures and prints.
pub fn run(options: &Options) -> Result<()> {
    let mut contest = Contest::prepare(&options.contest, &["ours", "ours-ids", "redis", "nats"])?;
    let messages = options.messages;
    let all = contest.run(OTHERS + 1, |peer| round(peer, messages));
    report::print(&format!("A stalled listener, {messages} messages"), &all, &COLUMNS);
    contest.results.add("stalled", messages, &all)
}

fn round(peer: &dyn Peer, messages: u64) -> Result<Stalled> {
    let server = peer.start()?;
    let mut crowd = Crowd::gather(peer, &server, OTHERS, 1)?;
    let work = Work { messages, in_flight: peer.in_flight(IN_FLIGHT), echo: false, per_second: None };
    let memory = || Ok::<_, anyhow::Error>(process::private_kib(server.pid)? as f64 / 1024.0);
    // The first time brings what the server keeps for itself: caches, its log, buffers of the writer.
    let fresh = memory()?;
    crowd.run(work)?;
    let warm = memory()?;
    let stalled = dialogue::open(server.listen, &peer.listener(OTHERS))?;
    crowd.prove()?;
    crowd.run(work)?;
    let grown_mib = memory()? - warm;
    Ok(Stalled { grown_mib, grown_before_mib: warm - fresh, lost: read_all(stalled, messages)? as f64 })
}

/// Reads until the last message has come or nothing comes any more. Returns how many are missing.
fn read_all(mut stalled: TcpStream, messages: u64) -> Result<u64> {
    stalled.set_read_timeout(Some(PATIENCE))?;
    let (mut finder, mut next, mut buffer) = (Finder::default(), 0, vec![0; 64 * 1024]);
    let mut missing = 0;
    while next < messages {
        let count = match stalled.read(&mut buffer) {
            Ok(count @ 1..) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // The end, an error, or silence: nothing more will come.
            Ok(0) | Err(_) => break,
        };
        finder.feed(&buffer[..count], |number, _| {
            // The numbers begin anew after those that proved that everybody is there.
            missing = if number == 0 { 0 } else { missing + number.saturating_sub(next) };
            next = number + 1;
        });
    }
    let last = messages.checked_sub(next).context("more messages than were posted")?;
    Ok(missing + last)
}
