//! Delivery latency at a fixed rate, from the time a message is due to its arrival at a listener.

use anyhow::Result;
use serde::Serialize;

use crate::comparison::{Comparison, ComparisonOptions};
use crate::load_generator::LoadGenerator;
use crate::measure::Sample;
use crate::peers::Peer;
use crate::publisher::Workload;
use crate::report::{self, Column};
use testkit::quantile::quantile;

/// Number of listeners that measure; the others only count.
const SAMPLES: usize = 16;

/// Options of `chat-bench latency`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Number of listeners
    #[arg(long, default_value_t = 1_000)]
    listeners: usize,
    /// Messages per second; each is delivered to every listener
    #[arg(long, default_value_t = 1_000)]
    per_second: u64,
    /// Seconds per round, after a warm-up of one second
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    #[command(flatten)]
    comparison: ComparisonOptions,
}

/// One round: milliseconds from due to delivered.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) slowest_ms: f64,
    #[serde(flatten)]
    pub(crate) sample: Sample,
}

impl Latency {
    /// Columns of a table of latencies.
    pub(crate) const COLUMNS: [Column<Self>; 5] = [
        Column::new("p50 ms", |latency: &Self| latency.p50_ms).with_range().with_ratio(),
        Column::new("p99 ms", |latency: &Self| latency.p99_ms).with_range().with_ratio(),
        Column::new("slowest ms", |latency: &Self| latency.slowest_ms),
        Column::new("CPU s per million deliveries", |latency: &Self| latency.sample.cpu_per_million()),
        Column::new("generator CPU s per million", |latency: &Self| latency.sample.load_cpu_per_million()),
    ];
}

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut comparison = Comparison::prepare(&options.comparison, &["ours", "raw", "redis", "nats", "broadcast"])?;
    let &Options { listeners, per_second, seconds, .. } = options;
    let all = comparison.run(listeners, |peer: &dyn Peer| {
        let server = peer.start()?;
        at_rate(&mut LoadGenerator::connect(peer, &server, listeners, SAMPLES)?, per_second, seconds)
    });
    let deliveries = report::short(listeners as f64 * per_second as f64);
    let title =
        format!("Delivery latency, {listeners} listeners, {per_second} messages = {deliveries} deliveries per second");
    report::print(&title, &all, &Latency::COLUMNS);
    comparison.results.add("latency", listeners as u64, &all)
}

/// Posts at this rate for `seconds`, after a warm-up of one second.
pub(crate) fn at_rate(load: &mut LoadGenerator<'_>, per_second: u64, seconds: u64) -> Result<Latency> {
    load.keep_times();
    let sample = load.run(Workload {
        messages: per_second * (1 + seconds),
        in_flight: 0,
        echo: false,
        per_second: Some(per_second),
    })?;
    let delays: Vec<f64> = load
        .samples()
        .flat_map(|sampled| sampled.times.iter().flatten().skip(per_second as usize))
        .map(|(due, came)| came.saturating_sub(*due) as f64 / 1e6)
        .collect();
    let [p50_ms, p99_ms, slowest_ms] = [0.5, 0.99, 1.0].map(|share| quantile(&delays, share));
    Ok(Latency { p50_ms, p99_ms, slowest_ms, sample })
}
