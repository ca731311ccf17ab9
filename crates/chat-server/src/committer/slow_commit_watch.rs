//! Keeps the runtime going while a transaction in place takes longer than expected.
//!
//! A worker of tokio that runs a task does not look for input, and the others sleep until one of them is woken. So a worker
//! that waits for the disk must not be the only one that is awake for long.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::runtime::Handle;

/// Time between two looks. A transaction that is seen twice gets another worker woken.
const TICK: Duration = Duration::from_millis(2);

/// Ticks without a transaction after which the thread sleeps.
const IDLE_TICKS: u32 = 500;

/// The thread that looks, and what it looks at.
#[derive(Debug, Clone, Default)]
pub(super) struct SlowCommitWatch(Arc<WatchState>);

#[derive(Debug, Default)]
struct WatchState {
    /// Odd while a transaction runs. The numbers are all that is exchanged, so no other memory depends on their order.
    count: AtomicU64,
    asleep: AtomicBool,
    ended: AtomicBool,
    thread: OnceLock<Thread>,
}

impl SlowCommitWatch {
    /// Starts the thread, for the workers of `runtime`.
    pub(super) fn start(&self, runtime: Handle) -> io::Result<()> {
        let watch = self.clone();
        let thread = thread::Builder::new().name("chat-stall".into()).spawn(move || watch.run(&runtime))?;
        let _ = self.0.thread.set(thread.thread().clone());
        Ok(())
    }

    /// Runs a transaction that the thread looks at.
    pub(super) fn during<T>(&self, transaction: impl FnOnce() -> T) -> T {
        self.0.count.fetch_add(1, Ordering::SeqCst);
        if self.0.asleep.swap(false, Ordering::SeqCst) {
            self.wake();
        }
        let result = transaction();
        self.0.count.fetch_add(1, Ordering::SeqCst);
        result
    }

    /// Ends the thread.
    pub(super) fn end(&self) {
        self.0.ended.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        if let Some(thread) = self.0.thread.get() {
            thread.unpark();
        }
    }

    fn run(&self, runtime: &Handle) {
        let (mut seen, mut idle) = (0, 0);
        while !self.0.ended.load(Ordering::SeqCst) {
            let count = self.0.count.load(Ordering::SeqCst);
            if count != seen {
                (seen, idle) = (count, 0);
            } else if count % 2 == 1 {
                // The same transaction as before. A worker that has run this task looks for input when it has no other.
                runtime.spawn(async {});
            } else {
                idle += 1;
            }
            if idle < IDLE_TICKS {
                thread::park_timeout(TICK);
                continue;
            }
            self.0.asleep.store(true, Ordering::SeqCst);
            // One that has begun just before may not have seen that this thread sleeps.
            if self.0.count.load(Ordering::SeqCst) == seen && !self.0.ended.load(Ordering::SeqCst) {
                thread::park();
            }
            idle = 0;
        }
    }
}
