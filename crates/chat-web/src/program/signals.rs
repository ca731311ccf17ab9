//! The signal that asks for something else than the end.

use std::io;

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
