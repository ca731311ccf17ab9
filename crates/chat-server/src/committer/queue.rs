//! The drafts that wait for the journal, by account.
//!
//! Transactions are gathered round robin, so that an account which posts as fast as it can delays the posts of another
//! by no more than one transaction, however much of its own is waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::action::AccountId;
use crate::entry::{Appended, Draft};
use crate::error::{CommitError, JournalError};
use crate::limits::{COMMIT_BYTES, COMMIT_DRAFTS, COMMIT_QUANTUM};
#[cfg(feature = "sqlite")]
use crate::limits::{NODE_BATCH_BYTES, NODE_BATCH_DRAFTS};

/// The answers to the drafts of one request, in their order.
pub(crate) type CommitResult = Result<Vec<Appended>, CommitError>;

/// The posts that one writer sent in order. If storing fails for one request, the later requests fail too: otherwise
/// they would overtake it.
#[derive(Debug, Clone, Default)]
pub(crate) struct PostSequence {
    broken: Arc<OnceLock<Arc<JournalError>>>,
}

/// Drafts that one session submitted together, and where their answers go.
#[derive(Debug)]
pub(super) struct CommitRequest {
    pub(super) drafts: Vec<Draft>,
    pub(super) sequence: PostSequence,
    pub(super) reply: ReplySlot,
}

impl CommitRequest {
    /// Returns true if an earlier request of its sequence was not stored.
    pub(super) fn is_broken(&self) -> bool {
        self.sequence.broken.get().is_some()
    }

    /// Answers that it was not stored. The later requests of its sequence fail too.
    pub(super) fn fail(self, error: &Arc<JournalError>) {
        let _ = self.sequence.broken.set(Arc::clone(error));
        self.reply.send(Err(CommitError::Storage(Arc::clone(error))));
    }

    /// Answers that its account is revoked.
    pub(super) fn revoke(self) {
        self.reply.send(Err(CommitError::Revoked));
    }

    /// Answers that it was not stored, for the reason of the earlier one.
    pub(super) fn refuse(self) {
        let error = self.sequence.broken.get().map(Arc::clone);
        self.reply.send(Err(error.map_or(CommitError::Closed, CommitError::Storage)));
    }
}

/// Where the answers go. Dropping it frees what the drafts took of the account's share.
#[derive(Debug)]
pub(super) struct ReplySlot {
    pub(super) to: oneshot::Sender<CommitResult>,
    pub(super) _permits: Vec<OwnedSemaphorePermit>,
}

impl ReplySlot {
    pub(super) fn send(self, result: CommitResult) {
        // An error means that the writer has disconnected; its drafts are stored nevertheless.
        let _ = self.to.send(result);
    }
}

/// How much is gathered at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct GatherLimits {
    drafts: usize,
    bytes: usize,
}

impl GatherLimits {
    /// One transaction of a journal.
    pub(super) const TRANSACTION: Self = Self { drafts: COMMIT_DRAFTS, bytes: COMMIT_BYTES };
    /// One batch of a node.
    #[cfg(feature = "sqlite")]
    pub(super) const BATCH: Self = Self { drafts: NODE_BATCH_DRAFTS, bytes: NODE_BATCH_BYTES };
}

/// What the journal thread does between two transactions.
#[derive(Debug)]
pub(super) struct Maintenance {
    /// Try whether the journal can be written.
    pub(super) probe: bool,
    /// Receives the accounts that another process revoked.
    pub(super) revoked: oneshot::Sender<Vec<AccountId>>,
}

/// How many transactions are short after several accounts have posted: about half a second on a slow disk.
const SHARED_TRANSACTIONS: u32 = 64;

/// All that waits for the journal.
#[derive(Debug, Default)]
pub(super) struct CommitQueue {
    accounts: HashMap<AccountId, VecDeque<CommitRequest>>,
    /// Accounts with requests, in the order of their turns.
    turns: VecDeque<AccountId>,
    /// How many more transactions take one turn of each account only, because several accounts have posted lately.
    shared: u32,
    maintenance: Vec<Maintenance>,
    /// Those who wait until everything is applied that is in the shared log of the nodes now.
    #[cfg(feature = "sqlite")]
    barriers: Vec<oneshot::Sender<()>>,
    closed: bool,
}

impl CommitQueue {
    /// Appends a request. Returns it if the queue is closed.
    pub(super) fn push(&mut self, account: AccountId, request: CommitRequest) -> Result<(), CommitRequest> {
        if self.closed {
            return Err(request);
        }
        let requests = self.accounts.entry(account).or_default();
        if requests.is_empty() {
            self.turns.push_back(account);
        }
        requests.push_back(request);
        Ok(())
    }

    /// Appends maintenance, which comes before the next transaction.
    pub(super) fn push_maintenance(&mut self, maintenance: Maintenance) {
        if !self.closed {
            self.maintenance.push(maintenance);
        }
    }

    /// Removes all maintenance.
    pub(super) fn take_maintenance(&mut self) -> Vec<Maintenance> {
        std::mem::take(&mut self.maintenance)
    }

    /// Appends one who waits for a barrier. Dropped if the queue is closed.
    #[cfg(feature = "sqlite")]
    pub(super) fn push_barrier(&mut self, barrier: oneshot::Sender<()>) {
        if !self.closed {
            self.barriers.push(barrier);
        }
    }

    /// Removes all who wait for a barrier.
    #[cfg(feature = "sqlite")]
    pub(super) fn take_barriers(&mut self) -> Vec<oneshot::Sender<()>> {
        std::mem::take(&mut self.barriers)
    }

