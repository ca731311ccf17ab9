//! The periodic work of a server, and its reaction to the end of its journal.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::committer::{Committer, JournalEnd};
use crate::error::JournalError;
use crate::session::SessionContext;
use crate::space::{SpaceShortage, StoreSpace};

/// How often to look for accounts that the administrator revoked, which reads one counter, and to test whether the
/// store can be written, if readiness was requested. The space of the store is measured as often.
const INTERVAL: Duration = Duration::from_secs(1);

/// Stops the parts of a server, in this order: the ports, the writers, the listeners.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub(super) ports: watch::Sender<bool>,
    pub(super) writers: watch::Sender<bool>,
    pub(super) listeners: watch::Sender<bool>,
}

/// The other side of [`Stop`].
pub(super) struct Stopping {
    pub(super) ports: watch::Receiver<bool>,
    pub(super) writers: watch::Receiver<bool>,
    pub(super) listeners: watch::Receiver<bool>,
}

impl Stop {
    /// Stops everything at once.
    pub(super) fn all(&self) {
        self.ports.send_replace(true);
        self.writers.send_replace(true);
        self.listeners.send_replace(true);
    }

    pub(super) fn new() -> (Self, Stopping) {
        let (ports, ports_stop) = watch::channel(false);
        let (writers, writers_stop) = watch::channel(false);
        let (listeners, listeners_stop) = watch::channel(false);
        (
            Self { ports, writers, listeners },
            Stopping { ports: ports_stop, writers: writers_stop, listeners: listeners_stop },
        )
    }
}

/// The task of a server that belongs to no connection.
pub(super) struct Maintainer {
    pub(super) context: Arc<SessionContext>,
    pub(super) committer: Committer,
}

/// Receives the end of the journal.
#[derive(Debug)]
pub(super) struct Ends {
    /// Becomes true when the journal failed for good.
    pub(super) failed: watch::Receiver<bool>,
    /// Resolves when the journal has ended.
    pub(super) result: oneshot::Receiver<Result<(), JournalError>>,
}

/// Waits for the end of the journal. If it failed for good, nothing can be stored any more, so `stop` is called.
pub(super) fn watch_journal(journal_end: JournalEnd, stop: impl FnOnce() + Send + 'static) -> Ends {
    let (failed_sender, failed) = watch::channel(false);
    let (ended, result) = oneshot::channel();
    tokio::spawn(async move {
        let end = journal_end.await.unwrap_or(Err(JournalError::Broken { reason: "its thread is gone" }));
        if end.is_err() {
            stop();
            failed_sender.send_replace(true);
        }
        // An error means that the server was dropped.
        let _ = ended.send(end);
    });
    Ends { failed, result }
}

impl Maintainer {
    /// Starts the task. While it runs, it keeps the journal open.
    pub(super) fn spawn(self) -> JoinHandle<()> {
        tokio::spawn(self.run())
    }

    async fn run(self) {
        let mut ticks = interval(INTERVAL);
        // After a pause one run is enough.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.check_space().await;
            let revoked = self.committer.maintain(self.context.meters.take_probe()).await;
            if self.context.accounts.directory().revoke(&revoked) {
                self.context.moderation.notify_writers();
            }
        }
    }
    /// Measures the space of the store, and decides whether posts are accepted.
    async fn check_space(&self) {
        let Some(dir) = self.context.config.store_dir.clone() else { return };
        let Ok(Ok(space)) = tokio::task::spawn_blocking(move || StoreSpace::measure(&dir)).await else {
            // The journal notices a directory that is gone.
            return;
        };
        let shortage = space.shortage(&self.context.limits.load());
        if self.context.meters.set_space(space.used, space.free, shortage.is_some()) {
            match shortage {
                Some(SpaceShortage::StoreFull) => {
                    tracing::error!(bytes = space.used, "the store has reached --max-store: posts are declined");
                }
                Some(SpaceShortage::DiskFull) => {
                    tracing::error!(free = space.free, "less than --min-free is left on the disk: posts are declined");
                }
                None => tracing::info!("there is space for messages again"),
            }
        }
    }
}
