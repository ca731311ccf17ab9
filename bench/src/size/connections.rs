//! Listeners without work, and listeners that do not read.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use testkit::process;

use super::cost::{Cost, Usage, each};
use crate::dialogue;
use crate::load_generator::LoadGenerator;
use crate::peers::{Peer as _, Plain};
use crate::publisher::Workload;
use crate::server_process::{ServerOptions, ServerProcess};
use crate::slow_listeners::{Kind, SlowListeners};

/// More connections than are measured.
pub(super) const UNLIMITED: [&str; 4] = ["--max-connections", "200000", "--max-connections-per-address", "200000"];

/// Connections to one address of this machine: fewer than it has ports.
const PER_ADDRESS: usize = 20_000;

/// Time until a server has finished its work for new connections.
const SETTLE: Duration = Duration::from_millis(1_000);

/// Messages that pass a listener that does not read: more than the buffers of its connection take.
const PASSING: u64 = 50_000;

pub(super) fn idle(options: &ServerOptions, number: u64) -> Result<Cost> {
    let server = ServerProcess::start(options, &[&["--listen", "0.0.0.0:0"], &UNLIMITED[..]].concat())?;
    let port = server.listen().port();
    let address = |group: u8| SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, group + 1)), port);
    // The first connection causes one-time allocations.
    let _first = dialogue::open(address(0), &[])?;
    let before = settled(server.pid())?;
    let mut connections = Vec::new();
    for group in 0.. {
        let wanted = (number as usize).saturating_sub(connections.len()).min(PER_ADDRESS);
        if wanted == 0 {
            break;
        }
        connections.extend(dialogue::open_all(address(group), wanted, |_| Vec::new())?);
    }
    Ok(each(number, before, settled(server.pid())?))
}

pub(super) fn behind(options: &ServerOptions, number: u64) -> Result<Cost> {
    let peer = Plain(options.clone());
    let server = peer.start()?;
    let mut load = LoadGenerator::connect(&peer, &server, 10, 1)?;
    let work = Workload { messages: PASSING, in_flight: 256, echo: false, per_second: None };
    // The first run causes one-time allocations: caches, the log, buffers of the writer.
    load.run(work)?;
    let memory = || Ok::<_, anyhow::Error>(process::private_kib(server.pid)? as f64 * 1024.0);
    let without = load.run(work)?;
    let before = Usage { memory: memory()?, disk: 0.0, cpu_s: without.cpu_s };
    let _behind = SlowListeners::start(&peer, &server, Kind::Stalled, number as usize)?;
    load.probe()?;
    let with = load.run(work)?;
    Ok(each(number, before, Usage { memory: memory()?, disk: 0.0, cpu_s: with.cpu_s }))
}

/// Returns what a server uses once it has finished its work.
pub(super) fn settled(pid: u32) -> Result<Usage> {
    thread::sleep(SETTLE);
    let memory = process::private_kib(pid)? as f64 * 1024.0;
    Ok(Usage { memory, disk: 0.0, cpu_s: process::cpu_seconds(pid)? })
}
