//! The server process: a store on disk, free ports, and a clock whose offset the rig sets.

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use chat_server::{JournalError, Retention, Server, ServerConfig, SqliteJournal};

use super::options::ServerRole;

/// Number of attempts, 10 ms apart, to open the store on a full disk.
const OPEN_TRIES: usize = 3_000;

/// Serves until it is killed or the rig closes the pipe.
///
/// # Errors
/// The store could not be opened, or the server could not be started.
pub fn serve(role: &ServerRole) -> anyhow::Result<()> {
    let offset = Arc::new(AtomicI64::new(role.clock));
    let clock_offset = Arc::clone(&offset);
    // Relaxed is enough: nothing else is published with the offset.
    let journal = open(role)?.with_clock(move || now_ms() + clock_offset.load(Ordering::Relaxed));
    if let Some(recovery) = journal.recovery() {
        println!("recovery {recovery:?}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut config = ServerConfig::on_free_ports();
    // Small enough that listeners often fall behind and read from the store.
    config.limits.ring_bytes = 64 * 1024;
    // The writers of the rig post as fast as they can.
    config.limits = config.limits.without_post_rates();
    config.limits.keep = Retention::everything().with_bytes(Some(role.retain).filter(|&bytes| bytes > 0));
    let mut server = runtime.block_on(Server::start(config, journal)).context("could not start the server")?;
    {
        let _inside = runtime.enter();
        // On a full disk there is none, and the server runs without, as the program does.
        if let Err(error) = server.open_admin(&role.dir) {
            eprintln!("could not open the socket of the operator: {error}");
        }
    }
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
            Err(error) => return Err(error).context("could not open the store"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
