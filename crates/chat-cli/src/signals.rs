//! The signals that end a command, and SIGHUP where it asks for something else.

use std::io;
#[cfg(unix)]
use std::io::Read as _;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use chat_frontend::signals::{EndRules, EndSignal};
#[cfg(unix)]
use signal_hook::consts::SIGHUP;
#[cfg(unix)]
use signal_hook::low_level::pipe;
use tokio::sync::Notify;

/// What SIGHUP, the signal of a terminal that was closed, asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnHangup {
    /// The end, as the other signals. Not if the program was started with SIGHUP ignored, as by `nohup`.
    End,
    /// Something else; see [`Hangup`].
    Other,
}

/// Tells when the first signal has come, and when a later one has.
#[derive(Debug)]
pub(crate) struct Interrupt(EndSignal);

impl Interrupt {
    pub(crate) fn watch(on_hangup: OnHangup) -> io::Result<Self> {
        let rules = EndRules { own_hangup: on_hangup == OnHangup::Other, tells_second: true };
        EndSignal::watch(rules, || {}).map(Self)
    }

    /// Resolves with the first signal. Cancel-safe: a signal in the meantime is not lost.
    pub(crate) async fn wait(&self) {
        self.0.wait().await;
        // Confirmations are waited for, and files are written.
        self.0.grant_until_again();
    }

    /// Resolves with a later signal. Cancel-safe.
    pub(crate) async fn again(&self) {
        self.0.again().await;
    }
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
