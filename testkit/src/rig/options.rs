//! The command line of the rig, and of the roles in which it starts itself.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Breaks everything that may break, and checks that nothing confirmed is lost, doubled or reordered.
#[derive(Debug, Parser)]
#[command(name = "chaos")]
pub struct Options {
    /// Faults and texts are drawn from this.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Goes on until so many faults have happened.
    #[arg(long, default_value_t = 1_000)]
    pub faults: u64,
    /// Goes on until so many messages are confirmed.
    #[arg(long, default_value_t = 0)]
    pub messages: u64,
    /// Ends after so many minutes, whatever has happened.
    #[arg(long)]
    pub minutes: Option<f64>,
    /// How many writers.
    #[arg(long, default_value_t = 12)]
    pub writers: usize,
    /// How many listeners.
    #[arg(long, default_value_t = 4)]
    pub listeners: usize,
    /// Leaves all files in this directory instead of a temporary one.
    #[arg(long)]
    pub keep: Option<PathBuf>,
    /// What this process is; nothing for the rig itself.
    #[command(subcommand)]
    pub role: Option<Role>,
}

/// What a process of the rig is.
#[derive(Debug, Subcommand)]
pub enum Role {
    /// The server.
    #[command(hide = true)]
    Server(ServerRole),
    /// One writer.
    #[command(hide = true)]
    Writer(WriterRole),
    /// One listener.
    #[command(hide = true)]
    Listener(ListenerRole),
}

/// What a server process is told.
#[derive(Debug, Args)]
pub struct ServerRole {
    /// Its data directory.
    #[arg(long)]
    pub dir: PathBuf,
    /// How far its clock is off at first, in milliseconds.
    #[arg(long, allow_negative_numbers = true)]
    pub clock: i64,
}

/// What a writer process is told.
#[derive(Debug, Args)]
pub struct WriterRole {
    /// Its number.
    #[arg(long)]
    pub writer: usize,
    /// What texts are drawn from.
    #[arg(long)]
    pub seed: u64,
    /// Where it dials.
    #[arg(long)]
    pub port: u16,
    /// Its token. Of a room that ends with the run.
    #[arg(long)]
    pub token: String,
    /// Its outbox.
    #[arg(long)]
    pub outbox: PathBuf,
}

/// What a listener process is told.
#[derive(Debug, Args)]
pub struct ListenerRole {
    /// What its jitter is drawn from.
    #[arg(long)]
    pub seed: u64,
    /// Where it dials.
    #[arg(long)]
    pub port: u16,
    /// Its history.
    #[arg(long)]
    pub history: PathBuf,
    /// The server's log, to be heard from its beginning.
    #[arg(long)]
    pub stream: String,
}
