//! Fan-out: one writer, many listeners, until everybody has everything.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::{
    crowd::Crowd,
    descriptors,
    measure::{Contender, Sample, interleave},
    mouth::Work,
    peers::{self, Peer},
    report,
    results::Results,
    server_process::ServerOptions,
};

/// What the curve shows.
const CURVE: [usize; 4] = [10, 100, 1_000, 10_000];
/// So few messages would measure the beginning and the end only.
const FEWEST_WINDOWS: u64 = 2;

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// How many listen
    #[arg(long, default_value_t = 1_000)]
    listeners: usize,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Messages of each round [default: as many as keep each contender busy for seconds]
    #[arg(long)]
    messages: Option<u64>,
    /// Posts that wait for their confirmation
    #[arg(long, default_value_t = 256)]
    in_flight: u64,
    /// The same as --in-flight 1
    #[arg(long)]
    one_by_one: bool,
    /// With 10, 100, 1000 and 10000 listeners in turn, instead of --listeners
    #[arg(long)]
    curve: bool,
    /// Only these, the first of them being compared with the others
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Keep every round as a line of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    server: ServerOptions,
}

/// Measures and prints.
pub fn run(options: &Options) -> Result<()> {
    descriptors::raise()?;
    let peers = peers::chosen(&options.only, &options.server)?;
    let mut results = Results::open(options.json.as_deref())?;
    let sizes = if options.curve { &CURVE[..] } else { std::slice::from_ref(&options.listeners) };
    for &listeners in sizes {
        ensure!(listeners > 0, "somebody has to listen");
        let contenders = peers
            .iter()
            .filter(|peer| listeners <= peer.most_listeners())
            .map(|peer| Contender::new(peer.name(), || round(peer.as_ref(), options, listeners)))
            .collect();
        let all = interleave(options.rounds, contenders);
        let in_flight = if options.one_by_one { 1 } else { options.in_flight };
        report::print(
            &format!("Fan-out to {listeners} listeners, {in_flight} in flight: deliveries"),
            &all,
            &report::RATES,
        );
        results.add(if options.one_by_one { "fan-out-one-by-one" } else { "fan-out" }, listeners as u64, &all)?;
    }
    Ok(())
}

fn round(peer: &dyn Peer, options: &Options, listeners: usize) -> Result<Sample> {
    let server = peer.start()?;
    let in_flight = peer.in_flight(if options.one_by_one { 1 } else { options.in_flight });
    let enough = (peer.deliveries() / listeners as u64).max(FEWEST_WINDOWS * in_flight);
    let messages = options.messages.unwrap_or(enough);
    let mut crowd = Crowd::gather(peer, &server, listeners, 1)?;
    crowd.run(Work { messages, in_flight, per_second: None })
}
