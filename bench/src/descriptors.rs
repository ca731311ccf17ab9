//! The limit of open files of this process and the servers that it starts.

use anyhow::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many as a hundred thousand connections and their servers need, which only root may set.
const WANTED: u64 = 250_000;

/// Raises the limit as far as possible.
pub(crate) fn raise() -> Result<()> {
    if setrlimit(Resource::Nofile, Rlimit { current: Some(WANTED), maximum: Some(WANTED) }).is_ok() {
        return Ok(());
    }
    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}
