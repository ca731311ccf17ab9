//! Writes what is new to every listener that keeps up: one task for all of them. It reads no socket and waits for no
//! peer; whoever does not take everything at once goes back to its own session.
//!
//! The session of a listener (`session/listener`) can do all of this too, and does it for streams that cannot be
//! shared, such as secure ones. But to wake ten thousand tasks for a message costs more than to write it. So a session
//! that has nothing more to write lends its stream and its place in the log to the task here, and sleeps until its
//! peer says something or falls behind.

mod seat;
mod sweep;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::yield_now;

pub(crate) use self::seat::Seat;
use self::{seat::Lent, sweep::Sweep};
use crate::{
    meters::Meters,
    room::{Room, Tide},
};

/// How many listeners are written to before other tasks get a turn. Posts that arrive meanwhile are taken in, so the
/// next listeners get more in one write: under load, batches grow instead of queues.
const WRITES_A_TURN: usize = 256;

/// How many listeners are looked up under one lock.
const LOOKED_UP: usize = 32;

/// Everybody who keeps up.
#[derive(Debug)]
pub(crate) struct FanOut {
    room: Arc<Room>,
    meters: Arc<Meters>,
    seats: Mutex<Vec<Arc<Lent>>>,
}

impl FanOut {
    pub(crate) fn new(room: Arc<Room>, meters: Arc<Meters>) -> Arc<Self> {
        Arc::new(Self { room, meters, seats: Mutex::default() })
    }

    /// Writes for as long as the room is open, then sends everybody home.
    pub(crate) async fn run(self: Arc<Self>, mut tide: watch::Receiver<Tide>) {
        loop {
            let Tide { closing, .. } = *tide.borrow_and_update();
            if closing {
                break;
            }
            self.sweep().await;
            if tide.changed().await.is_err() {
                break;
            }
        }
        self.seats().iter().for_each(|lent| lent.send_home());
    }

    async fn sweep(&self) {
        let mut sweep = Sweep::new(&self.room);
        let (mut left, mut written) = (usize::MAX, 0);
        let mut some = Vec::with_capacity(LOOKED_UP);
        while self.look_up(&mut left, &mut some) {
            for lent in some.drain(..) {
                written += usize::from(sweep.visit(&lent));
            }
            sweep.count_in(&self.meters);
            if written >= WRITES_A_TURN {
                written = 0;
                yield_now().await;
            }
        }
    }

    /// The next seats, from the last one to the first: a seat that is left is filled with the last one, which has been
    /// looked at then. Seats that are taken meanwhile are level, as their sessions have made sure.
    fn look_up(&self, left: &mut usize, some: &mut Vec<Arc<Lent>>) -> bool {
        let seats = self.seats();
        let end = (*left).min(seats.len());
        *left = end.saturating_sub(LOOKED_UP);
        some.extend(seats[*left..end].iter().map(Arc::clone));
        !some.is_empty()
    }

    fn take(&self, lent: &Arc<Lent>) {
        let mut seats = self.seats();
        lent.set_number(seats.len());
        seats.push(Arc::clone(lent));
    }

    fn leave(&self, lent: &Arc<Lent>) {
        let mut seats = self.seats();
        let number = lent.number();
        if seats.get(number).is_some_and(|there| Arc::ptr_eq(there, lent)) {
            seats.swap_remove(number);
            if let Some(moved) = seats.get(number) {
                moved.set_number(number);
            }
        }
    }

    fn seats(&self) -> MutexGuard<'_, Vec<Arc<Lent>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
