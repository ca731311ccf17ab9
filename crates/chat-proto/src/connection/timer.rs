//! The timer of a poll loop.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// Waits for the earliest of several deadlines, which may change between two polls. For a program that drives a
/// [`StateMachine`](crate::StateMachine) itself instead of using a [`Connection`](crate::Connection).
///
/// It contains no timer while there is no deadline: most connections of a server are idle.
///
/// ```
/// use std::future::poll_fn;
/// use chat_proto::DeadlineTimer;
/// use tokio::time::{Duration, Instant};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let mut timer = DeadlineTimer::default();
/// let due = Instant::now() + Duration::from_secs(5);
/// poll_fn(|cx| timer.poll(cx, [None, Some(due)])).await;
/// assert!(Instant::now() >= due);
/// # }
/// ```
#[derive(Debug, Default)]
pub struct DeadlineTimer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl DeadlineTimer {
    /// Ready when the earliest deadline is reached; pending for ever without one.
    ///
    /// # Panics
    /// With a deadline, outside of a tokio runtime with timers.
    pub fn poll(&mut self, cx: &mut Context<'_>, deadlines: impl IntoIterator<Item = Option<Instant>>) -> Poll<()> {
        let Some(earliest) = deadlines.into_iter().flatten().min() else {
            self.sleep = None;
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(earliest)));
        if sleep.deadline() != earliest {
            sleep.as_mut().reset(earliest);
        }
        ready!(sleep.as_mut().poll(cx));
        // A finished timer must not be polled again.
        self.sleep = None;
        Poll::Ready(())
    }
}
