//! One room on one to three nodes over three `nats-server`, compared with a server alone.

mod catch_up;
mod crowd;
mod failover;
mod posts;
mod room;
mod round;
mod servers;
mod writer;

use std::cell::RefCell;

use anyhow::Result;

use self::failover::FailedOver;
use self::room::Room;
use self::round::{IN_FLIGHT, Round};
use self::servers::{Fault, LogServers};
use crate::comparison::RunOptions;
use crate::descriptors;
use crate::measure::{Contender, Sample, Series, interleave, interleave_beside};
use crate::report::{self, Column};
use crate::results::Results;

/// Options of `chat-bench cluster`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Measure only these
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<Part>,
    /// One short round of each
    #[arg(long)]
    quick: bool,
    /// Number of writers
    #[arg(long, default_value_t = 8)]
    writers: usize,
    /// Posts per round in bulk, and in the log of a node that catches up
    #[arg(long, default_value_t = 400_000)]
    messages: u64,
    /// Posts a second of all writers in which latency is measured; one table each
    #[arg(long, value_delimiter = ',', default_values_t = [400, 8_000])]
    per_second: Vec<u64>,
    /// Posts a second while the leader of the log fails
    #[arg(long, default_value_t = 4_000)]
    failover_rate: u64,
    /// Listeners of all nodes; one table each
    #[arg(long, value_delimiter = ',', default_values_t = [0, 300, 1_000, 3_000])]
    listeners: Vec<usize>,
    /// Posts a second to listeners
    #[arg(long, default_value_t = 50)]
    delivery_rate: u64,
    /// Seconds per round at a fixed rate
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    #[command(flatten)]
    run: RunOptions,
}

/// A part of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Post,
    Latency,
    Failover,
    CatchUp,
    Deliveries,
}

/// What is compared, with the number of nodes. A server alone has no log.
const ROOMS: [(&str, usize); 4] = [("server alone", 0), ("1 node", 1), ("2 nodes", 2), ("3 nodes", 3)];

const FAULTS: [(&str, Fault); 4] = [
    ("killed", Fault::Kill),
    ("stopped with SIGTERM", Fault::Terminate),
    ("paused with SIGSTOP", Fault::Pause),
    ("lame duck, SIGUSR2", Fault::LameDuck),
];

const POSTS: [Column<Round>; 7] = [
    Column::new("confirmed per second", |round: &Round| round.sample.rate()).with_range().with_ratio(),
    Column::new("p50 ms", |round| round.p50_ms),
    Column::new("p99 ms", |round| round.p99_ms),
    Column::new("CPU s per million, nodes", |round| round.sample.cpu_per_million()),
    Column::new("CPU s per million, NATS", |round| round.log_cpu_s / round.sample.units * 1e6),
    Column::new("peak MiB, node", |round| round.sample.peak_kib as f64 / 1024.0),
    Column::new("peak MiB, nats-server", |round| round.log_peak_kib as f64 / 1024.0),
];

const LATENCY: [Column<Round>; 4] = [
    Column::new("p50 ms", |round: &Round| round.p50_ms).with_range(),
    Column::new("p99 ms", |round: &Round| round.p99_ms).with_range(),
    Column::new("CPU s per million, nodes", |round| round.sample.cpu_per_million()),
    Column::new("CPU s per million, NATS", |round| round.log_cpu_s / round.sample.units * 1e6),
];

const FAILOVER: [Column<FailedOver>; 4] = [
    Column::new("longest silence s", |round: &FailedOver| round.silence_s).with_range(),
    Column::new("slowest post s", |round: &FailedOver| round.slowest_s).with_range(),
    Column::new("declined attempts", |round| round.declined as f64),
    Column::new("confirmed", |round| round.confirmed as f64),
];

const DELIVERIES: [Column<Round>; 6] = [
    Column::new("CPU ms per post, nodes", |round: &Round| round.sample.cpu_s * 1e3 / round.posts as f64).with_range(),
    Column::new("CPU ms per post, NATS", |round| round.log_cpu_s * 1e3 / round.posts as f64),
    Column::new("CPU s per million deliveries", |round: &Round| round.sample.cpu_per_million()).with_overhead(),
    Column::new("bytes per delivery", |round| round.bytes_each),
    Column::new("p50 ms", |round| round.p50_ms),
    Column::new("p99 ms", |round| round.p99_ms),
];

