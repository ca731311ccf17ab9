//! A listener that resumes from the store: its rate, the growth of the server's memory, and the latency of a live
//! listener meanwhile. Compared with a live listener in bulk.

mod catch_up;
mod rtt_probe;

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use tempfile::TempDir;

use self::rtt_probe::RttProbe;
use crate::comparison::RunOptions;
use crate::load_generator::LoadGenerator;
use crate::measure::{Contender, Sample, interleave};
use crate::publisher::Workload;
use crate::report::{self, Column};
use crate::results::Results;
use crate::server_process::{ServerOptions, ServerProcess};
use crate::{peers, store_files};
use testkit::process;
use testkit::quantile::quantile;

/// Options of `chat-bench resume`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Messages that the listener is behind; one table each
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    behind: Vec<u64>,
    #[command(flatten)]
    run: RunOptions,
}

/// One round.
#[derive(Debug, Clone, Copy, Serialize)]
struct Resumed {
    #[serde(flatten)]
    sample: Sample,
    /// Growth of the server's peak memory.
    growth_kib: u64,
    /// Seconds from a post to its arrival at a live listener, fsync included; 0 without a live listener.
    live_p50_s: f64,
    live_p99_s: f64,
}

const COLUMNS: [Column<Resumed>; 6] = [
    Column::new("messages per second", |round: &Resumed| round.sample.rate()).with_range().with_ratio(),
    Column::new("CPU s per million", |round| round.sample.cpu_per_million()),
    Column::new("generator CPU s per million", |round| round.sample.load_cpu_per_million()),
    Column::new("memory grew by, MiB", |round| round.growth_kib as f64 / 1024.0),
    Column::new("live p50 ms", |round| round.live_p50_s * 1e3),
    Column::new("live p99 ms", |round| round.live_p99_s * 1e3),
];

/// Workload of the live listener in bulk.
const BULK: Workload = Workload { messages: 200_000, in_flight: 256, echo: false, per_second: None };
/// Time a live listener is measured while no listener resumes.
const QUIET: Duration = Duration::from_secs(1);

/// Measures every distance and prints the tables.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut results = Results::open(options.run.json.as_deref())?;
    for &behind in &options.behind {
        let store = options.run.server.directory()?;
        store_files::fill(store.path(), behind)?;
        let contenders = vec![
            Contender::new("resume", || resume(&options.run.server, &store, behind)),
            Contender::new("live in bulk, one listener", || bulk(&options.run.server)),
            Contender::new("live, no resume", || quiet(&options.run.server, &store)),
        ];
        let all = interleave(options.run.rounds, contenders);
        report::print(&format!("One listener, {behind} messages behind"), &all, &COLUMNS);
        results.add("resume", behind, &all[..2])?;
        results.add("resume-beside", behind, &all[2..])?;
    }
    Ok(())
}

fn resume(options: &ServerOptions, store: &TempDir, messages: u64) -> Result<Resumed> {
    let server = ServerProcess::start_in(options, store.path(), &[])?;
    let probe = RttProbe::start(server.listen(), server.write())?;
    // The start may have read the whole store; its memory does not count.
    process::reset_peak(server.pid())?;
    let (before, cpu) = (process::resident_kib(server.pid())?, process::cpu_seconds(server.pid())?);
    let caught_up = catch_up::catch_up(server.listen(), messages)?;
    let cpu_s = process::cpu_seconds(server.pid())? - cpu;
    let peak_kib = process::peak_kib(server.pid())?;
    let times = probe.stop()?;
    let (wall_s, load_cpu_s) = (caught_up.wall_s, caught_up.cpu_s);
    let sample = Sample { units: messages as f64, wall_s, cpu_s, load_cpu_s, peak_kib };
    Ok(resumed(sample, peak_kib.saturating_sub(before), &times))
}

fn bulk(options: &ServerOptions) -> Result<Resumed> {
    let ours = peers::select(&["ours".to_owned()], options)?.pop().context("ours is not a peer")?;
    let server = ours.start()?;
    Ok(resumed(LoadGenerator::connect(ours.as_ref(), &server, 1, 1)?.run(BULK)?, 0, &[]))
}

/// Measures a live listener on a server without other work.
fn quiet(options: &ServerOptions, store: &TempDir) -> Result<Resumed> {
    let server = ServerProcess::start_in(options, store.path(), &[])?;
    let cpu = process::cpu_seconds(server.pid())?;
    let probe = RttProbe::start(server.listen(), server.write())?;
    std::thread::sleep(QUIET);
    let times = probe.stop()?;
    let cpu_s = process::cpu_seconds(server.pid())? - cpu;
    let (units, wall_s) = (times.len() as f64, QUIET.as_secs_f64());
    Ok(resumed(Sample { units, wall_s, cpu_s, load_cpu_s: 0.0, peak_kib: process::peak_kib(server.pid())? }, 0, &times))
}

fn resumed(sample: Sample, growth_kib: u64, times: &[f64]) -> Resumed {
    Resumed { sample, growth_kib, live_p50_s: quantile(times, 0.5), live_p99_s: quantile(times, 0.99) }
}
