//! The command line of `chaos`, and of the processes that it starts from its own executable.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Runs a server, writers and listeners under random faults and checks that no confirmed message is lost, duplicated or
/// reordered
#[derive(Debug, Parser)]
#[command(name = "chaos")]
pub struct Options {
    /// Seed for faults and texts
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Run until this many faults were injected
    #[arg(long, default_value_t = 1_000)]
    pub faults: u64,
    /// Run until this many messages were confirmed
    #[arg(long, default_value_t = 0)]
    pub messages: u64,
    /// Stop after this many minutes at the latest
    #[arg(long)]
    pub minutes: Option<f64>,
    /// Number of writers
    #[arg(long, default_value_t = 12)]
    pub writers: usize,
    /// Number of listeners
    #[arg(long, default_value_t = 4)]
    pub listeners: usize,
    /// Remove the oldest messages from the store while it has more than this many bytes; 0 keeps all
    #[arg(long, value_name = "BYTES", default_value_t = 16_000_000)]
    pub retain: u64,
    /// Cut the power of the disk of the first writer's and listener's files, instead of filling it (see `power-cut`)
    #[arg(long)]
    pub power_cuts: bool,
    /// Run the room on this many nodes, over as many servers of NATS, each in a network of its own. Needs root
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub nodes: usize,
    /// Directory of the program chat-server, for --nodes [default: that of this program]
    #[arg(long, value_name = "DIR")]
    pub programs: Option<PathBuf>,
    /// Keep all files in this directory
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// The role of a process that the rig has started; `None` for the rig itself.
    #[command(subcommand)]
    pub role: Option<Role>,
}

/// Roles of the processes of the rig.
#[derive(Debug, Subcommand)]
pub enum Role {
    /// Run the server
    #[command(hide = true)]
    Server(ServerRole),
    /// Run one writer
    #[command(hide = true)]
    Writer(WriterRole),
    /// Run one listener
    #[command(hide = true)]
    Listener(ListenerRole),
}

/// Arguments of a server process.
#[derive(Debug, Args)]
pub struct ServerRole {
    /// Data directory
    #[arg(long)]
    pub dir: PathBuf,
    /// Initial offset of its clock in milliseconds
    #[arg(long, allow_negative_numbers = true)]
    pub clock: i64,
    /// Most bytes of the store; 0 for no limit
    #[arg(long)]
    pub retain: u64,
}

/// Arguments of a writer process.
#[derive(Debug, Args)]
pub struct WriterRole {
    /// Index of the writer
    #[arg(long)]
    pub writer: usize,
    /// Seed for texts
    #[arg(long)]
    pub seed: u64,
    /// Ports to dial, one for each node
    #[arg(long, value_delimiter = ',', required = true)]
    pub port: Vec<u16>,
    /// Token of the writer's account. Visible in the process list, which is harmless: the server ends with the run.
    #[arg(long)]
    pub token: String,
    /// Milliseconds to wait for each answer
    #[arg(long)]
    pub answer_ms: u64,
    /// File of the outbox
    #[arg(long)]
    pub outbox: PathBuf,
}

/// Arguments of a listener process.
#[derive(Debug, Args)]
pub struct ListenerRole {
    /// Seed for the jitter of reconnects
    #[arg(long)]
    pub seed: u64,
    /// Ports to dial, one for each node
    #[arg(long, value_delimiter = ',', required = true)]
    pub port: Vec<u16>,
    /// History file
    #[arg(long)]
    pub history: PathBuf,
    /// Stream id of the log, which is read from its beginning
    #[arg(long)]
    pub stream: String,
}
