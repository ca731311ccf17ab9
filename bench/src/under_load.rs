//! Login and post under load, and the effect of slow listeners on the others. Measures `chat-server` only, compared with
//! itself without the load.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::comparison::{Comparison, ComparisonOptions};
use crate::latency::{self, Latency};
use crate::load_generator::LoadGenerator;
use crate::login_probe;
use crate::measure::Sample;
use crate::peers::Peer;
use crate::publisher::Workload;
use crate::report::{self, Column};
use crate::slow_listeners::{Kind, SlowListeners};
use testkit::quantile::{median, quantile};

const LISTENERS: usize = 1_000;
const SAMPLES: usize = 16;
const IN_FLIGHT: u64 = 256;
/// Messages that fill the socket buffers of a listener that does not read, so that the server has to handle it.
const FILL: u64 = 100_000;
/// Time by which the load outlasts the probe.
const MARGIN: Duration = Duration::from_millis(500);

/// Options of `chat-bench under-load`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Messages per second; each is delivered to 1000 listeners
    #[arg(long, default_value_t = 100)]
    per_second: u64,
    /// Seconds per round
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(3..))]
    seconds: u64,
    #[command(flatten)]
    comparison: ComparisonOptions,
}

/// One round of the probe.
#[derive(Debug, Clone, Copy, Serialize)]
struct Probed {
    login_p50_ms: f64,
    login_p99_ms: f64,
    post_p50_ms: f64,
    post_p99_ms: f64,
    #[serde(flatten)]
    sample: Sample,
}

const PROBED: [Column<Probed>; 4] = [
    Column::new("login p50 ms", |probed: &Probed| probed.login_p50_ms).with_range().with_overhead(),
    Column::new("login p99 ms", |probed: &Probed| probed.login_p99_ms).with_range().with_overhead(),
    Column::new("post p50 ms", |probed: &Probed| probed.post_p50_ms).with_range().with_overhead(),
    Column::new("post p99 ms", |probed: &Probed| probed.post_p99_ms).with_range().with_overhead(),
];

const DELIVERED: [Column<Latency>; 2] = [
    Column::new("delivery p50 ms", |latency: &Latency| latency.p50_ms).with_range().with_overhead(),
    Column::new("delivery p99 ms", |latency: &Latency| latency.p99_ms).with_range().with_overhead(),
];

/// Measures and prints both tables.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut comparison = Comparison::prepare(&options.comparison, &["ours"])?;
    let &Options { per_second, seconds, .. } = options;
    let loads = [("1 message per second".to_owned(), 1), (format!("{per_second} messages per second"), per_second)];
    let all = comparison.compare(loads, |peer, rate| probed(peer, *rate, seconds))?;
    report::print(&format!("Login and post, {LISTENERS} listeners"), &all, &PROBED);
    comparison.results.add("under-load", LISTENERS as u64, &all)?;
    let slow = [
        ("all listeners read", None),
        ("one more does not read", Some((Kind::Stalled, 1))),
        ("100 more read a byte per second", Some((Kind::Trickle, 100))),
    ];
    let all = comparison.compare(slow.map(|(name, slow)| (name.to_owned(), slow)), |peer, slow| {
        delivered(peer, *slow, per_second, seconds)
    })?;
    let title = format!("Delivery to {LISTENERS} listeners, {per_second} messages per second");
    report::print(&title, &all, &DELIVERED);
    comparison.results.add("bad-listeners", LISTENERS as u64, &all)
}

fn probed(peer: &dyn Peer, per_second: u64, seconds: u64) -> Result<Probed> {
    let server = peer.start()?;
    let mut load = LoadGenerator::connect(peer, &server, LISTENERS, 1)?;
    let work = Workload { messages: per_second * seconds, in_flight: 0, echo: false, per_second: Some(per_second) };
    load.begin(work)?;
    // Messages of the probe reach all listeners, too, but have no mark and are not counted.
    let probe = login_probe::start(server.write, Duration::from_secs(seconds - 1).saturating_sub(MARGIN));
    let sample = load.execute(work)?;
    let times = login_probe::finish(probe)?;
    load.verify(work)?;
    Ok(Probed {
        login_p50_ms: median(&times.logins),
        login_p99_ms: quantile(&times.logins, 0.99),
        post_p50_ms: median(&times.posts),
        post_p99_ms: quantile(&times.posts, 0.99),
        sample,
    })
}

fn delivered(peer: &dyn Peer, slow: Option<(Kind, usize)>, per_second: u64, seconds: u64) -> Result<Latency> {
    let server = peer.start()?;
    let mut load = LoadGenerator::connect(peer, &server, LISTENERS, SAMPLES)?;
    let _slow = slow.map(|(kind, count)| SlowListeners::start(peer, &server, kind, count)).transpose()?;
    load.run(Workload { messages: FILL, in_flight: IN_FLIGHT, echo: false, per_second: None })?;
    latency::at_rate(&mut load, per_second, seconds)
}
