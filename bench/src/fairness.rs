//! What honest peers experience beside others that take more than their share: a storm of requests to resume, a flood of
//! posts on a slow disk, and a listener that does not read.

mod figures;
mod flood;
mod silent;
mod storm;

use std::path::PathBuf;

use anyhow::Result;

use self::figures::{Busy, Waits};
use crate::descriptors;
use crate::measure::{Contender, interleave};
use crate::report::{self, Column};
use crate::results::Results;
use crate::server_process::ServerOptions;

/// Options of `chat-bench fairness`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rounds of each condition
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Write every round as a line of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    server: ServerOptions,
}

const WAITS: [Column<Waits>; 2] = [
    Column::new("p50 ms", |waits: &Waits| waits.p50_ms).with_range().with_overhead(),
    Column::new("p99 ms", |waits: &Waits| waits.p99_ms).with_range().with_overhead(),
];

const BUSY: [Column<Busy>; 1] = [Column::new("% of a processor", |busy: &Busy| busy.percent).with_range()];

/// Measures all and prints a table for each.
pub(crate) fn run(options: &Options) -> Result<()> {
    descriptors::raise()?;
    let mut results = Results::open(options.json.as_deref())?;
    let server = &options.server;

    let title = "An answer to a request to resume, with 1,000 connections that request all the time";
    let all = interleave(
        options.rounds,
        vec![
            Contender::new("alone", || storm::resume(server, 0)),
            Contender::new("beside the storm", || storm::resume(server, storm::CONNECTIONS)),
        ],
    );
    report::print(title, &all, &WAITS);
    results.add("fairness-resume", 0, &all)?;

    let title = "A confirmation on a disk that takes 5 ms to sync, with an account that posts as fast as it can";
    let all = interleave(
        options.rounds,
        vec![
            Contender::new("alone", || flood::post(server, 0)),
            Contender::new("beside the flood", || flood::post(server, flood::CONNECTIONS)),
        ],
    );
    report::print(title, &all, &WAITS);
    results.add("fairness-post", 0, &all)?;

    let title = "Processor time for listeners that are behind and send 45 KB/s";
    let all = interleave(
        options.rounds,
        vec![
            Contender::new("they read", || silent::busy(server, silent::Reading::All)),
            Contender::new("they do not read", || silent::busy(server, silent::Reading::Nothing)),
        ],
    );
    report::print(title, &all, &BUSY);
    results.add("fairness-silent", 0, &all)
}
