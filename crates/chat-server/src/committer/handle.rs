//! The sessions' handle to the journal thread.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
#[cfg(feature = "sqlite")]
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
#[cfg(feature = "sqlite")]
use tokio::time::timeout;

#[cfg(feature = "sqlite")]
use super::node::{self, NodeOwner};
use super::owner_slot::{self, CommitInPlace, OwnerSlot};
use super::queue::{CommitQueue, CommitRequest, CommitResult, Maintenance, PostSequence, ReplySlot};
use super::slow_commit_watch::SlowCommitWatch;
use super::thread::{self, CommitterParts, JournalEnd, JournalOwner};
use crate::action::AccountId;
use crate::entry::{Appended, Draft};
use crate::error::CommitError;
use crate::journal::Journal;
use crate::limits::{ACCOUNT_RESERVED_BYTES, ACCOUNT_WAITING_BYTES, WAITING_BYTES};
#[cfg(feature = "sqlite")]
use crate::replication::{Projection, SharedBatchLog};

/// How many bytes of one account may wait for the journal. A small part is reserved for it, so that its posts are
/// accepted even if other accounts flood the queue; the rest also counts towards the limit of all accounts.
#[derive(Debug)]
pub(crate) struct AccountShare {
    reserved: Arc<Semaphore>,
    shared: Arc<Semaphore>,
}

impl Default for AccountShare {
    fn default() -> Self {
        Self {
            reserved: Arc::new(Semaphore::new(ACCOUNT_RESERVED_BYTES)),
            shared: Arc::new(Semaphore::new(ACCOUNT_WAITING_BYTES)),
        }
    }
}

/// Passes drafts to the journal thread, which ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Committer {
    queue: Arc<Mutex<CommitQueue>>,
    wake: mpsc::Sender<()>,
    /// The bytes that all accounts together may have waiting beyond what is reserved for each.
    waiting: Arc<Semaphore>,
    /// Where a single post is stored without the thread. Not an owner: the thread drops the journal when it ends.
    in_place: Option<Weak<dyn CommitInPlace>>,
}

impl Committer {
    /// Starts the journal thread.
    pub(crate) fn start<J: Journal>(journal: J, parts: CommitterParts) -> io::Result<(Self, JournalEnd)> {
        let (mut this, work) = Self::new();
        let queue = Arc::clone(&this.queue);
        let watch = SlowCommitWatch::default();
        let slot = Arc::new(OwnerSlot::new(JournalOwner::new(journal, queue, parts), watch.clone()));
        if let Some(runtime) = runtime_of_several_threads() {
            watch.start(runtime)?;
            let weak: Weak<OwnerSlot<J>> = Arc::downgrade(&slot);
            this.in_place = Some(weak);
        }
        let end = owner_slot::start(slot, work)?;
        Ok((this, end))
    }

    /// Starts the thread that owns the store of a node. `epoch` is random.
    #[cfg(feature = "sqlite")]
    pub(crate) fn start_node<P: Projection, L: SharedBatchLog>(
        projection: P,
        log: L,
        epoch: u64,
        parts: CommitterParts,
    ) -> io::Result<(Self, JournalEnd)> {
        let (this, woken) = Self::new();
        let owner = NodeOwner::new(projection, log, epoch, Arc::clone(&this.queue), parts);
        let end = node::start(owner, this.wake.downgrade(), woken)?;
        Ok((this, end))
    }

    /// Returns what waits for the log of a node.
    #[cfg(feature = "sqlite")]
    pub(crate) fn barrier(&self) -> Barrier {
        Barrier { queue: Arc::clone(&self.queue), wake: self.wake.downgrade() }
    }

    /// Starts a task in place of the thread, for a journal that never waits.
    pub(crate) fn start_task<J: Journal>(journal: J, parts: CommitterParts) -> (Self, JournalEnd) {
        let (this, work) = Self::new();
        let queue = Arc::clone(&this.queue);
        let end = thread::start_task(JournalOwner::new(journal, queue, parts), work);
        (this, end)
    }

