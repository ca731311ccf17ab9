//! Notices that nobody reads standard output any more, before there is anything to write:
//! `chat listen | head -1` in a quiet room ends with `head`, not with the next message.

use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::Notify;

/// The reader at the other end of standard output.
pub(crate) struct StdoutWatch(Arc<Notify>);

impl StdoutWatch {
    /// Watches from a thread of its own, which ends with the program. Where standard output is a file
    /// there is no reader that could go away, and it never says so.
    pub(crate) fn watch() -> Self {
        let gone = Arc::new(Notify::new());
        let told = Arc::clone(&gone);
        let watch = move || {
            let stdout = std::io::stdout();
            // No event is asked for: only an error or a hang-up ends the wait.
            let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
            if poll(&mut fds, None).is_ok_and(|count| count > 0) {
                told.notify_one();
            }
        };
        // Without the thread the next write finds out.
        let _ = std::thread::Builder::new().name("reader".into()).stack_size(64 * 1024).spawn(watch);
        Self(gone)
    }

    /// Resolves when the reader has gone away. Cancel-safe.
    pub(crate) async fn gone(&self) {
        self.0.notified().await;
    }
}
