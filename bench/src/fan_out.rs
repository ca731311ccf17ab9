//! Fan-out: one writer, many listeners, until everybody has everything.

use anyhow::Result;

use crate::contest::{Contest, ContestOptions};
use crate::crowd::Crowd;
use crate::measure::Sample;
use crate::mouth::Work;
use crate::peers::Peer;
use crate::report;

/// What the curve shows.
pub const CURVE: [usize; 4] = [10, 100, 1_000, 10_000];
/// Fewer messages would measure the beginning and the end only.
const FEWEST_WINDOWS: u64 = 2;

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// How many listen
    #[arg(long, default_value_t = 1_000)]
    listeners: usize,
    /// Messages of each round [default: as many as keep each contender busy for seconds]
    #[arg(long)]
    messages: Option<u64>,
    /// Posts that wait for their confirmation
    #[arg(long, default_value_t = 256)]
    in_flight: u64,
    /// The same as --in-flight 1
    #[arg(long)]
    one_by_one: bool,
    /// A post is in flight until the first listener has it, with everybody
    #[arg(long)]
    echo: bool,
    /// With 10, 100, 1000 and 10000 listeners in turn, instead of --listeners
    #[arg(long)]
    curve: bool,
    #[command(flatten)]
    contest: ContestOptions,
}

/// Measures and prints.
pub fn run(options: &Options) -> Result<()> {
    let mut contest = Contest::prepare(&options.contest, &[])?;
    let mut scenario = if options.one_by_one { "fan-out-one-by-one" } else { "fan-out" }.to_owned();
    if options.echo {
        scenario.push_str("-echo");
    }
    let sizes = if options.curve { &CURVE[..] } else { std::slice::from_ref(&options.listeners) };
    for &listeners in sizes {
        let all = contest.run(listeners, |peer| round(peer, options, listeners));
        let until = if options.echo { " until the first listener has it" } else { "" };
        let title = format!("Fan-out to {listeners} listeners, {} in flight{until}: deliveries", options.in_flight());
        report::print(&title, &all, &report::RATES);
        contest.results.add(&scenario, listeners as u64, &all)?;
    }
    Ok(())
}

impl Options {
    fn in_flight(&self) -> u64 {
        if self.one_by_one { 1 } else { self.in_flight }
    }
}

fn round(peer: &dyn Peer, options: &Options, listeners: usize) -> Result<Sample> {
    let server = peer.start()?;
    let in_flight = peer.in_flight(options.in_flight());
    let enough = (peer.deliveries() / listeners as u64).max(FEWEST_WINDOWS * in_flight);
    let messages = options.messages.unwrap_or(enough);
    Crowd::gather(peer, &server, listeners, 1)?.run(Work { messages, in_flight, echo: options.echo, per_second: None })
}
