//! Applies one batch of the log, within a transaction of the caller. Nothing here may depend on a clock, on chance, or on
//! the version of a table of the program: all nodes must come to the same store.

use std::borrow::Cow;

use chat_proto::Seq;
use rusqlite::{OptionalExtension, Transaction, params};

use super::cluster_tables::{self as tables, ReplicaState};
use super::error::StoreError;
use super::expire::{self, Expired};
use super::insert::Insert;
use super::{effect, row};
use crate::action::{AccountId, ActionDraft, OperatorAction};
use crate::entry::Appended;
use crate::error::JournalError;
use crate::replication::rules::{self, Divergence, NumberVerdict};
use crate::replication::{AppliedBatch, BatchEntry, EntryOutcome, Looks, PlacedBatch, ProposedBatch};

/// Applies batches to a store.
pub(super) struct BatchApplier<'a> {
    transaction: &'a Transaction<'a>,
    state: ReplicaState,
    head: &'a mut Seq,
    /// Whether the author of the last post is revoked: most posts of a batch have few authors.
    last_author: Option<(AccountId, bool)>,
    /// The newest message that has expired.
    expired: Option<Expired>,
    /// Whether a text or a name was removed.
    erases: bool,
}

/// What applying batches has led to, apart from the outcomes of their entries.
pub(super) struct AppliedState {
    /// Where the store is now in its log.
    pub(super) state: ReplicaState,
    /// The newest message that has expired.
    pub(super) expired: Option<Expired>,
    /// Whether a text or a name was removed, which is to be erased from the write-ahead log too.
    pub(super) erases: bool,
}

impl<'a> BatchApplier<'a> {
    pub(super) fn new(transaction: &'a Transaction<'a>, state: ReplicaState, head: &'a mut Seq) -> Self {
        Self { transaction, state, head, last_author: None, expired: None, erases: false }
    }

    /// Stores where the store is now in its log.
    pub(super) fn finish(self) -> Result<AppliedState, StoreError> {
        tables::write_state(self.transaction, &self.state)?;
        Ok(AppliedState { state: self.state, expired: self.expired, erases: self.erases })
    }

    /// Applies the batch at the next place. After a [`Divergence`] neither it nor any later one may be applied.
    pub(super) fn apply(&mut self, placed: &PlacedBatch) -> Result<Result<AppliedBatch, Divergence>, StoreError> {
        let batch = match ProposedBatch::decode(&placed.bytes) {
            Ok(batch) => batch,
            Err(error) => return Ok(Err(error.into())),
        };
        let ours = tables::hash_at(self.transaction, batch.base.place)?;
        if let Err(divergence) = rules::check_origin(&batch, self.state.generation, placed.place, ours) {
            return Ok(Err(divergence));
        }
        let at = rules::log_time(self.state.at, batch.at, placed.at);
        // Not the time of the log, which follows the clock of the only node that writes: a batch that it has stored a
        // moment ago must not be forgotten because that clock is days behind.
        let stored_at = self.state.stored_at.max(placed.at);
        let last = rules::last_number(tables::last_of(self.transaction, batch.epoch)?, stored_at);
        let verdict = rules::judge_number(last, batch.number);
        (self.state.at, self.state.stored_at) = (at, stored_at);
        self.state.applied = self.state.applied.after(placed.at, &placed.bytes);
        tables::write_link(self.transaction, self.state.applied)?;
        let mut entries = Vec::new();
        if verdict == NumberVerdict::Apply {
            tables::write_last(self.transaction, batch.epoch, batch.number, stored_at)?;
            entries.reserve(batch.entries.len());
            for entry in batch.entries {
                let outcome = self.apply_entry(&entry)?;
                entries.push((entry, outcome));
            }
        }
        Ok(Ok(AppliedBatch { place: placed.place, epoch: batch.epoch, number: batch.number, verdict, entries }))
    }

