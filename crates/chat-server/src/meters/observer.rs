//! Looks at a server from outside. It changes nothing and holds up nothing, neither draining nor the end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use super::counters::Meters;
use super::figures::Figures;
use crate::log::SharedLog;

/// Sees what a server does, also while it drains and when it is gone.
#[derive(Debug, Clone)]
pub struct Observer {
    meters: Arc<Meters>,
    log: Arc<SharedLog>,
    stopping: watch::Receiver<bool>,
}

/// Whether a server does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readiness {
    /// It takes connections and posts.
    Ready,
    /// It drains, or is gone.
    Draining,
    /// It serves, and cannot store.
    StoreFails,
}

impl Observer {
    pub(crate) fn new(meters: Arc<Meters>, log: Arc<SharedLog>, stopping: watch::Receiver<bool>) -> Self {
        Self { meters, log, stopping }
    }

    /// All figures as they are now.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures::read(&self.meters, self.log.last(), self.log.bytes() as u64)
    }

    /// Whether the server does its work, by the last attempt to write its store. Asking has the store tried again
    /// within about a second even if nobody posts, so that the next answer is of now.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let broken = self.meters.journal_broken.load(Ordering::Relaxed);
        // A channel that is closed belongs to a handle that was dropped.
        if broken {
            return Readiness::StoreFails;
        }
        if *self.stopping.borrow() || self.stopping.has_changed().is_err() {
            return Readiness::Draining;
        }
        self.meters.probe_wanted.store(true, Ordering::Relaxed);
        if self.meters.store_fails.load(Ordering::Relaxed) { Readiness::StoreFails } else { Readiness::Ready }
    }
}
