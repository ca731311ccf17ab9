//! Maintainers' tasks. `cargo run -p xtask -- --help` lists them.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod archive;
mod book;
mod debian;
mod documents;
mod formula;
mod image;
mod programs;
mod release;
mod server_manual;
mod tree;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::programs::Source;

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
    /// Build the programs and write a .tar.gz with manual pages and completions.
    Archive(Source),
    /// Build the programs and write two Debian packages: minechat and minechat-server.
    Deb(Source),
    /// Build the programs and write a container image of chat-server as a tar file (OCI layout).
    Image(Source),
    /// Make the book of the documents with mdBook.
    Book {
        /// The directory: the pages go to html/.
        #[arg(long, value_name = "DIR", default_value = "target/book")]
        out: PathBuf,
    },
    /// Make the tag of a release, or say what is not true.
    Release {
        /// The version, as in Cargo.toml: 1.2.3.
        version: String,
        /// Only check.
        #[arg(long)]
        check: bool,
    },
    /// Print the Homebrew formula for the source archive of a release.
    Formula {
        /// Where the archive will be, with https.
        url: String,
        /// The archive as a file here.
        archive: PathBuf,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Documents { directory } => documents::write(&directory),
        Task::Archive(source) => archive::write(&source),
        Task::Deb(source) => debian::write(&source),
        Task::Image(source) => image::write(&source),
        Task::Book { out } => book::write(&out),
        Task::Release { version, check } => release::run(&version, check),
        Task::Formula { url, archive } => {
            print!("{}", formula::formula(&url, &archive)?);
            Ok(())
        }
    }
}
