//! SIGINT and SIGTERM: the first requests a clean end, the second ends the program at once.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chat_frontend::Exit;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::{self, pipe};
use tokio::sync::{Notify, watch};

/// A signal that comes again so soon is the same one: `timeout` signals its child and then its process group, and a
/// terminal signals a group that a wrapper passes on to its child.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// How long a program may take to notice a signal. One that is stuck in a write to a full pipe never does.
const STUCK_AFTER: Duration = Duration::from_millis(1500);

/// Tells when the first signal has come, and when a later one has.
///
/// A thread of its own receives the signals, so that the program ends even while it is stuck in a write to a pipe that
/// is full. The price is some 30 µs per run.
#[derive(Debug)]
pub(crate) struct Interrupt {
    level: watch::Receiver<u8>,
    /// The program has noticed the first signal.
    noticed: Arc<AtomicBool>,
}

impl Interrupt {
    pub(crate) fn watch() -> io::Result<Self> {
        let (mut signals, sender) = UnixStream::pair()?;
        for signal in [SIGINT, SIGTERM] {
            pipe::register(signal, sender.try_clone()?)?;
        }
        let (level_sender, level) = watch::channel(0);
        let noticed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&noticed);
        let work = move || {
            let mut buffer = [0; 16];
            let mut last: Option<Instant> = None;
            loop {
                // After a signal the program has a moment to react; then it is ended.
                let level = *level_sender.borrow();
                let watched = level == 2 || (level == 1 && !seen.load(Ordering::Acquire));
                let waits = signals.set_read_timeout(watched.then_some(STUCK_AFTER));
                match waits.and_then(|()| signals.read(&mut buffer)) {
                    Ok(1..) => {
                        let again = last.is_none_or(|last| last.elapsed() >= SAME_SIGNAL);
                        match level {
                            _ if !again => {}
                            0 | 1 => {
                                last = Some(Instant::now());
                                level_sender.send_replace(level + 1);
                            }
                            _ => low_level::exit(Exit::Interrupted as i32),
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                        if level == 2 || !seen.load(Ordering::Acquire) {
                            low_level::exit(Exit::Interrupted as i32);
                        }
                    }
                    Ok(0) | Err(_) => return,
                }
            }
        };
        std::thread::Builder::new().name("signals".into()).stack_size(64 * 1024).spawn(work)?;
        Ok(Self { level, noticed })
    }

    /// Resolves with the first signal. Cancel-safe: a signal in the meantime is not lost.
    pub(crate) async fn wait(&self) {
        self.reaches(1).await;
        self.noticed.store(true, Ordering::Release);
    }

    /// Resolves with a later signal. Cancel-safe.
    pub(crate) async fn again(&self) {
        self.reaches(2).await;
    }

    async fn reaches(&self, level: u8) {
        if self.level.clone().wait_for(|now| *now >= level).await.is_err() {
            // Without the thread there are no signals to wait for.
            std::future::pending::<()>().await;
        }
    }
}

/// Tells when SIGHUP has come, which asks a program that writes a file to open it again.
#[derive(Debug)]
pub(crate) struct Hangup(Arc<Notify>);

impl Hangup {
    pub(crate) fn watch() -> io::Result<Self> {
        let (mut signals, sender) = UnixStream::pair()?;
        pipe::register(SIGHUP, sender)?;
        let hangup = Arc::new(Notify::new());
        let notify = Arc::clone(&hangup);
        let work = move || {
            while matches!(signals.read(&mut [0; 16]), Ok(1..)) {
                notify.notify_one();
            }
        };
        std::thread::Builder::new().name("hangup".into()).stack_size(64 * 1024).spawn(work)?;
        Ok(Self(hangup))
    }

    /// Resolves with the next signal. Cancel-safe.
    pub(crate) async fn next(&self) {
        self.0.notified().await;
    }
}
