//! SIGINT, SIGTERM and SIGHUP: the first requests a clean end, the second ends the program at once.

use std::io;
#[cfg(unix)]
use std::io::Read as _;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chat_frontend::Exit;
#[cfg(unix)]
use chat_frontend::streams::StuckWrite;
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
#[cfg(unix)]
use signal_hook::low_level::{self, pipe};
use tokio::sync::{Notify, watch};

/// A signal that comes again so soon is the same one: `timeout` signals its child and then its process group, and a
/// terminal signals a group that a wrapper passes on to its child.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// After a signal, how long the program may take to notice it, and how long one write to its output may take. A write to
/// a pipe that is not read never returns. Together with the time for confirmations it is less than 2 s.
#[cfg(unix)]
const STUCK_AFTER: Duration = Duration::from_millis(1200);

/// How often the program is looked at after a signal.
#[cfg(unix)]
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What SIGHUP, the signal of a terminal that was closed, asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnHangup {
    /// The end, as the other signals. Not if the program was started with SIGHUP ignored, as by `nohup`.
    End,
    /// Something else; see [`Hangup`].
    Other,
}

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
    #[cfg(unix)]
    pub(crate) fn watch(on_hangup: OnHangup) -> io::Result<Self> {
        let (signals, sender) = UnixStream::pair()?;
        for signal in [SIGINT, SIGTERM] {
            pipe::register(signal, sender.try_clone()?)?;
        }
        if on_hangup == OnHangup::End && !hangup_is_ignored() {
            pipe::register(SIGHUP, sender)?;
        }
        let (level_sender, level) = watch::channel(0);
        let noticed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&noticed);
        let work = move || receive(signals, &level_sender, &seen);
        std::thread::Builder::new().name("signals".into()).stack_size(64 * 1024).spawn(work)?;
        Ok(Self { level, noticed })
    }

    /// Watches for Ctrl+C, the only request to end on a system without signals. A program that is stuck in a write ends
    /// with the second one.
    #[cfg(not(unix))]
    pub(crate) fn watch(_: OnHangup) -> io::Result<Self> {
        let (level_sender, level) = watch::channel(0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let work = move || {
            runtime.block_on(async {
                let mut last: Option<Instant> = None;
                while tokio::signal::ctrl_c().await.is_ok() {
                    if last.is_none_or(|last| last.elapsed() >= SAME_SIGNAL) {
                        if *level_sender.borrow() == 2 {
                            std::process::exit(Exit::Interrupted as i32);
                        }
                        last = Some(Instant::now());
                        level_sender.send_modify(|level| *level += 1);
                    }
                }
            });
        };
        std::thread::Builder::new().name("signals".into()).spawn(work)?;
        Ok(Self { level, noticed: Arc::default() })
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

/// Counts the signals, and ends the process when the program does not: when it does not notice the first one, when it is
/// stuck in a write, and some time after the second.
#[cfg(unix)]
fn receive(mut signals: UnixStream, level: &watch::Sender<u8>, noticed: &AtomicBool) {
    let mut buffer = [0; 16];
    let mut last: Option<Instant> = None;
    let mut writes = StuckWrite::default();
    loop {
        if let Some(last) = last {
            let late = last.elapsed() >= STUCK_AFTER && (*level.borrow() == 2 || !noticed.load(Ordering::Acquire));
            if late || writes.look() >= STUCK_AFTER {
                low_level::exit(Exit::Interrupted as i32);
            }
        }
        let waits = signals.set_read_timeout(last.map(|_| LOOK_EVERY));
        match waits.and_then(|()| signals.read(&mut buffer)) {
            Ok(1..) if last.is_some_and(|last| last.elapsed() < SAME_SIGNAL) => {}
            Ok(1..) if *level.borrow() == 2 => low_level::exit(Exit::Interrupted as i32),
            Ok(1..) => {
                last = Some(Instant::now());
                level.send_modify(|level| *level += 1);
            }
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {}
                _ => return,
            },
            Ok(0) => return,
        }
    }
}

/// Returns whether the program was started with SIGHUP ignored. Only Linux tells it without unsafe code; elsewhere it
/// counts as not ignored.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|signals| signals >> (SIGHUP - 1) & 1 == 1)
}

/// Tells when SIGHUP has come, which asks a program that writes a file to open it again.
#[derive(Debug)]
pub(crate) struct Hangup(Arc<Notify>);

impl Hangup {
    /// Never tells: without signals, a file that was rotated is opened again with the next start.
    #[cfg(not(unix))]
    pub(crate) fn watch() -> io::Result<Self> {
        Ok(Self(Arc::default()))
    }

    #[cfg(unix)]
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
