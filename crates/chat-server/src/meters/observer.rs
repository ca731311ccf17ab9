//! A view of a server that keeps nothing alive and delays neither draining nor the end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use super::counters::Meters;
use super::figures::Figures;
use crate::log::SharedLog;

/// Reads a server's figures and readiness, also while it drains and after its end.
#[derive(Debug, Clone)]
pub struct Observer {
    meters: Arc<Meters>,
    log: Arc<SharedLog>,
    stopping: watch::Receiver<bool>,
}

/// Whether a server can do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readiness {
    /// It accepts connections and posts.
    Ready,
    /// It is draining, or has ended.
    Draining,
    /// It serves, but cannot store.
    StoreFails,
    /// It serves, but there is too little space to store more.
    ShortOfSpace,
    /// A node that serves listeners, but cannot reach the log that the nodes share: nothing is stored.
    LogAway,
    /// A node that was just started, and may lack what other nodes have confirmed.
    CatchingUp,
    /// A node that has stopped for good, because its log is not the one that it has followed.
    Diverged,
}

impl Observer {
    pub(crate) fn new(meters: Arc<Meters>, log: Arc<SharedLog>, stopping: watch::Receiver<bool>) -> Self {
        Self { meters, log, stopping }
    }

    /// Returns the current figures.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures::read(&self.meters, self.log.last(), self.log.bytes() as u64)
    }

    /// Returns whether the server can do its work, by the last attempt to write its store. The call makes the server
    /// test the store within about a second, even without posts, so that the next answer is current.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let broken = self.meters.journal_broken.load(Ordering::Relaxed);
        // A closed channel belongs to a handle that was dropped.
        if broken {
            return Readiness::StoreFails;
        }
        if *self.stopping.borrow() || self.stopping.has_changed().is_err() {
            return Readiness::Draining;
        }
        self.meters.probe_wanted.store(true, Ordering::Relaxed);
        #[cfg(feature = "sqlite")]
        if let Some(readiness) = self.readiness_of_node() {
            return readiness;
        }
        if self.meters.store_fails.load(Ordering::Relaxed) {
            Readiness::StoreFails
        } else if self.meters.is_short_of_space() {
            Readiness::ShortOfSpace
        } else {
            Readiness::Ready
        }
    }

    /// Returns whether listeners get messages soon after they are confirmed. A server that drains or cannot store still
    /// serves them; a node that has not heard of the log of the room for half a minute does not.
    #[must_use]
    pub fn serves_listeners(&self) -> bool {
        let stopping = *self.stopping.borrow() || self.stopping.has_changed().is_err();
        #[cfg(feature = "sqlite")]
        let fresh = self.meters.node.is_fresh();
        #[cfg(not(feature = "sqlite"))]
        let fresh = true;
        !stopping && fresh && !self.meters.journal_broken.load(Ordering::Relaxed)
    }

    #[cfg(feature = "sqlite")]
    fn readiness_of_node(&self) -> Option<Readiness> {
        let node = &self.meters.node;
        if node.is_diverged() {
            Some(Readiness::Diverged)
        } else if node.is_away() {
            Some(Readiness::LogAway)
        } else {
            node.is_catching_up().then_some(Readiness::CatchingUp)
        }
    }
}
