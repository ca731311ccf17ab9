//! The signals that end a server, of which the first one drains it and a later one ends it at once, and the one that
//! makes it read its configuration again.

use std::io;

use tokio::sync::oneshot;

/// Signals within this time count as one: `timeout` signals the program and its process group, a terminal signals all
/// of its programs, and an impatient user presses twice.
#[cfg(unix)]
const SAME_SIGNAL: std::time::Duration = std::time::Duration::from_millis(500);

/// SIGTERM and SIGINT, or Ctrl-C on systems without signals.
pub(crate) struct ShutdownSignals {
    first: oneshot::Receiver<()>,
}

impl ShutdownSignals {
    /// Starts to handle the signals.
    ///
    /// # Errors
    /// The error of the operating system.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicBool, Ordering};

        use signal_hook::consts::{SIGINT, SIGTERM};

        const ALL: [i32; 2] = [SIGTERM, SIGINT];
        // A later signal ends the process from within its handler, so that no blocked task can prevent it.
        let armed = Arc::new(AtomicBool::new(false));
        for signal in ALL {
            signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&armed))?;
        }
        let mut signals = signal_hook::iterator::Signals::new(ALL)?;
        let (tell, first) = oneshot::channel();
        // A thread of its own for the same reason: it does not depend on the runtime.
        std::thread::Builder::new().name("chat-signals".into()).spawn(move || {
            if signals.forever().next().is_some() {
                let _ = tell.send(());
                std::thread::sleep(SAME_SIGNAL);
                armed.store(true, Ordering::SeqCst);
            }
        })?;
        Ok(Self { first })
    }

    /// Starts to handle Ctrl-C.
    ///
    /// # Errors
    /// None.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<Self> {
        let (tell, first) = oneshot::channel();
        tokio::spawn(async move {
            // Without a handler the server cannot be asked to end, so it continues.
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = tell.send(());
            }
        });
        Ok(Self { first })
    }

    /// Waits for the first signal.
    pub(crate) async fn first(&mut self) {
        if (&mut self.first).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// SIGHUP. Never arrives on systems without signals.
pub(crate) struct ReloadSignals {
    #[cfg(unix)]
    hangups: tokio::signal::unix::Signal,
}

impl ReloadSignals {
    /// Starts to handle the signal.
    ///
    /// # Errors
    /// The error of the operating system.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            hangups: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal. Signals that arrive together count as one. Cancel safe.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if self.hangups.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}
