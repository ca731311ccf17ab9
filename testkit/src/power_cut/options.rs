//! The command line of `power-cut`.

use std::path::PathBuf;

use clap::Parser;

pub use crate::volume::FileSystem;

/// Cuts the power of the store's disk under load, again and again, and checks that every confirmed message is there
///
/// Needs the right to mount (root) and the programs mkfs and xfs_io. Exit code 1 means a violation, 3 that this machine
/// does not permit the test.
#[derive(Debug, Clone, Parser)]
#[command(name = "power-cut")]
pub struct Options {
    /// Seed of the texts and of the instants of the cuts
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Number of cuts
    #[arg(long, default_value_t = 1_000)]
    pub cuts: u64,
    /// Continue until this many messages were confirmed
    #[arg(long, default_value_t = 0)]
    pub messages: u64,
    /// Cuts of one store, before the next one begins with an empty disk
    #[arg(long, default_value_t = 25)]
    pub cuts_per_store: u64,
    /// File system of the disk
    #[arg(long, value_enum, default_value_t = FileSystem::Xfs)]
    pub file_system: FileSystem,
    /// Size of the disk in MiB
    #[arg(long, default_value_t = 1_024)]
    pub size: u64,
    /// Number of writers
    #[arg(long, default_value_t = 4)]
    pub writers: usize,
    /// Unconfirmed posts of each writer
    #[arg(long, default_value_t = 256)]
    pub in_flight: u64,
    /// Longest time in milliseconds from the first post to the cut
    #[arg(long, default_value_t = 250)]
    pub longest: u64,
    /// Take fsync and fdatasync out of the server (with a preloaded library, built with cc): the run must fail
    #[arg(long)]
    pub without_sync: bool,
    /// Directory of the image [default: a temporary directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Directory of the programs [default: the directory of this program]
    #[arg(long, value_name = "DIR")]
    pub programs: Option<PathBuf>,
    /// Set in the mount namespace in which the program starts itself again
    #[arg(long, hide = true)]
    pub in_namespace: bool,
}
