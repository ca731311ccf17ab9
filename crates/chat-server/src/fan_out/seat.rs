//! A listener's seat in the fan-out: its stream and its place in the log, which belong either to its session or to
//! the fan-out. It writes nothing itself.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::net::TcpStream;

use super::FanOut;
use crate::room::Place;

/// The session's side. Dropping it takes everything back.
#[derive(Debug)]
pub(crate) struct Seat {
    fan_out: Arc<FanOut>,
    lent: Arc<Lent>,
}

/// What the session and the fan-out share.
pub(super) struct Lent {
    pub(super) stream: Arc<TcpStream>,
    state: Mutex<State>,
    /// Where it is in the list of seats, guarded by the lock of that list.
    number: AtomicUsize,
}

pub(super) struct State {
    /// The place, while it is lent.
    pub(super) place: Place,
    lent: bool,
    session: Option<Waker>,
}

impl Seat {
    /// A seat that is not taken yet.
    pub(crate) fn new(fan_out: Arc<FanOut>, stream: Arc<TcpStream>) -> Self {
        let state = State { place: Place::default(), lent: false, session: None };
        let lent = Lent { stream, state: Mutex::new(state), number: AtomicUsize::new(usize::MAX) };
        Self { fan_out, lent: Arc::new(lent) }
    }

    /// Lends the stream to the fan-out, which writes from `place` on. Gives the place back, which may be a later one by
    /// then, when the log has gone on or the room is closing.
    pub(crate) fn lend(&self, place: Place) -> Result<(), Place> {
        {
            let mut state = self.lent.state();
            state.place = place;
            state.lent = true;
        }
        self.fan_out.take(&self.lent);
        // Only now: what is published from here on finds the seat taken.
        if self.fan_out.room.is_level(place.next()) { Ok(()) } else { Err(self.take_back()) }
    }

    /// Takes the stream back, and gives the place that the fan-out has come to.
    pub(crate) fn take_back(&self) -> Place {
        let place = {
            let mut state = self.lent.state();
            state.lent = false;
            state.session = None;
            state.place
        };
        self.fan_out.leave(&self.lent);
        place
    }

    /// Ready when the fan-out has sent the listener home: it has to be taken back then.
    pub(crate) fn poll_sent_home(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lent.state();
        if !state.lent {
            return Poll::Ready(());
        }
        if !state.session.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.session = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.take_back();
    }
}

impl Lent {
    /// The state, while the stream is lent. Whoever holds it may write.
    pub(super) fn borrow(&self) -> Option<MutexGuard<'_, State>> {
        Some(self.state()).filter(|state| state.lent)
    }

    /// Leaves the rest to the session.
    pub(super) fn send_home(&self) {
        self.state().end();
    }

    pub(super) fn number(&self) -> usize {
        self.number.load(Ordering::Relaxed)
    }

    pub(super) fn set_number(&self, number: usize) {
        self.number.store(number, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Leaves the rest to the session.
    pub(super) fn end(&mut self) {
        self.lent = false;
        if let Some(session) = self.session.take() {
            session.wake();
        }
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("stream", &self.stream).finish_non_exhaustive()
    }
}
