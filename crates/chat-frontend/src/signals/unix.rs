//! The thread that receives the signals, and ends the process where the program does not.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::{self, pipe};
use tokio::sync::watch;

use super::rules::{EndRules, SAME_SIGNAL};
use crate::Exit;
use crate::streams::StuckWrite;

/// How long the program may take to notice a signal.
const STUCK_AFTER: Duration = Duration::from_millis(1500);

/// How long one write to standard output or error may take after a signal. Together with the time that `chat` waits for
/// confirmations it is less than 2 s.
const STUCK_WRITE: Duration = Duration::from_millis(1200);

/// How often the program is looked at after a signal.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The byte that makes the thread look at the deadline again. The handler of a signal writes another one.
const LOOK_AGAIN: u8 = b'.';

/// What the program shares with the thread.
#[derive(Clone, Debug)]
pub(super) struct SignalWatcher {
    deadline: Arc<Deadline>,
    wake: Arc<UnixStream>,
}

/// When the process is ended, once a signal has asked the program to end, and the number of signals.
#[derive(Debug, Default)]
struct Deadline(Mutex<(u8, Option<Instant>)>);

impl SignalWatcher {
    pub(super) fn start(
        rules: EndRules,
        level: watch::Sender<u8>,
        last: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let (signals, sender) = UnixStream::pair()?;
        for signal in [SIGINT, SIGTERM] {
            pipe::register(signal, sender.try_clone()?)?;
        }
        if !rules.own_hangup && !hangup_is_ignored() {
            pipe::register(SIGHUP, sender.try_clone()?)?;
        }
        let deadline = Arc::<Deadline>::default();
        let shared = deadline.clone();
        let work = move || {
            if wait_for_the_end(signals, &level, &shared, rules.told(), SAME_SIGNAL).is_ok() {
                last();
                // Runs no destructor and flushes nothing: the lock of the output may never be released.
                low_level::exit(Exit::Interrupted as i32);
            }
        };
        std::thread::Builder::new().name("signals".into()).stack_size(64 * 1024).spawn(work)?;
        Ok(Self { deadline, wake: Arc::new(sender) })
    }

    /// Grants a time, or the time until the second signal.
    pub(super) fn grant(&self, time: Option<Duration>) {
        match time {
            Some(time) => self.deadline.set(Instant::now() + time),
            None => self.deadline.clear_the_first(),
        }
        // The thread may wait for an earlier or a later deadline. It never ends before this value is dropped.
        let _ = (&*self.wake).write_all(&[LOOK_AGAIN]);
    }
}

impl Deadline {
    fn with<T>(&self, act: impl FnOnce(&mut (u8, Option<Instant>)) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, at: Instant) {
        self.with(|(_, deadline)| *deadline = Some(at));
    }

    /// Sets the deadline of the next signal, and returns its number.
    fn next(&self, at: Instant) -> u8 {
        self.with(|(level, deadline)| {
            *level += 1;
            *deadline = Some(at);
            *level
        })
    }

    /// Removes the deadline, unless the second signal has come.
    fn clear_the_first(&self) {
        self.with(|(level, deadline)| {
            if *level == 1 {
                *deadline = None;
            }
        });
    }

    /// Returns the time that is left; `None` without a deadline.
    fn left(&self) -> Option<Duration> {
        let at = self.with(|(_, deadline)| *deadline);
        at.map(|at| at.saturating_duration_since(Instant::now()))
    }
}

/// Returns when the process must be ended now: when a step takes too long, when a write is stuck, and with the signal
/// after the `told` ones.
fn wait_for_the_end(
    mut signals: UnixStream,
    level: &watch::Sender<u8>,
    deadline: &Deadline,
    told: u8,
    same_signal: Duration,
) -> io::Result<()> {
    let mut buffer = [0; 16];
    let mut latest: Option<Instant> = None;
    let mut writes = StuckWrite::default();
    loop {
        let left = deadline.left();
        if left == Some(Duration::ZERO) || (latest.is_some() && writes.look() >= STUCK_WRITE) {
            return Ok(());
        }
        signals.set_read_timeout(latest.map(|_| left.unwrap_or(LOOK_EVERY).min(LOOK_EVERY)))?;
        match signals.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) if buffer[..count].iter().all(|&byte| byte == LOOK_AGAIN) => {}
            Ok(_) if latest.is_some_and(|latest| latest.elapsed() < same_signal) => {}
            Ok(_) if *level.borrow() == told => return Ok(()),
            Ok(_) => {
                latest = Some(Instant::now());
                level.send_replace(deadline.next(Instant::now() + STUCK_AFTER));
            }
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {}
                _ => return Err(error),
            },
        }
    }
}

