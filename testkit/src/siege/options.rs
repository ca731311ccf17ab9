//! The command line of `siege`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Runs hostile loads against the real programs and prints a table of the results; exits with 1 if a requirement is not
/// met
#[derive(Debug, Clone, Parser)]
#[command(name = "siege")]
pub struct Options {
    /// Load to run
    #[arg(value_enum, default_value_t = Scenario::All)]
    pub scenario: Scenario,
    /// GiB to send without a line feed at each place where the server reads a line
    #[arg(long, default_value_t = 10.0)]
    pub gib: f64,
    /// Runs of each client against a hostile server, for each step of the dialogue
    #[arg(long, default_value_t = 20)]
    pub client_runs: usize,
    /// Slow connections to each port
    #[arg(long, default_value_t = 5_000)]
    pub connections: usize,
    /// Seconds between two bytes of a slow connection
    #[arg(long, default_value_t = 10.0)]
    pub every: f64,
    /// Seconds a client has to log in (--login-within of the server)
    #[arg(long, default_value_t = 60.0)]
    pub login_within: f64,
    /// Number of slow listeners, and of listeners that do not read
    #[arg(long, default_value_t = 100)]
    pub readers: usize,
    /// Rounds, each without, with, and again without these listeners
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Seconds of each of the three measurements of a round
    #[arg(long, default_value_t = 5.0)]
    pub round_seconds: f64,
    /// Directory of the programs [default: the directory of this program]
    #[arg(long, value_name = "DIR")]
    pub programs: Option<PathBuf>,
}

/// The loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// All loads, one after another
    All,
    /// Endless lines, to the server and to the clients
    EndlessLine,
    /// Thousands of connections that send one byte at a time
    SlowLoris,
    /// Listeners that read slowly or not at all
    DeadReaders,
    /// More connections than the limits, and HTTP requests
    Flood,
    /// More posts and registrations than the rate limits
    PostingFlood,
}

impl Scenario {
    pub(super) fn includes(self, other: Self) -> bool {
        self == Self::All || self == other
    }
}
