//! SIGINT and SIGTERM: the first asks for an orderly end, the second ends at once.

use std::sync::Arc;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::sync::Notify;

use crate::exit::Exit;

/// Tells when the first signal has come.
///
/// A thread of its own waits for signals, so that the second one ends the program even while it is
/// stuck in a write to a pipe that nobody reads.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(Arc<Notify>);

impl Interrupt {
    pub(crate) fn watch() -> std::io::Result<Self> {
        let notify = Arc::new(Notify::new());
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let told = Arc::clone(&notify);
        std::thread::Builder::new().name("signals".into()).stack_size(64 * 1024).spawn(move || {
            let mut signals = signals.forever();
            if signals.next().is_some() {
                told.notify_one();
            }
            if signals.next().is_some() {
                std::process::exit(Exit::Interrupted as i32);
            }
        })?;
        Ok(Self(notify))
    }

    /// Resolves with the first signal. Cancel-safe: a signal that came meanwhile is not lost.
    pub(crate) async fn wait(&self) {
        self.0.notified().await;
    }
}
