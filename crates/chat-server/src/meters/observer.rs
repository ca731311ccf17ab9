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
        if self.meters.store_fails.load(Ordering::Relaxed) {
            Readiness::StoreFails
        } else if self.meters.is_short_of_space() {
            Readiness::ShortOfSpace
        } else {
            Readiness::Ready
        }
    }
}
