//! A log in memory for the nodes of one process: for tests, and for trying out a room on several nodes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::batch::PlacedBatch;
use super::batch_log::{BatchLog, LogState, SharedBatchLog};

/// How many batches one read returns at most, so that a long log is applied in several transactions.
const READ_AT_ONCE: usize = 256;

/// A log in memory. Its clones are the same log, one for each node.
///
/// ```
/// use chat_server::replication::{Generation, MemoryLog};
/// use chat_server::{Server, ServerConfig, SqliteProjection};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (one, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
/// let (log, generation) = (MemoryLog::default(), Generation::random());
/// SqliteProjection::create(one.path(), generation)?;
/// // The other node begins with a copy of the store.
/// std::fs::copy(one.path().join("room.db"), other.path().join("room.db"))?;
/// let first = Server::start_node(ServerConfig::on_free_ports(), SqliteProjection::open(one.path())?, log.clone()).await?;
/// let second = Server::start_node(ServerConfig::on_free_ports(), SqliteProjection::open(other.path())?, log).await?;
/// let position = first.announce(chat_proto::Text::new("both of them show this")?).await?;
/// # assert_eq!(position.seq, 1);
/// # first.drain().await?;
/// # second.drain().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryLog {
    shared: Arc<Mutex<MemoryBatches>>,
}

#[derive(Default)]
struct MemoryBatches {
    batches: Vec<PlacedBatch>,
    wakers: Vec<Arc<dyn Fn() + Send + Sync>>,
    away: bool,
    reconnects: u64,
}

impl MemoryLog {
    /// Makes the log unreachable for all nodes, or reachable again. What they append meanwhile is lost.
    pub fn set_away(&self, away: bool) {
        let wakers = {
            let mut shared = self.lock();
            shared.reconnects += u64::from(shared.away && !away);
            shared.away = away;
            shared.wakers.clone()
        };
        wakers.iter().for_each(|wake| wake());
    }

    /// Returns the number of batches in the log.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().batches.len()
    }

    /// Returns whether the log has no batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, MemoryBatches> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BatchLog for MemoryLog {
    fn append(&mut self, batch: Bytes) {
        let wakers = {
            let mut shared = self.lock();
            if shared.away {
                return;
            }
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let place = shared.batches.len() as u64 + 1;
            let at = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
            shared.batches.push(PlacedBatch { place, at, bytes: batch });
            shared.wakers.clone()
        };
        wakers.iter().for_each(|wake| wake());
    }

    fn read(&mut self, after: u64) -> Vec<PlacedBatch> {
        let shared = self.lock();
        if shared.away {
            return Vec::new();
        }
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        shared.batches.iter().skip(after).take(READ_AT_ONCE).cloned().collect()
    }

    fn change_copy(&mut self) {}
}

impl SharedBatchLog for MemoryLog {
    fn set_waker(&mut self, wake: Arc<dyn Fn() + Send + Sync>) {
        wake();
        self.lock().wakers.push(wake);
    }

    fn state(&mut self) -> LogState {
        let shared = self.lock();
        if shared.away {
            LogState::Away { why: "it was made unreachable".into() }
        } else {
            LogState::Connected { connection: shared.reconnects, at_end: true, server: "memory".into() }
        }
    }
}

impl fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLog").field("batches", &self.len()).finish_non_exhaustive()
    }
}
