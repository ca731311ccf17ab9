//! Rounds with writers and listeners: what was confirmed or delivered, how long it took, and what nodes and log have used.

use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

use super::crowd::Crowd;
use super::room::Room;
use super::servers::LogServers;
use crate::measure::Sample;
use crate::publisher::Workload;
use crate::server_process::ServerOptions;
use crate::thread_time::thread_seconds;
use testkit::quantile::quantile;

/// Seconds at a fixed rate that do not count.
const WARM_UP: u64 = 1;
/// Posts that a writer has in flight.
pub(super) const IN_FLIGHT: u64 = 256;

/// One round. CPU time and memory of `sample` are those of the nodes: time of all, memory of the largest.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Round {
    #[serde(flatten)]
    pub(super) sample: Sample,
    /// Number of posts.
    pub(super) posts: u64,
    /// Milliseconds from the post to the confirmation, or to the first listener of each node.
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// CPU seconds of all servers of the log, and the memory of the largest.
    pub(super) log_cpu_s: f64,
    pub(super) log_peak_kib: u64,
    /// Bytes that each listener has received for a message; 0 without listeners.
    pub(super) bytes_each: f64,
}

/// Posts as fast as posts are confirmed.
pub(super) fn in_bulk(
    options: &ServerOptions,
    servers: &mut LogServers,
    nodes: usize,
    writers: usize,
    posts: u64,
) -> Result<Round> {
    let room = Room::start(options, servers, nodes)?;
    let mut crowd = Crowd::connect(&room.addresses(), writers, 0)?;
    let messages = posts / writers as u64;
    let work = Workload { messages, in_flight: IN_FLIGHT, echo: false, per_second: None };
    let posts = messages * writers as u64;
    let measured = measure(&room, servers, &mut crowd, work, Crowd::finish)?;
    Ok(measured.round(posts, posts as f64, &confirmation_times(&crowd, 0)))
}

/// Posts at a fixed rate, which all writers have together.
pub(super) fn at_rate(
    options: &ServerOptions,
    servers: &mut LogServers,
    nodes: usize,
    writers: usize,
    per_second: u64,
    seconds: u64,
) -> Result<Round> {
    let room = Room::start(options, servers, nodes)?;
    let mut crowd = Crowd::connect(&room.addresses(), writers, 0)?;
    let each = (per_second / writers as u64).max(1);
    let messages = each * (WARM_UP + seconds);
    let work = Workload { messages, in_flight: 0, echo: false, per_second: Some(each) };
    let posts = messages * writers as u64;
    let measured = measure(&room, servers, &mut crowd, work, Crowd::finish)?;
    Ok(measured.round(posts, posts as f64, &confirmation_times(&crowd, WARM_UP * 1_000_000_000)))
}

/// Delivers the posts of one writer at a fixed rate to listeners that are spread over the nodes. Units are deliveries.
pub(super) fn deliveries(
    options: &ServerOptions,
    servers: &mut LogServers,
    nodes: usize,
    listeners: usize,
    per_second: u64,
    seconds: u64,
) -> Result<Round> {
    let room = Room::start(options, servers, nodes)?;
    let mut crowd = Crowd::connect(&room.addresses(), 1, listeners)?;
    let messages = per_second * seconds;
    let work = Workload { messages, in_flight: 0, echo: false, per_second: Some(per_second) };
    let measured = measure(&room, servers, &mut crowd, work, |crowd| {
        crowd.finish()?;
        crowd.deliver(messages)
    })?;
    let units = messages as f64 * listeners as f64;
    let times = if listeners > 0 { crowd.delivery_times() } else { confirmation_times(&crowd, 0) };
    let round = measured.round(messages, units, &times);
    Ok(Round { bytes_each: if units > 0.0 { crowd.bytes() as f64 / units } else { 0.0 }, ..round })
}

/// What a piece of work has cost.
struct Measured {
    wall_s: f64,
    cpu_s: f64,
    load_cpu_s: f64,
    log_cpu_s: f64,
    peaks_kib: (u64, u64),
}

fn measure(
    room: &Room,
    servers: &LogServers,
    crowd: &mut Crowd,
    work: Workload,
    run: impl FnOnce(&mut Crowd) -> Result<()>,
) -> Result<Measured> {
    let (before, load_cpu, begun) = (room.cpu(servers)?, thread_seconds(), Instant::now());
    crowd.begin(work);
    run(crowd)?;
    let (wall_s, load_cpu_s, after) = (begun.elapsed().as_secs_f64(), thread_seconds() - load_cpu, room.cpu(servers)?);
    let (cpu_s, log_cpu_s) = (after.nodes - before.nodes, after.log - before.log);
    Ok(Measured { wall_s, cpu_s, load_cpu_s, log_cpu_s, peaks_kib: room.peaks_kib(servers)? })
}

impl Measured {
    fn round(self, posts: u64, units: f64, times: &[f64]) -> Round {
        let Self { wall_s, cpu_s, load_cpu_s, log_cpu_s, peaks_kib: (peak_kib, log_peak_kib) } = self;
        let sample = Sample { units, wall_s, cpu_s, load_cpu_s, peak_kib };
        let [p50_ms, p99_ms] = [0.5, 0.99].map(|share| quantile(times, share) * 1e3);
        Round { sample, posts, p50_ms, p99_ms, log_cpu_s, log_peak_kib, bytes_each: 0.0 }
    }
}

/// Returns the seconds until the confirmation of each post that was due after the first `from` nanoseconds.
fn confirmation_times(crowd: &Crowd, from: u64) -> Vec<f64> {
    let counted = crowd.confirmed().iter().filter(|one| one.due >= from);
    counted.map(|one| one.came.saturating_sub(one.due) as f64 / 1e9).collect()
}
