//! Notices that the reader of standard output is gone before there is anything to write: `chat listen | head -1` in a
//! quiet room ends with `head`, not with the next message.

use std::sync::Arc;

#[cfg(unix)]
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::Notify;

/// The state of the reader of standard output.
pub(crate) struct StdoutWatch(Arc<Notify>);

impl StdoutWatch {
    /// Watches on a separate thread, which ends with the program. A file as standard output has no reader, so it is
    /// never reported.
    pub(crate) fn watch() -> Self {
        let gone = Arc::new(Notify::new());
        #[cfg(unix)]
        {
            let told = Arc::clone(&gone);
            let watch = move || {
                let stdout = std::io::stdout();
                // No event is requested: only an error or a hang-up ends the wait.
                let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
                if poll(&mut fds, None).is_ok_and(|count| count > 0) {
                    told.notify_one();
                }
            };
            // Without the thread, the next write notices. So it does on systems without `poll`.
            let _ = std::thread::Builder::new().name("reader".into()).stack_size(64 * 1024).spawn(watch);
        }
        Self(gone)
    }

    /// Resolves when the reader is gone. Cancel-safe.
    pub(crate) async fn gone(&self) {
        self.0.notified().await;
    }
}