/// Returns whether the program was started with SIGHUP ignored. Only Linux tells it without unsafe code; elsewhere it
/// counts as not ignored.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|signals| signals >> (SIGHUP - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use std::thread::JoinHandle;

    use super::*;

    /// The deadline of every wait.
    const GUARD: Duration = Duration::from_secs(20);

    /// A deadline that no test reaches.
    const FAR: Duration = Duration::from_secs(3600);

    struct Watched {
        watcher: SignalWatcher,
        level: watch::Receiver<u8>,
        thread: JoinHandle<io::Result<()>>,
    }

    fn watched(told: u8, same_signal: Duration) -> Watched {
        let (signals, sender) = UnixStream::pair().unwrap();
        let (level_sender, level) = watch::channel(0);
        let watcher = SignalWatcher { deadline: Arc::default(), wake: Arc::new(sender) };
        let deadline = watcher.deadline.clone();
        let thread = std::thread::spawn(move || wait_for_the_end(signals, &level_sender, &deadline, told, same_signal));
        Watched { watcher, level, thread }
    }

    impl Watched {
        fn signal(&self) {
            (&*self.watcher.wake).write_all(b"X").unwrap();
        }

        async fn reaches(&mut self, level: u8) {
            let reached = self.level.wait_for(|now| *now >= level);
            tokio::time::timeout(GUARD, reached).await.unwrap().unwrap();
        }

        fn end(self) -> io::Result<()> {
            let begun = Instant::now();
            while !self.thread.is_finished() {
                assert!(begun.elapsed() < GUARD, "the thread does not end");
                std::thread::yield_now();
            }
            self.thread.join().unwrap()
        }
    }

    #[tokio::test]
    async fn later_signal_ends_at_once() {
        let mut watched = watched(1, Duration::ZERO);
        watched.signal();
        watched.reaches(1).await;
        watched.watcher.grant(Some(FAR));
        watched.signal();
        watched.end().unwrap();
    }

    #[tokio::test]
    async fn second_signal_can_be_told() {
        let mut watched = watched(2, Duration::ZERO);
        watched.signal();
        watched.reaches(1).await;
        watched.watcher.grant(None);
        assert_eq!(watched.watcher.deadline.left(), None);
        watched.signal();
        watched.reaches(2).await;
        // The first was noticed late.
        watched.watcher.grant(None);
        assert_ne!(watched.watcher.deadline.left(), None);
        watched.watcher.grant(Some(FAR));
        watched.signal();
        watched.end().unwrap();
    }

    #[tokio::test]
    async fn a_step_that_takes_too_long_ends() {
        let mut watched = watched(1, Duration::MAX);
        watched.signal();
        watched.reaches(1).await;
        // Only the second grant can end it.
        watched.watcher.grant(Some(FAR));
        assert!(watched.watcher.deadline.left() > Some(STUCK_AFTER));
        watched.watcher.grant(Some(Duration::ZERO));
        watched.end().unwrap();
    }

    /// As `timeout` sends it.
    #[tokio::test]
    async fn the_same_signal_counts_once() {
        let mut watched = watched(1, Duration::MAX);
        watched.signal();
        watched.reaches(1).await;
        watched.watcher.grant(Some(FAR));
        watched.signal();
        watched.watcher.wake.shutdown(std::net::Shutdown::Both).unwrap();
        assert!(watched.end().is_err());
    }

    #[test]
    fn looking_again_is_no_signal() {
        let watched = watched(1, Duration::ZERO);
        (&*watched.watcher.wake).write_all(&[LOOK_AGAIN, LOOK_AGAIN]).unwrap();
        watched.watcher.wake.shutdown(std::net::Shutdown::Both).unwrap();
        let level = watched.level.clone();
        assert!(watched.end().is_err() && *level.borrow() == 0);
    }
}