    fn new() -> (Self, mpsc::Receiver<()>) {
        // A capacity of one is enough: the thread takes everything that waits.
        let (wake, work) = mpsc::channel(1);
        (Self { queue: Arc::default(), wake, waiting: Arc::new(Semaphore::new(WAITING_BYTES)), in_place: None }, work)
    }

    /// Queues the drafts of an account, which waits while its share is used up. The result arrives separately.
    ///
    /// Drafts are queued in the order of the calls.
    pub(crate) async fn append(
        &self,
        account: AccountId,
        share: &AccountShare,
        drafts: Vec<Draft>,
        sequence: PostSequence,
    ) -> Result<oneshot::Receiver<CommitResult>, CommitError> {
        let permits = self.acquire(share, drafts.iter().map(Draft::weight).sum()).await?;
        let (to, result) = oneshot::channel();
        let reply = ReplySlot { to, _permits: permits };
        self.push(account, CommitRequest { drafts, sequence, reply })?;
        Ok(result)
    }

    /// Queues one post whose session waits for nothing else, as [`Committer::append`] does. It is stored at once if that takes
    /// no longer than passing it to the thread of the journal.
    pub(crate) async fn append_single(
        &self,
        account: AccountId,
        share: &AccountShare,
        post: Draft,
        sequence: PostSequence,
    ) -> Result<oneshot::Receiver<CommitResult>, CommitError> {
        let permits = self.acquire(share, post.weight()).await?;
        let (to, result) = oneshot::channel();
        let request = CommitRequest { drafts: vec![post], sequence, reply: ReplySlot { to, _permits: permits } };
        self.lock().push(account, request).map_err(|_| CommitError::Closed)?;
        let slot = self.in_place.as_ref().and_then(Weak::upgrade);
        if !slot.is_some_and(|slot| slot.commit_in_place()) {
            self.wake();
        }
        Ok(result)
    }

    /// Queues one draft that belongs to no session's sequence, and waits for its answer.
    pub(crate) async fn append_one(&self, account: AccountId, draft: Draft) -> Result<Appended, CommitError> {
        let appended = self.append_together(account, vec![draft]).await?;
        appended.into_iter().next().ok_or(CommitError::Closed)
    }

