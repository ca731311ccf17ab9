//! Opens the store of a data directory, which one process at a time uses.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use chat_server::{JournalError, SqliteJournal, SqliteProjection};

use super::report::named;

/// How long to wait for a command of an operator that uses the store. Most take milliseconds.
pub(crate) const WAIT: Duration = Duration::from_secs(10);

/// The time between two attempts.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// Opens the store. Waits for a command of an operator that uses it at this moment, but not for another server.
pub(crate) async fn open_journal(dir: PathBuf) -> Result<SqliteJournal> {
    opened(dir, |dir| SqliteJournal::open_checking_behind(dir)).await
}

/// As [`open_journal`], for the store of a node.
pub(crate) async fn open_node(dir: PathBuf) -> Result<SqliteProjection> {
    opened(dir, |dir| SqliteProjection::open(dir)).await
}

async fn opened<T: Send + 'static>(
    dir: PathBuf,
    open: impl Fn(&Path) -> Result<T, JournalError> + Copy + Send + 'static,
) -> Result<T> {
    let (deadline, mut told) = (Instant::now() + WAIT, false);
    loop {
        let of = dir.clone();
        let result = tokio::task::spawn_blocking(move || open(&of)).await;
        match result.context("could not open the store")? {
            Err(JournalError::Locked { .. }) if Instant::now() < deadline && !is_served(&dir) => {
                if !told {
                    tracing::info!("waiting for a command that uses the store");
                }
                told = true;
                tokio::time::sleep(TICK).await;
            }
            result => return result.map_err(named(&dir)),
        }
    }
}

#[cfg(unix)]
fn is_served(dir: &Path) -> bool {
    chat_server::admin::is_served(dir)
}

/// Without the socket of a server, none can be told from a command.
#[cfg(not(unix))]
fn is_served(_: &Path) -> bool {
    true
}
