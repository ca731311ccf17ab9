//! The server's process: the room on disk, on any two ports, under a clock that jumps when told so.

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use chat_server::{JournalError, Server, ServerConfig, SqliteJournal};

use super::options::ServerRole;

/// How often the store is tried, ten milliseconds apart, when the disk is too full to open it.
const OPEN_TRIES: usize = 3_000;

/// Serves until it is killed, or until whoever started it is gone.
///
/// # Errors
/// The room cannot be opened.
pub fn serve(role: &ServerRole) -> anyhow::Result<()> {
    let offset = Arc::new(AtomicI64::new(role.clock));
    let shown = Arc::clone(&offset);
    let journal = open(role)?.with_clock(move || now_ms() + shown.load(Ordering::Relaxed));
    if let Some(recovery) = journal.recovery() {
        println!("recovery {recovery:?}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut config = ServerConfig::on_free_ports();
    // So little that listeners often read on from the store.
    config.limits.ring_bytes = 64 * 1024;
    let server = runtime.block_on(Server::start(config, journal)).context("cannot start")?;
    println!("ready {} {}", server.listen_addr(), server.write_addr());
    std::io::stdout().flush()?;
    for line in std::io::stdin().lock().lines() {
        if let Some(ms) = line?.strip_prefix("clock ").and_then(|ms| ms.parse().ok()) {
            offset.store(ms, Ordering::Relaxed);
        }
    }
    Ok(())
}

fn open(role: &ServerRole) -> anyhow::Result<SqliteJournal> {
    let mut tries = 0;
    loop {
        match SqliteJournal::open(&role.dir) {
            Ok(journal) => return Ok(journal),
            Err(JournalError::Full | JournalError::File { .. }) if tries < OPEN_TRIES => tries += 1,
            Err(error) => return Err(error).context("cannot open the store"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
