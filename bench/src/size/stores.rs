//! What is in the store when the server starts.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::connections::settled;
use super::cost::{Cost, Usage, each};
use crate::server_process::{ServerOptions, ServerProcess};
use crate::store_files;

pub(super) fn accounts(options: &ServerOptions, number: u64) -> Result<Cost> {
    started(options, number, store_files::fill_accounts)
}

pub(super) fn messages(options: &ServerOptions, number: u64) -> Result<Cost> {
    started(options, number, store_files::fill)
}

/// Compares a server that has started on a filled store with one on an empty one.
fn started(options: &ServerOptions, number: u64, fill: fn(&Path, u64) -> Result<()>) -> Result<Cost> {
    let usage = |number| -> Result<Usage> {
        let directory = options.directory()?;
        fill(directory.path(), number)?;
        let disk = bytes_of(directory.path())? as f64;
        let server = ServerProcess::start_in(options, directory.path(), &[])?;
        Ok(Usage { disk, ..settled(server.pid())? })
    };
    Ok(each(number, usage(0)?, usage(number)?))
}

fn bytes_of(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
