//! What one of a thing costs the server in memory, disk and processor time, by their number: nothing may grow faster than
//! its work.

mod connections;
mod cost;
mod stores;
mod tls;

use std::path::PathBuf;

use anyhow::Result;

use self::cost::Cost;
use crate::descriptors;
use crate::measure::{Contender, interleave};
use crate::report::{self, Column};
use crate::results::Results;
use crate::server_process::ServerOptions;

/// Options of `chat-bench size`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Largest number of each thing
    #[arg(long, default_value_t = 100_000)]
    largest: u64,
    /// Rounds of each number
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Measure only things whose name contains this
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Write every round as a line of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    server: ServerOptions,
}

const COLUMNS: [Column<Cost>; 3] = [
    Column::new("bytes of memory each", |cost: &Cost| cost.memory).with_range(),
    Column::new("bytes of disk each", |cost: &Cost| cost.disk),
    Column::new("CPU µs each", |cost: &Cost| cost.cpu_us),
];

/// One thing: its name, the largest number that is measured, and how.
struct Thing {
    name: &'static str,
    largest: u64,
    measure: fn(&ServerOptions, u64) -> Result<Cost>,
}

const THINGS: [Thing; 5] = [
    Thing { name: "connection", largest: u64::MAX, measure: connections::idle },
    // Its buffers in the kernel take some megabytes.
    Thing { name: "listener behind", largest: 1_000, measure: connections::behind },
    // A handshake each.
    Thing { name: "TLS connection", largest: 10_000, measure: tls::idle },
    Thing { name: "account", largest: u64::MAX, measure: stores::accounts },
    Thing { name: "message", largest: u64::MAX, measure: stores::messages },
];

/// Measures powers of ten and prints a table for each.
pub(crate) fn run(options: &Options) -> Result<()> {
    descriptors::raise()?;
    let mut results = Results::open(options.json.as_deref())?;
    let numbers = std::iter::successors(Some(1), |number| Some(number * 10));
    for number in numbers.take_while(|number| *number <= options.largest) {
        let wanted = |thing: &&Thing| {
            let named = options.only.is_empty() || options.only.iter().any(|part| thing.name.contains(part.as_str()));
            named && number <= thing.largest
        };
        let contenders = THINGS.iter().filter(wanted);
        let contenders =
            contenders.map(|thing| Contender::new(thing.name, || (thing.measure)(&options.server, number)));
        let all = interleave(options.rounds, contenders.collect());
        report::print(&format!("Cost of one of {number}"), &all, &COLUMNS);
        results.add("size", number, &all)?;
    }
    Ok(())
}
