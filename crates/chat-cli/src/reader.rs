//! Notices that nobody reads standard output any more, before there is anything to write:
//! `chat listen | head -1` in a quiet room ends with `head`, not with the next message.

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The reader at the other end of standard output.
pub(crate) struct Reader {
    /// `None` where standard output is a file, which has no reader that could go away.
    pipe: Option<AsyncFd<std::io::Stdout>>,
}

impl Reader {
    /// Needs a running Tokio runtime.
    pub(crate) fn watch() -> Self {
        Self { pipe: AsyncFd::with_interest(std::io::stdout(), Interest::ERROR).ok() }
    }

    /// Resolves when the reader has gone away; never where there is none. Cancel-safe.
    pub(crate) async fn gone(&self) {
        let Some(pipe) = &self.pipe else { return std::future::pending().await };
        if pipe.ready(Interest::ERROR).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
