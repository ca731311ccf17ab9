//! A listener's socket and cursor, which belong either to its session or to the fan-out.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::net::TcpStream;

use crate::log::LogCursor;

/// What a session and the fan-out share.
pub(super) struct SharedSocket {
    pub(super) stream: Arc<TcpStream>,
    state: Mutex<SocketState>,
    /// Index in the list of the fan-out. Guarded by the lock of that list.
    index: AtomicUsize,
}

pub(super) struct SocketState {
    /// The cursor, while it is lent.
    pub(super) cursor: LogCursor,
    lent: bool,
    session: Option<Waker>,
}

impl SharedSocket {
    pub(super) fn new(stream: Arc<TcpStream>) -> Self {
        let state = SocketState { cursor: LogCursor::default(), lent: false, session: None };
        Self { stream, state: Mutex::new(state), index: AtomicUsize::new(usize::MAX) }
    }

    /// Gives the cursor to the fan-out.
    pub(super) fn lend(&self, cursor: LogCursor) {
        let mut state = self.state();
        state.cursor = cursor;
        state.lent = true;
    }

    /// Takes the cursor back.
    pub(super) fn take_back(&self) -> LogCursor {
        let mut state = self.state();
        state.lent = false;
        state.session = None;
        state.cursor
    }

    /// Ready when the fan-out has handed the socket back.
    pub(super) fn poll_handed_back(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if !state.lent {
            return Poll::Ready(());
        }
        if !state.session.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.session = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Locks the state if the socket is lent. The holder of the lock may write to the stream: this is what keeps the
    /// session and the fan-out from writing at the same time.
    pub(super) fn lock_if_lent(&self) -> Option<MutexGuard<'_, SocketState>> {
        Some(self.state()).filter(|state| state.lent)
    }

    /// Leaves the rest to the session.
    pub(super) fn hand_back(&self) {
        self.state().hand_back();
    }

    pub(super) fn index(&self) -> usize {
        self.index.load(Ordering::Relaxed)
    }

    pub(super) fn set_index(&self, index: usize) {
        self.index.store(index, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, SocketState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SocketState {
    /// Leaves the rest to the session, and wakes it.
    pub(super) fn hand_back(&mut self) {
        self.lent = false;
        if let Some(session) = self.session.take() {
            session.wake();
        }
    }
}

impl fmt::Debug for SharedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSocket").field("stream", &self.stream).finish_non_exhaustive()
    }
}
