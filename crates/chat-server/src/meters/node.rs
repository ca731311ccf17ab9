//! The counters of a node of a room on several nodes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::count::Count;
use super::histogram::{CommitTimes, Histogram};
use crate::replication::LogState;
use crate::replication::rules::NumberVerdict;

/// For how long a node may not know whether it has everything and still counts as good for listeners.
const LAG_OF_LISTENERS: Duration = Duration::from_secs(30);

/// After which time without an answer to a barrier the log counts as away.
const SILENT: Duration = Duration::from_secs(3);

/// The counters of a node. All stay zero in a server alone.
#[derive(Debug, Default)]
pub(crate) struct NodeMeters {
    is_node: AtomicBool,
    place: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    pub(crate) proposed: Count,
    pub(crate) appended: Count,
    repeated: Count,
    early: Count,
    pub(crate) holes: Count,
    connections: Count,
    barriers: Histogram,
    caught_up: AtomicBool,
    away: AtomicBool,
    diverged: AtomicBool,
    link: Mutex<LogLink>,
}

/// The connection to the log.
#[derive(Debug, Default)]
struct LogLink {
    connection: Option<u64>,
    server: Option<Arc<str>>,
    why: Option<Arc<str>>,
    /// When the node last knew that it has everything.
    fresh: Option<Instant>,
    /// When the barrier was sent that is on its way.
    barrier: Option<Instant>,
}

/// Figures of a node of a room on several nodes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NodeFigures {
    /// The last place of the log that was applied.
    pub place: u64,
    /// For how long it is not known whether the log has more; `None` before it was reached for the first time.
    pub lag: Option<Duration>,
    /// Batches that were sent to the log and not read yet.
    pub in_flight: u64,
    /// Batches that were sent to the log for the first time.
    pub proposed: u64,
    /// Batches that were sent to it again.
    pub resent: u64,
    /// Batches in the log that were applied before.
    pub repeated: u64,
    /// Batches in the log that came before an earlier one of their node, and were skipped.
    pub early: u64,
    /// Reads in which the next place was missing. More than a few mean that a server of the log has a damaged copy.
    pub holes: u64,
    /// Connections to servers of the log.
    pub connections: u64,
    /// How long entries took through the log and back, as far as it was measured.
    pub barriers: CommitTimes,
    /// The server of the log, if it can be reached.
    pub server: Option<Arc<str>>,
    /// Why the log cannot be reached.
    pub away: Option<Arc<str>>,
    /// The node has stopped for good, because its log is not the one that it has followed.
    pub diverged: bool,
}

impl NodeMeters {
    pub(crate) fn begins_at(&self, place: u64) {
        self.is_node.store(true, Ordering::Relaxed);
        self.place.store(place, Ordering::Relaxed);
    }

    pub(crate) fn applied(&self, place: u64, verdict: NumberVerdict) {
        self.place.store(place, Ordering::Relaxed);
        match verdict {
            NumberVerdict::Apply => {}
            NumberVerdict::Repeated => self.repeated.one(),
            NumberVerdict::Early => self.early.one(),
        }
    }

    /// Records what is known of the log. `progressed` says that a batch was applied since the last call.
    pub(crate) fn log_state(&self, state: &LogState, progressed: bool) {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        self.away.store(!matches!(state, LogState::Connected { .. }), Ordering::Relaxed);
        match state {
            LogState::Connected { connection, at_end, server } => {
                if link.connection.replace(*connection) != Some(*connection) {
                    self.connections.one();
                }
                (link.server, link.why) = (Some(Arc::clone(server)), None);
                // A server that is cut off from the others has nothing new either, so the end alone says nothing.
                if *at_end && progressed {
                    link.fresh = Some(Instant::now());
                }
            }
            LogState::Away { why } => (link.server, link.why) = (None, Some(Arc::clone(why))),
            LogState::Diverged(_) => self.diverged(),
        }
    }

    pub(crate) fn diverged(&self) {
        self.diverged.store(true, Ordering::Relaxed);
    }

    /// A barrier has come back after this time, so everything was applied that was in the log when it was sent.
    pub(crate) fn barrier_passed(&self, took: Duration) {
        self.barriers.observe(took, 1);
        {
            let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
            (link.fresh, link.barrier) = (Some(Instant::now()), None);
        }
        self.caught_up.store(true, Ordering::Relaxed);
    }

    /// A barrier was sent.
    pub(crate) fn barrier_sent(&self, at: Instant) {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).barrier = Some(at);
    }

    /// Returns for how long it is not known whether the log has more; `None` before it was known for the first time.
    pub(crate) fn lag(&self) -> Option<Duration> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).fresh.map(|at| at.elapsed())
    }

    pub(crate) fn is_caught_up(&self) -> bool {
        self.caught_up.load(Ordering::Relaxed)
    }

    pub(super) fn is_diverged(&self) -> bool {
        self.diverged.load(Ordering::Relaxed)
    }

    /// Returns whether this is a node whose log cannot be reached.
    pub(super) fn is_away(&self) -> bool {
        let silent = || {
            let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
            link.barrier.is_some_and(|at| at.elapsed() >= SILENT)
        };
        self.is_node.load(Ordering::Relaxed) && (self.away.load(Ordering::Relaxed) || silent())
    }

    /// Returns whether this is a node that may lack what others have confirmed before it was started.
    pub(super) fn is_catching_up(&self) -> bool {
        self.is_node.load(Ordering::Relaxed) && !self.is_caught_up()
    }

    /// Returns whether listeners get messages soon after they are confirmed. Always true for a server alone.
    pub(super) fn is_fresh(&self) -> bool {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        !self.is_node.load(Ordering::Relaxed) || link.fresh.is_some_and(|at| at.elapsed() < LAG_OF_LISTENERS)
    }

    /// Returns the figures, unless this is a server alone.
    pub(super) fn read(&self) -> Option<NodeFigures> {
        if !self.is_node.load(Ordering::Relaxed) {
            return None;
        }
        let (proposed, appended) = (self.proposed.read(), self.appended.read());
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        Some(NodeFigures {
            place: self.place.load(Ordering::Relaxed),
            lag: link.fresh.map(|at| at.elapsed()),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            proposed,
            resent: appended.saturating_sub(proposed),
            repeated: self.repeated.read(),
            early: self.early.read(),
            holes: self.holes.read(),
            connections: self.connections.read(),
            barriers: self.barriers.read(),
            server: link.server.clone(),
            away: link.why.clone(),
            diverged: self.is_diverged(),
        })
    }
}