    fn apply_entry(&mut self, entry: &BatchEntry) -> Result<EntryOutcome, StoreError> {
        let at = self.state.at;
        match entry {
            BatchEntry::Post { author, id, text } => {
                if self.is_revoked(author.id)? {
                    return Ok(EntryOutcome::Revoked);
                }
                let stored = Insert::new(self.transaction, at, self.head)?.post(author, id.as_ref(), text)?;
                outcome(stored)
            }
            BatchEntry::Register { token, nickname, looks } => {
                if tables::looks_taken(self.transaction, None, looks)? {
                    return Ok(EntryOutcome::LooksTaken);
                }
                let stored = Insert::new(self.transaction, at, self.head)?.account(token, nickname.as_str())?;
                if let Appended::Account(id) = stored {
                    tables::take_looks(self.transaction, id, looks)?;
                }
                outcome(stored)
            }
            BatchEntry::Act { draft, looks } => self.act(draft, looks.as_ref()),
            BatchEntry::Expire { through } => self.expire(*through),
            BatchEntry::Barrier => Ok(EntryOutcome::Passed),
        }
    }

    fn is_revoked(&mut self, author: AccountId) -> Result<bool, StoreError> {
        if let Some((last, revoked)) = self.last_author
            && last == author
        {
            return Ok(revoked);
        }
        let revoked = tables::account(self.transaction, author)?.is_some_and(|account| account.revoked);
        self.last_author = Some((author, revoked));
        Ok(revoked)
    }

    fn act(&mut self, draft: &ActionDraft, looks: Option<&Looks>) -> Result<EntryOutcome, StoreError> {
        self.last_author = None;
        self.erases |= matches!(draft.action, OperatorAction::Remove { .. } | OperatorAction::Erase { .. });
        let at = self.state.at;
        let mut draft = Cow::Borrowed(draft);
        let known = match draft.action.account() {
            Some(id) => tables::account(self.transaction, id)?,
            None => None,
        };
        if let Some(erased) = known.as_ref().filter(|account| account.is_erased()) {
            // The node that proposed it did not know that yet.
            draft.to_mut().action.forget_names(erased.id);
        }
        let target = known.filter(|account| !account.is_erased());
        if let (Some(account), Some(looks)) = (&target, looks) {
            if tables::looks_taken(self.transaction, Some(account.id), looks)? {
                return Ok(EntryOutcome::LooksTaken);
            }
            tables::take_looks(self.transaction, account.id, looks)?;
        }
        if let OperatorAction::Erase { account } = draft.action {
            // Another node may have stored a message since the operator's node removed those that it had.
            let text = row::tombstone_text(at, &draft.actor, draft.reason.as_ref());
            effect::remove_all(self.transaction, account, &text)?;
            tables::free_looks(self.transaction, account)?;
        }
        outcome(effect::store(self.transaction, &draft, at, *self.head)?)
    }

    fn expire(&mut self, through: Seq) -> Result<EntryOutcome, StoreError> {
        let through = i64::try_from(through).unwrap_or(i64::MAX);
        let mut newest =
            self.transaction.prepare_cached("SELECT seq, at FROM message WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1")?;
        let found: Option<(i64, i64)> = newest.query_row([through], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((seq, at)) = found else { return Ok(EntryOutcome::Expired { removed: 0 }) };
        let last = Expired { seq: Seq::try_from(seq).map_err(|_| JournalError::Damaged)?, at };
        let removed = self.transaction.prepare_cached("DELETE FROM message WHERE seq <= ?1")?.execute(params![seq])?;
        expire::note(self.transaction, last)?;
        (self.expired, self.erases) = (Some(last), true);
        Ok(EntryOutcome::Expired { removed: removed as u64 })
    }
}

/// Returns the outcome of an entry that was inserted as a server alone inserts it.
fn outcome(appended: Appended) -> Result<EntryOutcome, StoreError> {
    Ok(match appended {
        Appended::Account(id) => EntryOutcome::Registered(id),
        Appended::Fresh { seq, at } => EntryOutcome::Fresh { seq, at },
        Appended::Repeated { seq } => EntryOutcome::Repeated { seq },
        Appended::Action { number, at } => EntryOutcome::Acted { number, at },
    })
}
