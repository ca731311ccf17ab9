//! What the log of a node and the task with its connection share.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::tail::LogTail;
use crate::replication::LogState;

/// What both see.
pub(super) struct SharedTail {
    inner: Mutex<TailState>,
    /// Wakes the task: there is space again, or it should use another server.
    pub(super) changed: Notify,
}

pub(super) struct TailState {
    pub(super) tail: LogTail,
    pub(super) state: LogState,
    /// The last place that the node has applied.
    pub(super) applied: u64,
    /// The node wants another copy.
    pub(super) change_copy: bool,
    waker: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl TailState {
    pub(super) fn set_waker(&mut self, wake: Arc<dyn Fn() + Send + Sync>) {
        self.waker = Some(wake);
    }
}

impl SharedTail {
    /// Creates the state of a log that was not reached yet.
    pub(super) fn after(applied: u64) -> Self {
        let state = TailState {
            tail: LogTail::after(applied),
            state: LogState::Away { why: "it was not reached yet".into() },
            applied,
            change_copy: false,
            waker: None,
        };
        Self { inner: Mutex::new(state), changed: Notify::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, TailState> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what the node sees, and wakes it.
    pub(super) fn update(&self, change: impl FnOnce(&mut TailState)) {
        let waker = {
            let mut inner = self.lock();
            change(&mut inner);
            inner.waker.clone()
        };
        if let Some(wake) = waker {
            wake();
        }
    }
}

impl fmt::Debug for SharedTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedTail").field("state", &self.lock().state).finish_non_exhaustive()
    }
}