    /// Queues drafts that are stored in one transaction, and waits for their answers.
    pub(crate) async fn append_together(
        &self,
        account: AccountId,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Appended>, CommitError> {
        let (to, result) = oneshot::channel();
        let reply = ReplySlot { to, _permits: Vec::new() };
        self.push(account, CommitRequest { drafts, sequence: PostSequence::default(), reply })?;
        result.await.map_err(|_| CommitError::Closed)?
    }

    /// Returns the accounts that another process revoked since the last call. With `probe`, also tests whether the
    /// journal can be written, and records it in the meters. Both come before what waits to be stored.
    pub(crate) async fn maintain(&self, probe: bool) -> Vec<AccountId> {
        let (revoked, result) = oneshot::channel();
        self.lock().push_maintenance(Maintenance { probe, revoked });
        self.wake();
        result.await.unwrap_or_default()
    }

    /// Acquires space for that many bytes: from what is reserved for the account, or else from what all share. The
    /// account's own limit comes first, so that a flood waits there and not in the queue of the others.
    async fn acquire(&self, share: &AccountShare, bytes: usize) -> Result<Vec<OwnedSemaphorePermit>, CommitError> {
        // At most the smallest of the three limits, so the conversion cannot fail.
        let bytes = u32::try_from(bytes.min(ACCOUNT_RESERVED_BYTES)).unwrap_or(u32::MAX);
        if let Ok(permit) = Arc::clone(&share.reserved).try_acquire_many_owned(bytes) {
            return Ok(vec![permit]);
        }
        let own = Arc::clone(&share.shared).acquire_many_owned(bytes).await.map_err(|_| CommitError::Closed)?;
        let all = Arc::clone(&self.waiting).acquire_many_owned(bytes).await.map_err(|_| CommitError::Closed)?;
        Ok(vec![own, all])
    }

    fn push(&self, account: AccountId, request: CommitRequest) -> Result<(), CommitError> {
        self.lock().push(account, request).map_err(|_| CommitError::Closed)?;
        self.wake();
        Ok(())
    }

    /// Wakes the thread. If the channel is full, it is about to wake anyway.
    fn wake(&self) {
        let _ = self.wake.try_send(());
    }

    fn lock(&self) -> MutexGuard<'_, CommitQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until everything is applied that is in the log of the nodes. It does not keep the store open.
#[cfg(feature = "sqlite")]
#[derive(Debug, Clone)]
pub(crate) struct Barrier {
    queue: Arc<Mutex<CommitQueue>>,
    wake: mpsc::WeakSender<()>,
}

#[cfg(feature = "sqlite")]
impl Barrier {
    /// How long to wait at most: a client that is told nothing by then tries another node.
    const PATIENCE: Duration = Duration::from_secs(3);

    /// Waits until everything is applied that is in the log now. Returns false if that cannot be said, because the log
    /// cannot be reached.
    pub(crate) async fn pass(&self) -> bool {
        let (to, passed) = oneshot::channel();
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_barrier(to);
        // Dropped before the wait: it keeps the store open.
        if let Some(wake) = self.wake.upgrade() {
            let _ = wake.try_send(());
        }
        matches!(timeout(Self::PATIENCE, passed).await, Ok(Ok(())))
    }
}

/// Returns this runtime if it has several threads, so that others serve connections while one waits for the disk.
fn runtime_of_several_threads() -> Option<Handle> {
    let runtime = Handle::try_current().ok()?;
    let several = runtime.runtime_flavor() == RuntimeFlavor::MultiThread && runtime.metrics().num_workers() > 1;
    several.then_some(runtime)
}

#[cfg(test)]
mod tests {
    use chat_proto::{Nickname, Text};
    use futures_util::FutureExt as _;

    use super::*;
    use crate::entry::Author;

    /// Submits one post. Returns false if it waits for a share.
    fn submits(committer: &Committer, account: AccountId, share: &AccountShare, text: &str) -> bool {
        let author = Arc::new(Author { id: account, nickname: Nickname::new("Keen Bob").unwrap() });
        let draft = Draft::Post { author, id: None, text: Text::new(text).unwrap() };
        committer.append(account, share, vec![draft], PostSequence::default()).now_or_never().is_some()
    }

    #[test]
    fn flood_waits_at_its_own_share() {
        let (committer, _work) = Committer::new();
        let (flood, large) = (AccountShare::default(), "x".repeat(16_000));
        let accepted = (0..10_000).take_while(|_| submits(&committer, 1, &flood, &large)).count();
        assert!(accepted * large.len() <= ACCOUNT_RESERVED_BYTES + ACCOUNT_WAITING_BYTES, "{accepted} posts");
        assert!(committer.waiting.available_permits() >= WAITING_BYTES - ACCOUNT_WAITING_BYTES);
        assert!(submits(&committer, 2, &AccountShare::default(), &large));
    }

    #[test]
    fn full_queue_keeps_a_reserve_for_each() {
        let (committer, _work) = Committer::new();
        committer.waiting.forget_permits(WAITING_BYTES);
        let share = AccountShare::default();
        assert!(submits(&committer, 2, &share, "honest"));
        let further = (0..1_000).take_while(|_| submits(&committer, 2, &share, &"x".repeat(1_000))).count();
        assert!((1..=ACCOUNT_RESERVED_BYTES / 1_000).contains(&further), "{further} posts");
    }
}