/// Measures every part and prints the tables.
pub(crate) fn run(options: &Options) -> Result<()> {
    descriptors::raise()?;
    let sizes = Sizes::of(options);
    let servers = RefCell::new(LogServers::start()?);
    let mut results = Results::open(options.run.json.as_deref())?;
    let is_chosen = |part| options.only.is_empty() || options.only.contains(&part);
    let (server, writers) = (&options.run.server, options.writers);
    if is_chosen(Part::Post) {
        let all =
            rooms(&sizes, |nodes| round::in_bulk(server, &mut servers.borrow_mut(), nodes, writers, sizes.messages));
        report::print(&format!("{writers} writers, {IN_FLIGHT} posts in flight each"), &all, &POSTS);
        results.add("cluster-post", writers as u64, &all)?;
    }
    if is_chosen(Part::Latency) {
        for &rate in &options.per_second {
            let all = rooms(&sizes, |nodes| {
                round::at_rate(server, &mut servers.borrow_mut(), nodes, writers, rate, sizes.seconds)
            });
            report::print(&format!("{writers} writers, {rate} posts a second in all: confirmations"), &all, &LATENCY);
            results.add("cluster-latency", rate, &all)?;
        }
    }
    if is_chosen(Part::Failover) {
        let all = failovers(&sizes, |fault| {
            let nodes = 2;
            failover::fail_over(server, &mut servers.borrow_mut(), (nodes, writers), options.failover_rate, fault)
        });
        let title = format!("The leader of the log fails: 2 nodes, {} posts a second", options.failover_rate);
        report::print(&title, &all, &FAILOVER);
        results.add("cluster-failover", options.failover_rate, &all)?;
    }
    if is_chosen(Part::CatchUp) {
        let room = Room::start(server, &mut servers.borrow_mut(), 1)?;
        let messages = catch_up::fill(&room, writers, sizes.messages)?;
        let contender = Contender::new("an empty node", || catch_up::catch_up(server, &room, messages));
        let all: Vec<Series<Sample>> = interleave(sizes.rounds, vec![contender]);
        report::print(&format!("An empty node takes {messages} messages from the log"), &all, &report::RATES);
        results.add("cluster-catch-up", messages, &all)?;
    }
    if is_chosen(Part::Deliveries) {
        for &listeners in &sizes.listeners {
            let rate = options.delivery_rate;
            let all = rooms(&sizes, |nodes| {
                round::deliveries(server, &mut servers.borrow_mut(), nodes, listeners, rate, sizes.seconds)
            });
            report::print(&format!("{listeners} listeners in all, {rate} posts a second"), &all, &DELIVERIES);
            results.add("cluster-deliveries", listeners as u64, &all)?;
        }
    }
    Ok(())
}

/// How much is measured.
struct Sizes {
    rounds: usize,
    messages: u64,
    seconds: u64,
    listeners: Vec<usize>,
}

impl Sizes {
    fn of(options: &Options) -> Self {
        let (rounds, messages, seconds) = (options.run.rounds, options.messages, options.seconds);
        let listeners = options.listeners.clone();
        if options.quick {
            return Self { rounds: 1, messages: messages.min(100_000), seconds: seconds.min(2), listeners };
        }
        Self { rounds, messages, seconds, listeners }
    }
}

fn rooms(sizes: &Sizes, round: impl Fn(usize) -> Result<Round>) -> Vec<Series<Round>> {
    let round = &round;
    let contenders = ROOMS.map(|(name, nodes)| Contender::new(name, move || round(nodes)));
    interleave(sizes.rounds, contenders.into())
}

fn failovers(sizes: &Sizes, round: impl Fn(Fault) -> Result<FailedOver>) -> Vec<Series<FailedOver>> {
    let round = &round;
    let contenders = FAULTS.map(|(name, fault)| Contender::new(name, move || round(fault)));
    // An election takes its time, whatever else the machine does: no round is repeated.
    interleave_beside(sizes.rounds, contenders.into(), |work| {
        work();
        0.0
    })
}
