//! The store of a node of a room on several nodes.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use chat_proto::Seq;

use super::apply::{AppliedState, BatchApplier};
use super::cluster_tables::{self as tables, ReplicaState};
use super::content_hash;
use super::open::{CheckTime, StoreUse};
use super::store::SqliteStore;
use crate::entry::{AccountRecord, LogStream};
use crate::error::JournalError;
use crate::journal::JournalReader;
use crate::replication::{AppliedRun, ChainHash, ChainLink, Generation, PlacedBatch, Projection, StoppedAt};
use crate::retention::Retention;

/// The store of a node, in SQLite: the files are those of a [`SqliteJournal`](crate::SqliteJournal) with a few tables more.
/// A server alone does not open them any more.
///
/// ```
/// use chat_server::replication::Generation;
/// use chat_server::{SqliteJournal, SqliteProjection};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dir = tempfile::tempdir()?;
/// let node = SqliteProjection::create(dir.path(), Generation::random())?;
/// drop(node);
/// assert!(SqliteJournal::open(dir.path()).is_err());
/// SqliteProjection::open(dir.path())?.leave(false)?;
/// assert!(SqliteJournal::open(dir.path()).is_ok());
/// # Ok(())
/// # }
/// ```
pub struct SqliteProjection {
    store: SqliteStore,
    state: ReplicaState,
    may_commit: Box<dyn FnMut() -> Result<(), JournalError> + Send>,
    /// A sync has failed, so what was applied may be in the files although `state` does not say so.
    sync_failed: bool,
}

impl SqliteProjection {
    /// Makes the store of a server alone, which is created if there is none, follow a log from its beginning. Its messages,
    /// accounts and streams stay. Further nodes begin with a copy of it.
    ///
    /// # Errors
    /// [`JournalError`] if the store cannot be used, or follows a log already; then it is as it was.
    pub fn create(dir: impl AsRef<Path>, generation: Generation) -> Result<Self, JournalError> {
        let (mut store, last_at) = SqliteStore::open(dir.as_ref(), CheckTime::Before, StoreUse::Alone)?;
        let state = store.write(|_| false, |transaction, _| tables::create(transaction, generation, last_at))?;
        // Also in the file itself, so that a copy of it alone is a store of a node.
        store.close()?;
        drop(store);
        let projection = Self::open(dir)?;
        debug_assert_eq!(projection.state.applied, state.applied);
        Ok(projection)
    }

    /// Opens the store of a node. A damaged one is not repaired: a copy of the store of another node takes its place.
    ///
    /// # Errors
    /// [`JournalError`] if the store cannot be used, is damaged, or is that of a server alone.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, JournalError> {
        let (store, _) = SqliteStore::open(dir.as_ref(), CheckTime::Before, StoreUse::Node)?;
        let state = tables::state(&store.connection)?;
        Ok(Self { store, state, may_commit: Box::new(|| Ok(())), sync_failed: false })
    }

    /// Makes it the store of a server alone again, as [`SqliteJournal`](crate::SqliteJournal) opens it. Its messages,
    /// accounts and streams stay; `new_stream` says that the log may have given the numbers after its head to messages that
    /// it does not have.
    ///
    /// # Errors
    /// [`JournalError`]; then it is still the store of a node.
    pub fn leave(mut self, new_stream: bool) -> Result<(), JournalError> {
        self.check_sync()?;
        self.store.write_with_stream(new_stream, |transaction| tables::remove(transaction))?;
        self.store.close()
    }

    /// Asks `may_commit` before each commit of applied batches, which fails as on a full disk if it returns false: for
    /// tests.
    #[must_use]
    pub fn with_commit_check(mut self, mut may_commit: impl FnMut() -> bool + Send + 'static) -> Self {
        self.may_commit = Box::new(move || if may_commit() { Ok(()) } else { Err(JournalError::Full) });
        self
    }

    fn check_sync(&self) -> Result<(), JournalError> {
        if self.sync_failed { Err(JournalError::SyncFailed) } else { Ok(()) }
    }

    fn note_sync<T>(&mut self, done: Result<T, JournalError>) -> Result<T, JournalError> {
        self.sync_failed |= matches!(done, Err(JournalError::SyncFailed));
        done
    }
}

impl Projection for SqliteProjection {
    fn generation(&self) -> Generation {
        self.state.generation
    }

    fn applied(&self) -> ChainLink {
        self.state.applied
    }

    fn applied_at(&self) -> i64 {
        self.state.at
    }

    fn streams(&self) -> &[LogStream] {
        self.store.streams()
    }

    fn head(&self) -> Seq {
        self.store.head()
    }

    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
        self.store.accounts()
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        self.store.reader()
    }

    fn apply(&mut self, batches: &[PlacedBatch]) -> Result<AppliedRun, JournalError> {
        self.check_sync()?;
        let (before, may_commit) = (self.state, &mut self.may_commit);
        let erases = |(_, applied): &(AppliedRun, AppliedState)| applied.erases;
        let written = self.store.write(erases, |transaction, head| {
            let mut applier = BatchApplier::new(transaction, before, head);
            let mut run = AppliedRun::default();
            for batch in batches {
                match applier.apply(batch)? {
                    Ok(applied) => run.batches.push(applied),
                    Err(why) => {
                        run.stopped = Some(StoppedAt { place: batch.place, why });
                        break;
                    }
                }
            }
            let applied = applier.finish()?;
            may_commit()?;
            Ok((run, applied))
        });
        let (run, applied) = self.note_sync(written)?;
        // Only after the commit: a failed transaction leaves everything as it was.
        self.state = applied.state;
        self.store.begin_after(applied.expired);
        Ok(run)
    }

    fn due(&mut self, keep: &Retention) -> Result<Option<Seq>, JournalError> {
        self.check_sync()?;
        self.store.due(keep, self.state.at)
    }

    fn tidy(&mut self) -> Result<(), JournalError> {
        self.check_sync()?;
        let tidied = self.store.tidy();
        self.note_sync(tidied)
    }

    fn content_hash(&mut self) -> Result<ChainHash, JournalError> {
        Ok(content_hash::of(&self.store.connection)?)
    }

    fn close(&mut self) -> Result<(), JournalError> {
        self.check_sync()?;
        self.store.close()
    }
}

impl fmt::Debug for SqliteProjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteProjection").field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