    /// Returns whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty() && self.maintenance.is_empty()
    }

    /// Returns whether nothing but one post waits.
    pub(super) fn is_single_post(&self) -> bool {
        if !self.maintenance.is_empty() || self.turns.len() != 1 {
            return false;
        }
        let mut requests = self.accounts.values().flatten();
        matches!((requests.next(), requests.next()), (Some(only), None) if matches!(only.drafts[..], [Draft::Post { .. }]))
    }

    /// Moves the requests of the next transaction to `batch`. Each account in turn gives what fits into its quantum,
    /// but at least one request, until the transaction is full or nothing waits. While several accounts post, each of them
    /// has one turn: a large transaction of one would keep the others waiting.
    pub(super) fn gather(&mut self, batch: &mut Vec<CommitRequest>, limits: GatherLimits) {
        let (mut drafts, mut bytes) = (0, 0);
        self.shared = if self.turns.len() > 1 { SHARED_TRANSACTIONS } else { self.shared.saturating_sub(1) };
        let mut turns = if self.shared > 0 { self.turns.len() } else { usize::MAX };
        while drafts < limits.drafts && bytes < limits.bytes && turns > 0 {
            let Some(account) = self.turns.pop_front() else { return };
            turns -= 1;
            let Some(requests) = self.accounts.get_mut(&account) else { continue };
            let mut quantum = 0;
            while quantum < COMMIT_QUANTUM
                && let Some(request) = requests.pop_front()
            {
                let size = request.drafts.iter().map(Draft::weight).sum::<usize>();
                quantum += size;
                bytes += size;
                drafts += request.drafts.len();
                batch.push(request);
                if drafts >= limits.drafts || bytes >= limits.bytes {
                    break;
                }
            }
            if requests.is_empty() {
                self.accounts.remove(&account);
            } else {
                self.turns.push_back(account);
            }
        }
    }

    /// Refuses all later requests and drops the waiting ones, which reports to their senders that the journal is
    /// closed.
    pub(super) fn close(&mut self) {
        *self = Self { closed: true, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use chat_proto::{Nickname, Text};

    use super::*;
    use crate::entry::Author;

    fn request(account: AccountId, text: &str) -> CommitRequest {
        let author = Arc::new(Author { id: account, nickname: Nickname::new("Keen Bob").unwrap() });
        let draft = Draft::Post { author, id: None, text: Text::new(text).unwrap() };
        let reply = ReplySlot { to: oneshot::channel().0, _permits: Vec::new() };
        CommitRequest { drafts: vec![draft], sequence: PostSequence::default(), reply }
    }

    fn text(request: &CommitRequest) -> (AccountId, &str) {
        let Draft::Post { author, text, .. } = &request.drafts[0] else { panic!("not a post") };
        (author.id, text.as_str())
    }

    #[test]
    fn flood_delays_others_by_one_short_transaction() {
        let mut queue = CommitQueue::default();
        let large = "x".repeat(16_000);
        for _ in 0..1_000 {
            queue.push(1, request(1, &large)).unwrap();
        }
        queue.push(2, request(2, "honest")).unwrap();
        let mut batch = Vec::new();
        queue.gather(&mut batch, GatherLimits::TRANSACTION);
        assert!(batch.iter().any(|request| text(request) == (2, "honest")));
        let bytes: usize = batch.iter().map(|request| text(request).1.len()).sum();
        assert!((COMMIT_QUANTUM..COMMIT_QUANTUM + 2 * large.len()).contains(&bytes), "{bytes}");
    }

    #[test]
    fn flood_has_one_turn_while_others_post() {
        let mut queue = CommitQueue::default();
        let large = "x".repeat(16_000);
        for _ in 0..1_000 {
            queue.push(1, request(1, &large)).unwrap();
        }
        let gathered = |queue: &mut CommitQueue| {
            let mut batch = Vec::new();
            queue.gather(&mut batch, GatherLimits::TRANSACTION);
            batch.iter().map(|request| text(request).1.len()).sum::<usize>()
        };
        assert!(gathered(&mut queue) >= COMMIT_BYTES, "one account has the whole transaction");
        queue.push(2, request(2, "honest")).unwrap();
        for _ in 0..SHARED_TRANSACTIONS {
            assert!(gathered(&mut queue) < COMMIT_QUANTUM + large.len(), "also when the other one does not wait");
        }
        assert!(gathered(&mut queue) >= COMMIT_BYTES);
    }

    #[test]
    fn one_account_keeps_its_order() {
        let mut queue = CommitQueue::default();
        for number in 0..10_000 {
            queue.push(number % 3, request(number % 3, &number.to_string())).unwrap();
        }
        let mut seen = [-1; 3];
        loop {
            let mut batch = Vec::new();
            queue.gather(&mut batch, GatherLimits::TRANSACTION);
            if batch.is_empty() {
                break;
            }
            assert!(batch.len() <= COMMIT_DRAFTS);
            for request in &batch {
                let (account, text) = text(request);
                let number: AccountId = text.parse().unwrap();
                assert!(std::mem::replace(&mut seen[account as usize], number) < number);
            }
        }
        assert_eq!(seen, [9_999, 9_997, 9_998]);
        assert!(queue.accounts.is_empty() && queue.turns.is_empty());
    }

    #[test]
    fn close_refuses_and_drops_requests() {
        let mut queue = CommitQueue::default();
        let (to, mut result) = oneshot::channel();
        let reply = ReplySlot { to, _permits: Vec::new() };
        queue.push(1, CommitRequest { reply, ..request(1, "x") }).unwrap();
        queue.close();
        assert!(result.try_recv().is_err());
        assert!(queue.push(1, request(1, "y")).is_err());
    }
}
