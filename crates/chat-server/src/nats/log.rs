//! The log as a node sees it: what was read waits here, and what is appended is passed to the task that has the connection.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::options::NatsOptions;
use super::shared::SharedTail;
use super::task::LogTask;
use crate::replication::{BatchLog, ChainLink, Generation, LogState, PlacedBatch, SharedBatchLog};

/// How many batches and bytes one read returns at most, which are applied in one transaction.
const READ_BATCHES: usize = 64;
const READ_BYTES: usize = 4 * 1024 * 1024;

/// Batches that wait to be sent. More than all that a node has in flight, each sent twice: beyond it the connection takes
/// nothing, and what is dropped is sent again.
const SENDS_WAITING: usize = 16;

/// A log in NATS JetStream, followed from a place on. Its connection is kept by a task of the runtime that it was opened
/// on, and ends when it is dropped.
#[derive(Debug)]
pub struct NatsLog {
    shared: Arc<SharedTail>,
    appends: mpsc::Sender<Bytes>,
    task: AbortHandle,
}

impl NatsLog {
    /// Follows a log from the place on that a store has applied.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn follow(options: NatsOptions, generation: Generation, applied: ChainLink) -> Self {
        let shared = Arc::new(SharedTail::after(applied.place));
        let (appends, waiting) = mpsc::channel(SENDS_WAITING);
        let task = LogTask::new(options, generation, Arc::clone(&shared), waiting);
        let task = tokio::spawn(task.run()).abort_handle();
        Self { shared, appends, task }
    }
}

impl Drop for NatsLog {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl BatchLog for NatsLog {
    fn append(&mut self, batch: Bytes) {
        // Dropped if the connection takes nothing: the node sends it again.
        let _ = self.appends.try_send(batch);
    }

    fn read(&mut self, after: u64) -> Vec<PlacedBatch> {
        let mut inner = self.shared.lock();
        inner.applied = after;
        let had_space = inner.tail.has_space();
        let read = inner.tail.read(after, READ_BATCHES, READ_BYTES);
        if !had_space && inner.tail.has_space() {
            self.shared.changed.notify_one();
        }
        read
    }

    fn change_copy(&mut self) {
        let mut inner = self.shared.lock();
        let applied = inner.applied;
        inner.tail.read_again(applied);
        inner.change_copy = true;
        self.shared.changed.notify_one();
    }
}

impl SharedBatchLog for NatsLog {
    fn set_waker(&mut self, wake: Arc<dyn Fn() + Send + Sync>) {
        self.shared.lock().set_waker(Arc::clone(&wake));
        wake();
    }

    fn state(&mut self) -> LogState {
        let inner = self.shared.lock();
        match &inner.state {
            LogState::Diverged(why) => LogState::Diverged(*why),
            _ if self.task.is_finished() => LogState::Away { why: "the task that has the connection has ended".into() },
            LogState::Connected { connection, at_end, server } => {
                let at_end = *at_end && inner.tail.is_at_end();
                LogState::Connected { connection: *connection, at_end, server: Arc::clone(server) }
            }
            state => state.clone(),
        }
    }
}
