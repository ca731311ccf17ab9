//! SIGINT and SIGTERM: the first asks for an orderly end, the second ends at once.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chat_frontend::Exit;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::pipe;
use tokio::sync::OnceCell;

/// Tells when the first signal has come.
///
/// The second one ends the program from within the signal handler, so that it does so even while the program is stuck
/// in a write to a pipe that nobody reads. It takes no thread, which would be a tenth of the time of a short run.
#[derive(Debug)]
pub(crate) struct Interrupt {
    told: UnixStream,
    /// The same, once a runtime waits for it.
    waiting: OnceCell<tokio::net::UnixStream>,
}

impl Interrupt {
    pub(crate) fn watch() -> io::Result<Self> {
        let (told, tell) = UnixStream::pair()?;
        let seen = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds that none was seen.
            flag::register_conditional_shutdown(signal, Exit::Interrupted as i32, Arc::clone(&seen))?;
            flag::register(signal, Arc::clone(&seen))?;
            pipe::register(signal, tell.try_clone()?)?;
        }
        told.set_nonblocking(true)?;
        Ok(Self { told, waiting: OnceCell::new() })
    }

    /// Resolves with the first signal. Cancel-safe: a signal that came meanwhile is not lost.
    pub(crate) async fn wait(&self) {
        let waiting = async { tokio::net::UnixStream::from_std(self.told.try_clone()?) };
        // What was said is left there, so whoever asks again is told again.
        let told = async { self.waiting.get_or_try_init(|| waiting).await?.readable().await };
        if told.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
