//! SIGINT and SIGTERM: the first requests a clean end, the second ends the program at once.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chat_frontend::Exit;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::pipe;
use tokio::sync::OnceCell;

/// Reports the first signal.
///
/// The second one ends the program from within the signal handler, even while the program is blocked in a write to a
/// full pipe. It needs no thread, which would cost a tenth of the time of a short run.
#[derive(Debug)]
pub(crate) struct Interrupt {
    told: UnixStream,
    /// The stream, once a runtime waits for it.
    waiting: OnceCell<tokio::net::UnixStream>,
}

impl Interrupt {
    pub(crate) fn watch() -> io::Result<Self> {
        let (told, tell) = UnixStream::pair()?;
        let seen = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The order matters: at the first signal the flag must still be clear.
            flag::register_conditional_shutdown(signal, Exit::Interrupted as i32, Arc::clone(&seen))?;
            flag::register(signal, Arc::clone(&seen))?;
            pipe::register(signal, tell.try_clone()?)?;
        }
        told.set_nonblocking(true)?;
        Ok(Self { told, waiting: OnceCell::new() })
    }

    /// Resolves with the first signal. Cancel-safe: a signal in the meantime is not lost.
    pub(crate) async fn wait(&self) {
        let waiting = async { tokio::net::UnixStream::from_std(self.told.try_clone()?) };
        // The byte stays in the stream, so that a later call returns at once.
        let told = async { self.waiting.get_or_try_init(|| waiting).await?.readable().await };
        if told.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
