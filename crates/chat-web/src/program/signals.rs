//! The signals of the program.

use std::io;
use std::time::Duration;

/// The signals that end the program.
#[cfg(unix)]
pub(super) struct EndOfProgram(chat_frontend::signals::EndSignal);

#[cfg(unix)]
impl EndOfProgram {
    /// `reloads`: SIGHUP is not one of them.
    pub(super) fn watch(reloads: bool) -> io::Result<Self> {
        use chat_frontend::signals::EndSignal;
        let watched = if reloads { EndSignal::watch_without_hangup(|| {}) } else { EndSignal::watch(|| {}) };
        watched.map(Self)
    }

    pub(super) async fn wait(&self) {
        self.0.wait().await;
    }

    pub(super) fn grant(&self, time: Duration) {
        self.0.grant(time);
    }
}

/// The signals that end the program.
#[cfg(not(unix))]
pub(super) struct EndOfProgram;

#[cfg(not(unix))]
impl EndOfProgram {
    pub(super) fn watch(_: bool) -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn wait(&self) {
        // Without a handler Ctrl+C ends the process at once.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub(super) fn grant(&self, _: Duration) {}
}

/// SIGHUP, which asks to read the configuration and the certificate again. Never comes on systems without signals.
pub(super) struct HangupSignals {
    #[cfg(unix)]
    hangups: Option<tokio::signal::unix::Signal>,
}

impl HangupSignals {
    pub(super) fn listen(reloads: bool) -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let hangups = if reloads { Some(signal(SignalKind::hangup())?) } else { None };
            Ok(Self { hangups })
        }
        #[cfg(not(unix))]
        {
            let _ = reloads;
            Ok(Self {})
        }
    }

    /// Waits for the next one. Cancel safe.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(hangups) = &mut self.hangups
            && hangups.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}
