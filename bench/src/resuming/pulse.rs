//! A writer and a live listener who measure, a few hundred times a second, how long a message takes from one to the
//! other. One message is under way at a time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use crate::dialogue::{self, Step};

/// Between two messages.
const PAUSE: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// Both of them at work.
pub struct Pulse {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<f64>>>,
}

impl Pulse {
    /// Connects both, and returns when the first message has gone through.
    pub fn start(listen: SocketAddr, write: SocketAddr) -> Result<Self> {
        // With numbers from the start: a plain listener's first lines are held back for a while.
        let listener =
            dialogue::open(listen, &[Step::new("\x01{\"resume\": {\"last\": 0}, \"nonce\": \"bench\"}\n", "\n")])?;
        let writer =
            dialogue::open(write, &[Step::new("\nPulse\n", "Post your message below. End it with an empty line.\n")])?;
        listener.set_read_timeout(Some(PATIENCE))?;
        writer.set_read_timeout(Some(PATIENCE))?;
        let over = Arc::new(AtomicBool::new(false));
        let mut beat = Beat { writer, heard: BufReader::new(listener) };
        beat.once()?;
        let stop = over.clone();
        let thread = thread::spawn(move || {
            let mut times = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                times.push(beat.once()?.as_secs_f64());
                thread::sleep(PAUSE);
            }
            Ok(times)
        });
        Ok(Self { over, thread })
    }

    /// How long each message took, in seconds.
    pub fn stop(self) -> Result<Vec<f64>> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the pulse panicked"))?
    }
}

struct Beat {
    writer: TcpStream,
    heard: BufReader<TcpStream>,
}

impl Beat {
    /// Posts a message and waits for it to be heard, and then for its confirmation.
    fn once(&mut self) -> Result<Duration> {
        let (begun, mut line) = (Instant::now(), String::new());
        self.writer.write_all(b"a beat of the pulse\n\n")?;
        ensure!(self.heard.read_line(&mut line)? > 0, "the server closed the connection of the listener");
        let passed = begun.elapsed();
        ensure!(line.contains("a beat of the pulse"), "another message came: {line}");
        line.clear();
        ensure!(BufReader::with_capacity(256, &self.writer).read_line(&mut line)? > 0, "nothing was confirmed");
        Ok(passed)
    }
}
