//! A listener that was away for so many messages and reads on from the store: how fast, at what cost in memory, and what
//! a listener beside it feels. A live listener in bulk is what it is compared with.

mod behind;
mod pulse;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use tempfile::TempDir;

use self::pulse::Pulse;
use crate::crowd::Crowd;
use crate::measure::{Contender, Sample, interleave};
use crate::mouth::Work;
use crate::quantile::quantile;
use crate::report::{self, Column};
use crate::results::Results;
use crate::server_process::{ServerOptions, ServerProcess};
use crate::{peers, process, store};

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// How many messages the listener is behind
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    behind: Vec<u64>,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Keep every round here, as lines of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    server: ServerOptions,
}

/// One round.
#[derive(Debug, Clone, Copy, Serialize)]
struct Resumed {
    #[serde(flatten)]
    sample: Sample,
    /// By how much the server's memory grew at most.
    growth_kib: u64,
    /// From post to arrival at a live listener meanwhile, the fsync included; 0 where there was none.
    live_p50_s: f64,
    live_p99_s: f64,
}

const COLUMNS: [Column<Resumed>; 6] = [
    Column::new("messages a second", |round: &Resumed| round.sample.rate()).with_range().with_ratio(),
    Column::new("CPU s per million", |round| round.sample.cpu_per_million()),
    Column::new("generator CPU s per million", |round| round.sample.load_cpu_per_million()),
    Column::new("memory grew by, MiB", |round| round.growth_kib as f64 / 1024.0),
    Column::new("live p50 ms", |round| round.live_p50_s * 1e3),
    Column::new("live p99 ms", |round| round.live_p99_s * 1e3),
];

/// What a live listener in bulk gets in a round, and with how many posts in flight.
const BULK: Work = Work { messages: 200_000, in_flight: 256, echo: false, per_second: None };
/// How long a live listener is watched while nobody resumes.
const QUIET: Duration = Duration::from_secs(1);

/// Measures each distance in turn.
pub fn run(options: &Options) -> Result<()> {
    let mut results = Results::open(options.json.as_deref())?;
    for &behind in &options.behind {
        let store = options.server.directory()?;
        store::fill(store.path(), behind)?;
        let contenders = vec![
            Contender::new("resume", || resume(&options.server, &store, behind)),
            Contender::new("live in bulk, one listener", || bulk(&options.server)),
            Contender::new("live, nobody resumes", || quiet(&options.server, &store)),
        ];
        let all = interleave(options.rounds, contenders);
        report::print(&format!("One listener, {behind} messages behind"), &all, &COLUMNS);
        results.add("resume", behind, &all[..2])?;
        results.add("resume-beside", behind, &all[2..])?;
    }
    Ok(())
}

fn resume(options: &ServerOptions, store: &TempDir, messages: u64) -> Result<Resumed> {
    let server = ServerProcess::start_in(options, store.path(), &[])?;
    let pulse = Pulse::start(server.listen(), server.write())?;
    // What the start took, which reads the whole store, is not what a resume takes.
    process::forget_peak(server.pid())?;
    let (before, cpu) = (process::resident_kib(server.pid())?, process::cpu_seconds(server.pid())?);
    let caught_up = behind::catch_up(server.listen(), messages)?;
    let cpu_s = process::cpu_seconds(server.pid())? - cpu;
    let peak_kib = process::peak_kib(server.pid())?;
    let times = pulse.stop()?;
    let (wall_s, load_cpu_s) = (caught_up.wall_s, caught_up.cpu_s);
    let sample = Sample { units: messages as f64, wall_s, cpu_s, load_cpu_s, peak_kib };
    Ok(beside(sample, peak_kib.saturating_sub(before), &times))
}

fn bulk(options: &ServerOptions) -> Result<Resumed> {
    let ours = peers::chosen(&["ours".to_owned()], options)?.pop().context("ours is gone")?;
    let server = ours.start()?;
    Ok(beside(Crowd::gather(ours.as_ref(), &server, 1, 1)?.run(BULK)?, 0, &[]))
}

/// What a live listener feels when the server has nothing else to do.
fn quiet(options: &ServerOptions, store: &TempDir) -> Result<Resumed> {
    let server = ServerProcess::start_in(options, store.path(), &[])?;
    let cpu = process::cpu_seconds(server.pid())?;
    let pulse = Pulse::start(server.listen(), server.write())?;
    std::thread::sleep(QUIET);
    let times = pulse.stop()?;
    let cpu_s = process::cpu_seconds(server.pid())? - cpu;
    let (units, wall_s) = (times.len() as f64, QUIET.as_secs_f64());
    Ok(beside(Sample { units, wall_s, cpu_s, load_cpu_s: 0.0, peak_kib: process::peak_kib(server.pid())? }, 0, &times))
}

fn beside(sample: Sample, growth_kib: u64, times: &[f64]) -> Resumed {
    Resumed { sample, growth_kib, live_p50_s: quantile(times, 0.5), live_p99_s: quantile(times, 0.99) }
}
