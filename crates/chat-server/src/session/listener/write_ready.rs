//! Detects whether a stream that was full can be written to again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// The waker for a write that blocked. Until it is woken nothing is fetched: otherwise a peer that sends but does not
/// read would make the server read a page of the journal for every packet.
#[derive(Debug)]
pub(super) struct WriteReady {
    ready: AtomicBool,
    task: AtomicWaker,
}

impl WriteReady {
    /// Creates it for a task, which it wakes.
    pub(super) fn new(task: &Waker) -> Self {
        let this = Self { ready: AtomicBool::new(false), task: AtomicWaker::new() };
        this.task.register(task);
        this
    }

    /// Ready when the stream has woken it.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Registered before the flag is read: a wake in between is not lost.
        self.task.register(cx.waker());
        if self.ready.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Wake for WriteReady {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Before the wake, so that the task finds the flag set.
        self.ready.store(true, Ordering::Release);
        self.task.wake();
    }
}
