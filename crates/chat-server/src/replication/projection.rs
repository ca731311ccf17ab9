//! What a node keeps of a log: the state of the room that its batches lead to.

use std::sync::Arc;

use chat_proto::Seq;

use super::batch::{BatchEntry, PlacedBatch};
use super::chain::{ChainHash, ChainLink, Generation};
use super::rules::{Divergence, NumberVerdict};
use crate::action::AccountId;
use crate::entry::{AccountRecord, LogStream};
use crate::error::JournalError;
use crate::journal::JournalReader;
use crate::retention::Retention;

/// The store of a node: a function of the batches that were applied to it. One thread owns it; reads use its
/// [`JournalReader`].
///
/// ```
/// use chat_server::SqliteProjection;
/// use chat_server::replication::{Generation, Projection};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (dir, generation) = (tempfile::tempdir()?, Generation::random());
/// let store = SqliteProjection::create(dir.path(), generation)?;
/// assert_eq!((store.generation(), store.applied().place, store.head()), (generation, 0, 0));
/// # Ok(())
/// # }
/// ```
pub trait Projection: Send + 'static {
    /// Returns the log that it follows.
    fn generation(&self) -> Generation;

    /// Returns the last place that was applied.
    fn applied(&self) -> ChainLink;

    /// Returns the time of the last place that was applied, in milliseconds since the Unix epoch.
    fn applied_at(&self) -> i64;

    /// Returns the streams of the room, oldest first; the last one is the current. Never empty.
    fn streams(&self) -> &[LogStream];

    /// Returns the sequence number of the last message; 0 before the first.
    fn head(&self) -> Seq;

    /// Returns all accounts.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError>;

    /// Returns a reader for other threads. It sees only what was applied before.
    fn reader(&self) -> Arc<dyn JournalReader>;

    /// Applies batches by the [rules](super::rules) and returns only when the result would survive a power failure. Their
    /// places must follow [`applied`](Self::applied) without holes. The first batch that must not be applied ends the run;
    /// those before it are applied.
    ///
    /// # Errors
    /// [`JournalError`]; then nothing was applied, and the same batches can be tried again. After
    /// [`JournalError::SyncFailed`] it is not known what was applied: all later calls fail with it, and the store must be
    /// opened again.
    fn apply(&mut self, batches: &[PlacedBatch]) -> Result<AppliedRun, JournalError>;

    /// Returns up to which message the oldest ones are to be removed by a rule, at the time of the log: as many as take a
    /// few milliseconds. `None` if none are.
    ///
    /// # Errors
    /// [`JournalError`] if the store cannot be read.
    fn due(&mut self, keep: &Retention) -> Result<Option<Seq>, JournalError>;

    /// Erases what is left of removed texts, if applying their removal could not. To be called about once a second.
    ///
    /// # Errors
    /// [`JournalError`]; it is tried again at the next call, except after [`JournalError::SyncFailed`].
    fn tidy(&mut self) -> Result<(), JournalError>;

    /// Returns a hash of everything that the nodes of a room have in common, for comparing them at the same place. It reads
    /// the whole store.
    ///
    /// # Errors
    /// [`JournalError`] if the store cannot be read.
    fn content_hash(&mut self) -> Result<ChainHash, JournalError>;

    /// Closes the store cleanly. If it is not called, nothing that was applied is lost.
    ///
    /// # Errors
    /// [`JournalError`] if the final cleanup failed.
    fn close(&mut self) -> Result<(), JournalError>;
}

/// What one call of [`Projection::apply`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppliedRun {
    /// The batches that it has passed, in their order.
    pub batches: Vec<AppliedBatch>,
    /// Why it ended before the last one.
    pub stopped: Option<StoppedAt>,
}

/// One batch that was passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedBatch {
    /// Its place.
    pub place: u64,
    /// The run of the node that proposed it.
    pub epoch: u64,
    /// Its number in that run.
    pub number: u64,
    /// Whether it was applied.
    pub verdict: NumberVerdict,
    /// The entries with their outcomes, in their order; none if it was not applied.
    pub entries: Vec<(BatchEntry, EntryOutcome)>,
}

/// A place at which a node stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped at place {place} of the log: {why}")]
pub struct StoppedAt {
    /// The place.
    pub place: u64,
    /// The reason.
    #[source]
    pub why: Divergence,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryOutcome {
    /// The message is new.
    Fresh {
        /// Its position in the log of the room.
        seq: Seq,
        /// Its time, in milliseconds since the Unix epoch.
        at: i64,
    },
    /// The same author and id were stored before; nothing was added.
    Repeated {
        /// The position of the stored message.
        seq: Seq,
    },
    /// The author is revoked; nothing was added.
    Revoked,
    /// The account has this number.
    Registered(AccountId),
    /// The nickname looks like that of another account; nothing was added.
    LooksTaken,
    /// The action has this number.
    Acted {
        /// Its number.
        number: u64,
        /// When it was stored, in milliseconds since the Unix epoch.
        at: i64,
    },
    /// This many messages were removed.
    Expired {
        /// Their number.
        removed: u64,
    },
    /// All before the barrier is applied.
    Passed,
}
