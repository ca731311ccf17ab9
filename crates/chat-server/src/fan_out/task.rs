//! The fan-out task and its list of lent sockets.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};
use tokio::task::yield_now;

use super::idle::{IdleSession, WokenSessions};
use super::round::Round;
use super::socket::SharedSocket;
use crate::log::{LogHead, SharedLog};
use crate::meters::Meters;

/// The number of writes after which other tasks run. Posts that arrive in the meantime are included, so later listeners
/// receive more in one write: under load, batches grow instead of queues.
const WRITES_BEFORE_YIELD: usize = 256;

/// Sockets that are taken from the list under one lock.
const SOCKETS_AT_ONCE: usize = 32;

/// All listeners that keep up.
#[derive(Debug)]
pub(crate) struct FanOut {
    log: Arc<SharedLog>,
    meters: Arc<Meters>,
    sockets: Mutex<Vec<Arc<SharedSocket>>>,
    woken: mpsc::UnboundedSender<Box<dyn IdleSession>>,
}

impl FanOut {
    pub(crate) fn new(log: Arc<SharedLog>, meters: Arc<Meters>) -> (Arc<Self>, WokenSessions) {
        let (woken, sessions) = mpsc::unbounded_channel();
        (Arc::new(Self { log, meters, sockets: Mutex::default(), woken }), WokenSessions(sessions))
    }

    /// Writes for as long as the log is open, then hands all sockets back. When the future is dropped, the log is closed
    /// and the sessions without a task end.
    pub(crate) fn run(self: Arc<Self>, mut head: watch::Receiver<LogHead>) -> impl Future<Output = ()> + Send {
        // Before the first poll, because sockets can be lent before it.
        let (ends, mut handled) = (EndGuard(self), head.borrow().actions);
        async move {
            let this = &ends.0;
            loop {
                let LogHead { closing, actions, .. } = *head.borrow_and_update();
                if closing {
                    break;
                }
                this.round().await;
                if std::mem::replace(&mut handled, actions) != actions {
                    // The sessions tell their peers about it, or close them. They lend the sockets again.
                    this.hand_all_back();
                }
                if head.changed().await.is_err() {
                    break;
                }
            }
        }
    }

    /// A session that is dropped on this occasion takes its socket out of the list, so the list is not locked meanwhile.
    fn hand_all_back(&self) {
        let all = self.sockets().clone();
        all.iter().for_each(|socket| socket.hand_back());
    }

    pub(super) fn log(&self) -> &SharedLog {
        &self.log
    }

    pub(super) fn woken(&self) -> mpsc::UnboundedSender<Box<dyn IdleSession>> {
        self.woken.clone()
    }

    async fn round(&self) {
        let mut round = Round::new(&self.log);
        let (mut remaining, mut written) = (usize::MAX, 0);
        let mut some = Vec::with_capacity(SOCKETS_AT_ONCE);
        while self.next_sockets(&mut remaining, &mut some) {
            for socket in some.drain(..) {
                written += usize::from(round.visit(&socket));
            }
            round.count_in(&self.meters);
            if written >= WRITES_BEFORE_YIELD {
                written = 0;
                yield_now().await;
            }
        }
    }

    /// Fetches the next sockets, from the last to the first: a removed socket is replaced by the last one, which has
    /// been visited by then. Sockets that are added in the meantime are up to date, as [`Subscriber::lend`] has
    /// checked.
    ///
    /// [`Subscriber::lend`]: super::Subscriber::lend
    fn next_sockets(&self, remaining: &mut usize, some: &mut Vec<Arc<SharedSocket>>) -> bool {
        let sockets = self.sockets();
        let end = (*remaining).min(sockets.len());
        *remaining = end.saturating_sub(SOCKETS_AT_ONCE);
        some.extend(sockets[*remaining..end].iter().map(Arc::clone));
        !some.is_empty()
    }

    pub(super) fn add(&self, socket: &Arc<SharedSocket>) {
        let mut sockets = self.sockets();
        socket.set_index(sockets.len());
        sockets.push(Arc::clone(socket));
    }

    pub(super) fn remove(&self, socket: &Arc<SharedSocket>) {
        let mut sockets = self.sockets();
        let index = socket.index();
        if sockets.get(index).is_some_and(|there| Arc::ptr_eq(there, socket)) {
            sockets.swap_remove(index);
            if let Some(moved) = sockets.get(index) {
                moved.set_index(index);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sockets().len()
    }

    /// Returns the number of sessions without a task.
    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        self.sockets().iter().filter(|socket| socket.is_idle()).count()
    }

    fn sockets(&self) -> MutexGuard<'_, Vec<Arc<SharedSocket>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the sessions when the fan-out ends.
struct EndGuard(Arc<FanOut>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        // First, so that no session is put away after this.
        self.0.log.close();
        self.0.hand_all_back();
    }
}
