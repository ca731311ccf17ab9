//! Maintainers' tasks. `cargo run -p xtask -- --help` lists them.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod documents;
mod server_manual;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Maintainers' tasks.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Write the manual pages and shell completions of all programs to a directory.
    Documents {
        /// The directory: pages go to man/, completions to completions/.
        directory: PathBuf,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Documents { directory } => documents::write(&directory),
    }
}
