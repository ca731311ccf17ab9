//! A server in this process for measurements of `chat-tui`, and a writer that posts to it at a fixed rate.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chat_server::{MemoryJournal, Server, ServerConfig, ServerHandle};
use tokio::runtime::{Builder, Runtime};

/// Time the server has for the dialogue of a login.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The server and its runtime.
pub(crate) struct EmbeddedRoom {
    server: Option<ServerHandle>,
    runtime: Runtime,
}

impl EmbeddedRoom {
    /// Starts a server in memory on free ports.
    pub(crate) fn open() -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut config = ServerConfig::on_free_ports();
        // The bench measures what the server can do, not what it allows.
        config.limits = config.limits.without_post_rates();
        let server = runtime.block_on(Server::start(config, MemoryJournal::new()))?;
        Ok(Self { server: Some(server), runtime })
    }

    fn addresses(&self) -> Result<(SocketAddr, SocketAddr)> {
        let server = self.server.as_ref().context("the server is closed")?;
        Ok((server.listen_addr(), server.write_addr()))
    }

    /// Returns the arguments with which `chat-tui` connects to it.
    pub(crate) fn arguments(&self) -> Result<Vec<String>> {
        let (listen, write) = self.addresses()?;
        let ports = [listen.port().to_string(), write.port().to_string()];
        Ok(["--no-local-room", "--listen-port", &ports[0], "--write-port", &ports[1]].map(str::to_owned).to_vec())
    }

    /// Registers an account. Returns it as one JSON object, the format of the credential file.
    pub(crate) fn register(&self, name: &str) -> Result<String> {
        Ok(log_in(self.addresses()?.1, name)?.1)
    }

    /// Starts a writer that posts this number of messages per second until it is dropped.
    pub(crate) fn post_at_rate(&self, per_second: u32) -> Result<FixedRateWriter> {
        let (connection, _) = log_in(self.addresses()?.1, "FixedRateWriter")?;
        let (over, posted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut answers = BufReader::new(connection.try_clone()?);
        // Answers are read and discarded, so that the server is not blocked by a full socket.
        thread::spawn(move || std::io::copy(&mut answers, &mut std::io::sink()));
        let (stop, count) = (over.clone(), posted.clone());
        let thread = thread::spawn(move || post(connection, per_second, &stop, &count));
        Ok(FixedRateWriter { over, posted, thread: Some(thread) })
    }
}

impl Drop for EmbeddedRoom {
    fn drop(&mut self) {
        let server = self.server.take();
        // Dropped inside the runtime, because dropping the server ends its tasks.
        self.runtime.block_on(async { drop(server) });
    }
}

/// A writer that posts at a fixed rate.
pub(crate) struct FixedRateWriter {
    over: Arc<AtomicBool>,
    posted: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl FixedRateWriter {
    /// Returns the number of messages posted so far.
    pub(crate) fn posted(&self) -> u64 {
        self.posted.load(Ordering::Relaxed)
    }
}

impl Drop for FixedRateWriter {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Registers an account. Returns its connection, and the account as one JSON object.
pub(crate) fn log_in(address: SocketAddr, name: &str) -> Result<(TcpStream, String)> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    connection.write_all(format!("\n{name}\n").as_bytes())?;
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let mut account = String::new();
    for line in lines.by_ref().take(4) {
        let line = line?;
        if line.starts_with('{') {
            account = line;
        } else if line.starts_with("Welcome") {
            ensure!(!account.is_empty(), "the server sent no account");
            return Ok((connection, account));
        }
    }
    anyhow::bail!("the server did not welcome {name}")
}

/// Posts the messages that are due, every 2 ms.
fn post(mut connection: TcpStream, per_second: u32, over: &AtomicBool, posted: &AtomicU64) {
    let begun = Instant::now();
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        let due = (begun.elapsed().as_secs_f64() * f64::from(per_second)) as u64;
        let mut batch = String::new();
        while number < due {
            batch.push_str(&format!("message {number} of a busy room\n\n"));
            number += 1;
        }
        if connection.write_all(batch.as_bytes()).is_err() {
            return;
        }
        posted.store(number, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(2));
    }
}
