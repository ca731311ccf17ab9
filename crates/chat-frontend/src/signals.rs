//! The signals that end a program: the first asks it to end, a later one ends it at once. A program that is stuck, as in
//! a write to a pipe or a terminal that is not read, is ended too.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::{self, pipe};
use tokio::sync::watch;

use crate::Exit;

/// A signal that comes again so soon is the same one: `timeout` signals its child and then its process group, and a
/// terminal signals a group that a wrapper passes on to its child.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// How long the program may take to notice the first signal.
const STUCK_AFTER: Duration = Duration::from_millis(1500);

/// The byte that makes the thread look at the deadline again. The handler of a signal writes another one.
const LOOK_AGAIN: u8 = b'.';

/// SIGINT, SIGTERM and SIGHUP, handled from its creation until the process ends.
///
/// A thread of its own receives them, because the threads of the runtime may be the ones that are stuck.
#[derive(Clone, Debug)]
pub struct EndSignal {
    asked: watch::Receiver<bool>,
    deadline: Arc<Deadline>,
    wake: Arc<UnixStream>,
}

/// When the program is ended from outside, once a signal has asked it to end.
#[derive(Debug, Default)]
struct Deadline(Mutex<Option<Instant>>);

impl EndSignal {
    /// Handles the signals. `last` is called right before the thread ends the process; it must neither block nor use
    /// standard output or error, which a stuck thread may have locked.
    ///
    /// # Errors
    /// When the handlers or the thread cannot be created.
    pub fn watch(last: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        Self::watch_signals(&[SIGINT, SIGTERM, SIGHUP], last)
    }

    /// Handles SIGINT and SIGTERM as [`watch`](Self::watch) does, and leaves SIGHUP to the program.
    ///
    /// # Errors
    /// When the handlers or the thread cannot be created.
    pub fn watch_without_hangup(last: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        Self::watch_signals(&[SIGINT, SIGTERM], last)
    }

    fn watch_signals(ends: &[i32], last: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (signals, sender) = UnixStream::pair()?;
        for &signal in ends {
            pipe::register(signal, sender.try_clone()?)?;
        }
        let (asks, asked) = watch::channel(false);
        let deadline = Arc::<Deadline>::default();
        let shared = deadline.clone();
        let work = move || {
            if wait_for_the_end(signals, &asks, &shared, SAME_SIGNAL).is_ok() {
                last();
                // Runs no destructor and flushes nothing: the lock of the output may never be released.
                low_level::exit(Exit::Interrupted as i32);
            }
        };
        std::thread::Builder::new().name("signals".into()).stack_size(64 * 1024).spawn(work)?;
        Ok(Self { asked, deadline, wake: Arc::new(sender) })
    }

    /// Waits for the first signal; returns at once if it has come already.
    ///
    /// # Cancel safety
    /// Dropping the future loses no signal.
    pub async fn wait(&self) {
        if self.asked.clone().wait_for(|asked| *asked).await.is_err() {
            // Without the thread there are no signals to wait for.
            std::future::pending::<()>().await;
        }
    }

    /// Returns whether a signal has asked the program to end.
    #[must_use]
    pub fn has_come(&self) -> bool {
        *self.asked.borrow()
    }

    /// Grants the program this time for its next step, if a signal has asked it to end. Afterwards it counts as stuck.
    pub fn grant(&self, time: Duration) {
        if self.has_come() {
            self.deadline.set(Instant::now() + time);
            // The thread may wait for an earlier or a later deadline. It never ends before this value is dropped.
            let _ = (&*self.wake).write_all(&[LOOK_AGAIN]);
        }
    }
}

impl Deadline {
    fn set(&self, at: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// Returns the time that is left; `None` while no signal has come.
    fn left(&self) -> Option<Duration> {
        let at = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        at.map(|at| at.saturating_duration_since(Instant::now()))
    }
}

/// Returns when the process must be ended now.
fn wait_for_the_end(
    mut signals: UnixStream,
    asks: &watch::Sender<bool>,
    deadline: &Deadline,
    same_signal: Duration,
) -> io::Result<()> {
    let mut buffer = [0; 16];
    let mut first: Option<Instant> = None;
    loop {
        let left = deadline.left();
        if left == Some(Duration::ZERO) {
            return Ok(());
        }
        signals.set_read_timeout(left)?;
        match signals.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) if buffer[..count].iter().all(|&byte| byte == LOOK_AGAIN) => {}
            Ok(_) => match first {
                None => {
                    first = Some(Instant::now());
                    deadline.set(Instant::now() + STUCK_AFTER);
                    asks.send_replace(true);
                }
                Some(at) if at.elapsed() >= same_signal => return Ok(()),
                Some(_) => {}
            },
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {}
                _ => return Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread::JoinHandle;

    use super::*;

    struct Watched {
        sender: UnixStream,
        asked: watch::Receiver<bool>,
        deadline: Arc<Deadline>,
        thread: JoinHandle<io::Result<()>>,
    }

    fn watched(same_signal: Duration) -> Watched {
        let (signals, sender) = UnixStream::pair().unwrap();
        let (asks, asked) = watch::channel(false);
        let deadline = Arc::<Deadline>::default();
        let shared = deadline.clone();
        let thread = std::thread::spawn(move || wait_for_the_end(signals, &asks, &shared, same_signal));
        Watched { sender, asked, deadline, thread }
    }

    impl Watched {
        fn signal(&mut self) {
            self.sender.write_all(b"X").unwrap();
        }

        async fn is_asked(&mut self) {
            let asked = self.asked.wait_for(|asked| *asked);
            tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap().unwrap();
        }

        fn end(self) -> io::Result<()> {
            self.thread.join().unwrap()
        }
    }

    #[tokio::test]
    async fn later_signal_ends_at_once() {
        let mut watched = watched(Duration::ZERO);
        watched.signal();
        watched.is_asked().await;
        watched.deadline.set(Instant::now() + Duration::from_secs(3600));
        watched.signal();
        watched.end().unwrap();
    }

    #[tokio::test]
    async fn a_step_that_takes_too_long_ends() {
        let mut watched = watched(Duration::MAX);
        watched.signal();
        watched.is_asked().await;
        // The same signal once more, as `timeout` sends it.
        watched.signal();
        watched.deadline.set(Instant::now());
        watched.sender.write_all(&[LOOK_AGAIN]).unwrap();
        watched.end().unwrap();
    }

    #[test]
    fn looking_again_is_no_signal() {
        let watched = watched(Duration::ZERO);
        (&watched.sender).write_all(&[LOOK_AGAIN, LOOK_AGAIN]).unwrap();
        watched.sender.shutdown(std::net::Shutdown::Both).unwrap();
        let asked = watched.asked.clone();
        assert!(watched.end().is_err() && !*asked.borrow());
    }
}
