//! A writer and a live listener that measure the latency of one message at a time, a few hundred times per second.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use crate::dialogue::{self, Step};

/// Pause between two messages.
const PAUSE: Duration = Duration::from_millis(2);
/// Time the server has for a message and for its confirmation.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A running probe.
pub(crate) struct RttProbe {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<f64>>>,
}

impl RttProbe {
    /// Connects both, and returns when the first message has arrived.
    pub(crate) fn start(listen: SocketAddr, write: SocketAddr) -> Result<Self> {
        // Resumes, as clients do.
        let listener =
            dialogue::open(listen, &[Step::new("\x01{\"resume\": {\"last\": 0}, \"nonce\": \"bench\"}\n", "\n")])?;
        let writer = dialogue::open(write, &[Step::new("\nProbe\n", "End it with an empty line. \t\n")])?;
        listener.set_read_timeout(Some(TIMEOUT))?;
        writer.set_read_timeout(Some(TIMEOUT))?;
        let over = Arc::new(AtomicBool::new(false));
        let mut ping = Ping { writer, listener: BufReader::new(listener) };
        ping.measure()?;
        let stop = over.clone();
        let thread = thread::spawn(move || {
            let mut times = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                times.push(ping.measure()?.as_secs_f64());
                thread::sleep(PAUSE);
            }
            Ok(times)
        });
        Ok(Self { over, thread })
    }

    /// Stops the probe. Returns the seconds that each message took.
    pub(crate) fn stop(self) -> Result<Vec<f64>> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the probe panicked"))?
    }
}

struct Ping {
    writer: TcpStream,
    listener: BufReader<TcpStream>,
}

impl Ping {
    /// Posts a message and waits for its arrival, then for its confirmation.
    fn measure(&mut self) -> Result<Duration> {
        let (begun, mut line) = (Instant::now(), String::new());
        self.writer.write_all(b"a message of the probe\n\n")?;
        ensure!(self.listener.read_line(&mut line)? > 0, "the server closed the connection of the listener");
        let passed = begun.elapsed();
        ensure!(line.contains("a message of the probe"), "another message arrived: {line}");
        line.clear();
        ensure!(BufReader::with_capacity(256, &self.writer).read_line(&mut line)? > 0, "a message was not confirmed");
        Ok(passed)
    }
}
