//! A listener's socket and cursor, which belong either to its session or to the fan-out.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::unconstrained;

use super::idle::IdleSession;
use crate::log::LogCursor;

/// What a session and the fan-out share.
pub(super) struct SharedSocket {
    state: Mutex<SocketState>,
    /// Index in the list of the fan-out. Guarded by the lock of that list.
    index: AtomicUsize,
    /// Where a session goes that was put away and is needed again. At most one for each socket, so it needs no bound.
    woken: mpsc::UnboundedSender<Box<dyn IdleSession>>,
}

pub(super) struct SocketState {
    /// `None` when the session has ended. The stream can hold this socket as its waker, so the socket lets go of it.
    stream: Option<Arc<TcpStream>>,
    /// The cursor, while it is lent.
    pub(super) cursor: LogCursor,
    lent: bool,
    /// The peer has sent something, or the connection has ended, since the session asked to be told.
    readable: bool,
    sleeper: Option<Sleeper>,
}

/// Who waits for the end of the loan.
pub(super) enum Sleeper {
    /// A session with a task.
    Task(Waker),
    /// A session without one, which also waits for its peer.
    Idle(Box<dyn IdleSession>),
}

impl SharedSocket {
    pub(super) fn new(stream: Arc<TcpStream>, woken: mpsc::UnboundedSender<Box<dyn IdleSession>>) -> Self {
        let (stream, cursor) = (Some(stream), LogCursor::default());
        let state = SocketState { stream, cursor, lent: false, readable: false, sleeper: None };
        Self { state: Mutex::new(state), index: AtomicUsize::new(usize::MAX), woken }
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
        let _own = state.hand_back();
        state.cursor
    }

    /// Ready when the fan-out has handed the socket back.
    pub(super) fn poll_handed_back(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if !state.lent {
            return Poll::Ready(());
        }
        if !matches!(&state.sleeper, Some(Sleeper::Task(waker)) if waker.will_wake(cx.waker())) {
            state.sleeper = Some(Sleeper::Task(cx.waker().clone()));
        }
        Poll::Pending
    }

    /// Keeps a session until its peer sends something or the socket is handed back. Returns it if that is already so.
    pub(super) fn put_away<S: IdleSession + 'static>(self: &Arc<Self>, session: Box<S>) -> Option<Box<S>> {
        let stream = {
            let mut state = self.state();
            state.readable = false;
            state.stream.clone()
        };
        let Some(stream) = stream else { return Some(session) };
        // Without the lock, which waking takes. What arrives from here on is found in `readable`. Outside of the task's
        // budget, because a poll that is put off would count as one that has waited.
        let waker = Waker::from(Arc::clone(self));
        let asked = pin!(unconstrained(poll_fn(|cx| stream.poll_read_ready(cx))));
        if asked.poll(&mut Context::from_waker(&waker)).is_ready() {
            return Some(session);
        }
        let mut state = self.state();
        if !state.lent || state.readable {
            return Some(session);
        }
        state.sleeper = Some(Sleeper::Idle(session));
        None
    }

    /// Lets go of the stream, after the end of the session.
    pub(super) fn end(&self) {
        let stream = self.state().stream.take();
        drop(stream);
    }

    /// Locks the state if the socket is lent. The holder of the lock may write to the stream: this is what keeps the
    /// session and the fan-out from writing at the same time.
    pub(super) fn lock_if_lent(&self) -> Option<MutexGuard<'_, SocketState>> {
        Some(self.state()).filter(|state| state.lent)
    }

    /// Leaves the rest to the session, and wakes it.
    pub(super) fn hand_back(&self) {
        let sleeper = self.state().hand_back();
        self.rouse(sleeper);
    }

    /// Wakes a session, or gives it a task again. If the server is gone, its connection ends here, so the caller holds no
    /// lock.
    pub(super) fn rouse(&self, sleeper: Option<Sleeper>) {
        match sleeper {
            Some(Sleeper::Task(waker)) => waker.wake(),
            Some(Sleeper::Idle(session)) => drop(self.woken.send(session)),
            None => {}
        }
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state().sleeper, Some(Sleeper::Idle(_)))
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
    /// Returns the stream, while the session goes on.
    pub(super) fn stream(&self) -> Option<&TcpStream> {
        self.stream.as_deref()
    }

    /// Takes the socket from the fan-out. The caller wakes the returned sleeper, without the lock.
    #[must_use]
    pub(super) fn hand_back(&mut self) -> Option<Sleeper> {
        self.lent = false;
        self.sleeper.take()
    }
}

/// What the stream of a session that was put away calls when the peer sends something.
impl Wake for SharedSocket {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // A session with a task waits for its stream itself.
        let idle = {
            let mut state = self.state();
            state.readable = true;
            state.sleeper.take_if(|sleeper| matches!(sleeper, Sleeper::Idle(_)))
        };
        self.rouse(idle);
    }
}

impl fmt::Debug for SharedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSocket").field("index", &self.index).finish_non_exhaustive()
    }
}
