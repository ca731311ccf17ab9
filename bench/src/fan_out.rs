//! Fan-out: one writer and many listeners, until every listener has all messages.

use anyhow::Result;

use crate::comparison::{Comparison, ComparisonOptions};
use crate::load_generator::LoadGenerator;
use crate::measure::Sample;
use crate::peers::Peer;
use crate::publisher::Workload;
use crate::report;

/// Numbers of listeners or connections of `--curve`.
pub(crate) const CURVE: [usize; 4] = [10, 100, 1_000, 10_000];
/// Minimum length of a round in windows, so that its beginning and end do not dominate.
const FEWEST_WINDOWS: u64 = 2;
/// Messages per round one by one, where a message to 1,000 listeners takes about 5 ms.
const ONE_BY_ONE: u64 = 2_000;

/// Options of `chat-bench fan-out`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Number of listeners
    #[arg(long, default_value_t = 1_000)]
    listeners: usize,
    /// Messages per round [default: enough for a few seconds, depending on the peer]
    #[arg(long)]
    messages: Option<u64>,
    /// Unconfirmed posts
    #[arg(long, default_value_t = 256)]
    in_flight: u64,
    /// The same as --in-flight 1
    #[arg(long)]
    one_by_one: bool,
    /// Count a post as in flight until one of the listeners has it, for all peers
    #[arg(long)]
    echo: bool,
    /// Measure 10, 100, 1000 and 10000 listeners, instead of --listeners
    #[arg(long)]
    curve: bool,
    #[command(flatten)]
    comparison: ComparisonOptions,
}

/// Measures and prints the tables.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut comparison = Comparison::prepare(&options.comparison, &[])?;
    let mut scenario = if options.one_by_one { "fan-out-one-by-one" } else { "fan-out" }.to_owned();
    if options.echo {
        scenario.push_str("-echo");
    }
    let sizes = if options.curve { &CURVE[..] } else { std::slice::from_ref(&options.listeners) };
    for &listeners in sizes {
        let all = comparison.run(listeners, |peer| round(peer, options, listeners));
        let until = if options.echo { " until a listener has it" } else { "" };
        let title = format!("Fan-out to {listeners} listeners, {} in flight{until}: deliveries", options.in_flight());
        report::print(&title, &all, &report::RATES);
        comparison.results.add(&scenario, listeners as u64, &all)?;
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
    // One by one, a piece of many messages does not exist, and nor does the rate for which `deliveries` was chosen.
    let default = if in_flight == 1 { enough.min(ONE_BY_ONE) } else { enough };
    let messages = options.messages.unwrap_or(default);
    LoadGenerator::connect(peer, &server, listeners, 1)?.run(Workload {
        messages,
        in_flight,
        echo: options.echo,
        per_second: None,
    })
}
