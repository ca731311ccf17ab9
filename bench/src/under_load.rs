//! What a busy room does to those who come, and what bad listeners do to good ones. Only `chat-server` is measured,
//! against itself without the load.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::bad_listeners::{BadListeners, Kind};
use crate::contest::{Contest, ContestOptions};
use crate::crowd::Crowd;
use crate::latency::{self, Latency};
use crate::measure::Sample;
use crate::mouth::Work;
use crate::peers::Peer;
use crate::probe;
use crate::quantile::{median, quantile};
use crate::report::{self, Column};

const LISTENERS: usize = 1_000;
const SAMPLES: usize = 16;
const IN_FLIGHT: u64 = 256;
/// So many messages fill whatever the kernel keeps for a listener that does not read, so that it is the server that
/// has to do with it.
const FILL: u64 = 100_000;
/// The crowd is still at work when the probe has ended.
const MARGIN: Duration = Duration::from_millis(500);

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Messages a second, of which each goes to 1,000 listeners
    #[arg(long, default_value_t = 100)]
    per_second: u64,
    /// How long each round takes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(3..))]
    seconds: u64,
    #[command(flatten)]
    contest: ContestOptions,
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
pub fn run(options: &Options) -> Result<()> {
    let mut contest = Contest::prepare(&options.contest, &["ours"])?;
    let &Options { per_second, seconds, .. } = options;
    let loads = [("1 message a second".to_owned(), 1), (format!("{per_second} messages a second"), per_second)];
    let all = contest.compare(loads, |peer, rate| probed(peer, *rate, seconds))?;
    report::print(&format!("Login and post, {LISTENERS} listeners"), &all, &PROBED);
    contest.results.add("under-load", LISTENERS as u64, &all)?;
    let bad = [
        ("everybody reads", None),
        ("one more does not read", Some((Kind::Stalled, 1))),
        ("100 more read a byte a second", Some((Kind::Crawling, 100))),
    ];
    let all = contest.compare(bad.map(|(name, bad)| (name.to_owned(), bad)), |peer, bad| {
        delivered(peer, *bad, per_second, seconds)
    })?;
    let title = format!("Delivery to {LISTENERS} good listeners, {per_second} messages a second");
    report::print(&title, &all, &DELIVERED);
    contest.results.add("bad-listeners", LISTENERS as u64, &all)
}

fn probed(peer: &dyn Peer, per_second: u64, seconds: u64) -> Result<Probed> {
    let server = peer.start()?;
    let mut crowd = Crowd::gather(peer, &server, LISTENERS, 1)?;
    let work = Work { messages: per_second * seconds, in_flight: 0, echo: false, per_second: Some(per_second) };
    crowd.begin(work)?;
    // What the probe posts goes to all listeners, too; the crowd does not count it.
    let probe = probe::start(server.write, Duration::from_secs(seconds - 1).saturating_sub(MARGIN));
    let sample = crowd.work_off(work)?;
    let times = probe::finish(probe)?;
    crowd.compare(work)?;
    Ok(Probed {
        login_p50_ms: median(&times.logins),
        login_p99_ms: quantile(&times.logins, 0.99),
        post_p50_ms: median(&times.posts),
        post_p99_ms: quantile(&times.posts, 0.99),
        sample,
    })
}

fn delivered(peer: &dyn Peer, bad: Option<(Kind, usize)>, per_second: u64, seconds: u64) -> Result<Latency> {
    let server = peer.start()?;
    let mut crowd = Crowd::gather(peer, &server, LISTENERS, SAMPLES)?;
    let _bad = bad.map(|(kind, count)| BadListeners::start(peer, &server, kind, count)).transpose()?;
    crowd.run(Work { messages: FILL, in_flight: IN_FLIGHT, echo: false, per_second: None })?;
    latency::at_rate(&mut crowd, per_second, seconds)
}
