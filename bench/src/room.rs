//! A room inside the harness, and a writer that posts to it at a fixed rate over the plain protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chat_server::{MemoryJournal, Server, ServerConfig, ServerHandle};
use tokio::runtime::{Builder, Runtime};

/// The server and its runtime.
pub struct Room {
    server: Option<ServerHandle>,
    runtime: Runtime,
}

impl Room {
    /// Opens a room in memory on free ports.
    pub fn open() -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let server = runtime.block_on(Server::start(ServerConfig::on_free_ports(), MemoryJournal::new()))?;
        Ok(Self { server: Some(server), runtime })
    }

    fn addresses(&self) -> Result<(SocketAddr, SocketAddr)> {
        let server = self.server.as_ref().context("the room is closed")?;
        Ok((server.listen_addr(), server.write_addr()))
    }

    /// The arguments that lead `chat-tui` there.
    pub fn arguments(&self) -> Result<Vec<String>> {
        let (listen, write) = self.addresses()?;
        let ports = [listen.port().to_string(), write.port().to_string()];
        Ok(["--no-local-room", "--listen-port", &ports[0], "--write-port", &ports[1]].map(str::to_owned).to_vec())
    }

    /// Registers, and returns the account as the file of kept accounts has it: one JSON object.
    pub fn register(&self, name: &str) -> Result<String> {
        Ok(log_in(self.addresses()?.1, name)?.1)
    }

    /// Starts a writer that posts so many messages a second until it is dropped.
    pub fn flood(&self, per_second: u32) -> Result<Flood> {
        let (connection, _) = log_in(self.addresses()?.1, "Flood")?;
        let (over, posted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut answers = BufReader::new(connection.try_clone()?);
        // Nobody looks at the answers; they are read so that they do not pile up.
        thread::spawn(move || std::io::copy(&mut answers, &mut std::io::sink()));
        let (stop, count) = (over.clone(), posted.clone());
        let thread = thread::spawn(move || post(connection, per_second, &stop, &count));
        Ok(Flood { over, posted, thread: Some(thread) })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let server = self.server.take();
        // Its tasks are ended where they run.
        self.runtime.block_on(async { drop(server) });
    }
}

/// A writer at work.
pub struct Flood {
    over: Arc<AtomicBool>,
    posted: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    /// How many messages were posted so far.
    pub fn posted(&self) -> u64 {
        self.posted.load(Ordering::Relaxed)
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn log_in(address: SocketAddr, name: &str) -> Result<(TcpStream, String)> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_nodelay(true)?;
    connection.write_all(format!("\n{name}\n").as_bytes())?;
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let mut account = String::new();
    for line in lines.by_ref().take(4) {
        let line = line?;
        if line.starts_with('{') {
            account = line;
        } else if line.starts_with("Welcome") {
            ensure!(!account.is_empty(), "the server welcomed without an account");
            return Ok((connection, account));
        }
    }
    anyhow::bail!("the server did not welcome {name}")
}

/// Posts every two milliseconds what is due by then.
fn post(mut connection: TcpStream, per_second: u32, over: &AtomicBool, posted: &AtomicU64) {
    let begun = Instant::now();
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        let due = (begun.elapsed().as_secs_f64() * f64::from(per_second)) as u64;
        let mut batch = String::new();
        while number < due {
            batch.push_str(&format!("message {number} of a room in which much is said\n\n"));
            number += 1;
        }
        if connection.write_all(batch.as_bytes()).is_err() {
            return;
        }
        posted.store(number, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(2));
    }
}
