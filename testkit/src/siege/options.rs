//! The command line of the siege.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Lays siege to the real programs, prints a table, and ends with 1 when something does not hold.
#[derive(Debug, Clone, Parser)]
#[command(name = "siege")]
pub struct Options {
    /// Which load.
    #[arg(value_enum, default_value_t = Scenario::All)]
    pub scenario: Scenario,
    /// GiB without a line feed at each place of the server where a line may stand.
    #[arg(long, default_value_t = 10.0)]
    pub gib: f64,
    /// How often each client is led to a hostile server, at each step of the dialogue.
    #[arg(long, default_value_t = 20)]
    pub client_runs: usize,
    /// Connections that say one byte at a time, on each port.
    #[arg(long, default_value_t = 5_000)]
    pub connections: usize,
    /// Seconds between two such bytes.
    #[arg(long, default_value_t = 10.0)]
    pub every: f64,
    /// Seconds that the server gives them to log in.
    #[arg(long, default_value_t = 60.0)]
    pub login_within: f64,
    /// Slow listeners, and as many dead ones.
    #[arg(long, default_value_t = 100)]
    pub readers: usize,
    /// Rounds of without, with, and again without them.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Seconds of each of the three.
    #[arg(long, default_value_t = 5.0)]
    pub round_seconds: f64,
    /// Where the programs are; else beside this one.
    #[arg(long)]
    pub programs: Option<PathBuf>,
}

/// A kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// All of them, one after the other.
    All,
    /// Lines without end, to the server and to the clients.
    EndlessLine,
    /// Thousands of connections that say one byte now and then.
    SlowLoris,
    /// Listeners that read slowly or not at all.
    DeadReaders,
    /// More connections than the limit, and than there are descriptors; and browsers.
    Flood,
    /// More posts and registrations than the rate.
    PostingFlood,
}

impl Scenario {
    pub(super) fn includes(self, other: Self) -> bool {
        self == Self::All || self == other
    }
}
