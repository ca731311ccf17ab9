//! Delivery latency at a fixed rate: from the moment at which a message was due to the one at which a listener has it.

use anyhow::Result;
use serde::Serialize;

use crate::contest::{Contest, ContestOptions};
use crate::crowd::Crowd;
use crate::measure::Sample;
use crate::mouth::Work;
use crate::peers::Peer;
use crate::quantile::quantile;
use crate::report::{self, Column};

/// Listeners that look at the times; the others only count.
const SAMPLES: usize = 16;

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// How many listen
    #[arg(long, default_value_t = 1_000)]
    listeners: usize,
    /// Messages a second; each goes to every listener
    #[arg(long, default_value_t = 1_000)]
    per_second: u64,
    /// How long each round takes, after one second that does not count
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    #[command(flatten)]
    contest: ContestOptions,
}

/// One round: milliseconds from due to delivered.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Latency {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub slowest_ms: f64,
    #[serde(flatten)]
    pub sample: Sample,
}

impl Latency {
    /// The columns of a table of latencies.
    pub const COLUMNS: [Column<Self>; 5] = [
        Column::new("p50 ms", |latency: &Self| latency.p50_ms).with_range().with_ratio(),
        Column::new("p99 ms", |latency: &Self| latency.p99_ms).with_range().with_ratio(),
        Column::new("slowest ms", |latency: &Self| latency.slowest_ms),
        Column::new("CPU s per million deliveries", |latency: &Self| latency.sample.cpu_per_million()),
        Column::new("generator CPU s per million", |latency: &Self| latency.sample.load_cpu_per_million()),
    ];
}

/// Measures and prints.
pub fn run(options: &Options) -> Result<()> {
    let mut contest = Contest::prepare(&options.contest, &["ours", "raw", "redis", "nats", "broadcast"])?;
    let &Options { listeners, per_second, seconds, .. } = options;
    let all = contest.run(listeners, |peer: &dyn Peer| {
        let server = peer.start()?;
        at_rate(&mut Crowd::gather(peer, &server, listeners, SAMPLES)?, per_second, seconds)
    });
    let deliveries = report::short(listeners as f64 * per_second as f64);
    let title =
        format!("Delivery latency, {listeners} listeners, {per_second} messages = {deliveries} deliveries a second");
    report::print(&title, &all, &Latency::COLUMNS);
    contest.results.add("latency", listeners as u64, &all)
}

/// Posts at this rate for so long, and a second more at the beginning that warms up.
pub fn at_rate(crowd: &mut Crowd<'_>, per_second: u64, seconds: u64) -> Result<Latency> {
    crowd.keep_times();
    let sample = crowd.run(Work {
        messages: per_second * (1 + seconds),
        in_flight: 0,
        echo: false,
        per_second: Some(per_second),
    })?;
    let delays: Vec<f64> = crowd
        .samples()
        .flat_map(|sampled| sampled.times.iter().flatten().skip(per_second as usize))
        .map(|(due, came)| came.saturating_sub(*due) as f64 / 1e6)
        .collect();
    let [p50_ms, p99_ms, slowest_ms] = [0.5, 0.99, 1.0].map(|share| quantile(&delays, share));
    Ok(Latency { p50_ms, p99_ms, slowest_ms, sample })
}
