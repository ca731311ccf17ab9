//! The signals that end a program: the first asks it to end, a later one ends it at once. A program that is stuck, as in
//! a write to a pipe or a terminal that is not read, is ended too.

#[cfg(not(unix))]
mod ctrl_c;
mod rules;
#[cfg(unix)]
mod unix;

use std::io;
use std::time::Duration;

use tokio::sync::watch;

#[cfg(not(unix))]
use ctrl_c::CtrlCWatcher as Watcher;
pub use rules::EndRules;
#[cfg(unix)]
use unix::SignalWatcher as Watcher;

/// The signals, handled from its creation until the process ends. Where there are none, it is Ctrl+C.
///
/// A thread of its own receives them, because the threads of the runtime may be the ones that are stuck.
#[derive(Clone, Debug)]
pub struct EndSignal {
    /// How many signals have come.
    level: watch::Receiver<u8>,
    watcher: Watcher,
}

impl EndSignal {
    /// Handles the signals. `last` is called right before the thread ends the process; it must neither block nor use
    /// standard output or error, which a stuck thread may have locked.
    ///
    /// # Errors
    /// When the handlers or the thread cannot be created.
    pub fn watch(rules: EndRules, last: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (sender, level) = watch::channel(0);
        Ok(Self { level, watcher: Watcher::start(rules, sender, last)? })
    }

    /// Waits for the first signal; returns at once if it has come already.
    ///
    /// # Cancel safety
    /// Dropping the future loses no signal.
    pub async fn wait(&self) {
        self.reaches(1).await;
    }

    /// Waits for the second signal, with [`tells_second`](EndRules::tells_second).
    ///
    /// # Cancel safety
    /// Dropping the future loses no signal.
    pub async fn again(&self) {
        self.reaches(2).await;
    }

    async fn reaches(&self, level: u8) {
        if self.level.clone().wait_for(|now| *now >= level).await.is_err() {
            // Without the thread there are no signals to wait for.
            std::future::pending::<()>().await;
        }
    }

    /// Returns whether a signal has asked the program to end.
    #[must_use]
    pub fn has_come(&self) -> bool {
        *self.level.borrow() > 0
    }

    /// Grants the program this time for its next step, if a signal has asked it to end. Afterwards it counts as stuck.
    pub fn grant(&self, time: Duration) {
        if self.has_come() {
            self.watcher.grant(Some(time));
        }
    }

    /// Grants the program the time until the second signal, if the first has asked it to end. A write that is stuck still
    /// ends it.
    pub fn grant_until_again(&self) {
        if *self.level.borrow() == 1 {
            self.watcher.grant(None);
        }
    }
}
