//! What the actions of operators mean for sessions: who may post and connect, and what listeners must be told.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use tokio::sync::watch;

use crate::accounts::AccountDirectory;
use crate::action::{AccountId, ActionRecord, InForce, OperatorAction, Sanctions};
#[cfg(all(feature = "bin", unix))]
use crate::address_range::AddressRange;
use crate::entry::Tombstone;
use crate::journal::now_ms;
use crate::log::{Removal, SharedLog};

/// The effect of all actions so far.
#[derive(Debug)]
pub(crate) struct Moderation {
    sanctions: RwLock<Sanctions>,
    /// Whether any sanction was ever set. Each post looks here first, and most rooms have none.
    any: AtomicBool,
    /// Incremented when sessions of writers must look at their accounts.
    accounts_changed: watch::Sender<u64>,
}

impl Moderation {
    /// Creates the state to which the actions of a journal lead, and tells the log about removals.
    pub(crate) fn replay(actions: &[ActionRecord], log: &SharedLog) -> Self {
        let mut sanctions = Sanctions::default();
        for record in actions {
            sanctions.apply(&record.draft);
        }
        log.note_removals(actions.iter().flat_map(removals));
        let any = AtomicBool::new(!sanctions.is_empty());
        Self { sanctions: RwLock::new(sanctions), any, accounts_changed: watch::Sender::new(0) }
    }

    /// Applies an action that was stored. Called in the order of the journal.
    pub(crate) fn apply(&self, record: &ActionRecord, accounts: &AccountDirectory, log: &SharedLog) {
        {
            let mut sanctions = self.sanctions.write().unwrap_or_else(PoisonError::into_inner);
            sanctions.apply(&record.draft);
            // Set while the lock is held, so that a reader that sees it finds the sanction.
            self.any.store(!sanctions.is_empty(), Ordering::Release);
        }
        match &record.draft.action {
            OperatorAction::Remove { .. } => log.remove(removals(record).collect()),
            OperatorAction::BanAddress { .. } => log.notify_action(),
            OperatorAction::Revoke { account, .. } => drop(accounts.revoke(&[*account])),
            OperatorAction::Restore { account, .. } => accounts.restore(*account),
            OperatorAction::Kick { account, .. } => accounts.kick(*account),
            OperatorAction::Rename { account, to, .. } => accounts.rename(*account, to),
            OperatorAction::Token { account, hash, .. } => accounts.set_token(*account, *hash),
            OperatorAction::Erase { account } => accounts.erase(*account),
            _ => {}
        }
        self.notify_writers();
    }

    /// Returns the mute of an account that is in force.
    pub(crate) fn mute(&self, account: AccountId) -> Option<InForce> {
        self.read(|sanctions| sanctions.mute(account, now_ms()))
    }

    /// Returns the ban of an account that is in force.
    pub(crate) fn ban(&self, account: AccountId) -> Option<InForce> {
        self.read(|sanctions| sanctions.ban(account, now_ms()))
    }

    /// Returns true if connections from this address are refused.
    pub(crate) fn is_address_banned(&self, peer: IpAddr) -> bool {
        self.read(|sanctions| sanctions.is_address_banned(peer, now_ms()).then_some(())).is_some()
    }

    /// Returns all bans that are in force, with their ends.
    #[cfg(all(feature = "bin", unix))]
    pub(crate) fn bans(&self) -> Bans {
        let sanctions = self.sanctions.read().unwrap_or_else(PoisonError::into_inner);
        let now = now_ms();
        Bans { accounts: sanctions.banned_accounts(now), addresses: sanctions.banned_addresses(now) }
    }

    /// Makes sessions of writers look at their accounts.
    pub(crate) fn notify_writers(&self) {
        self.accounts_changed.send_modify(|count| *count += 1);
    }

    /// Subscribes to [`notify_writers`](Self::notify_writers).
    pub(crate) fn watch_accounts(&self) -> watch::Receiver<u64> {
        self.accounts_changed.subscribe()
    }

    fn read<T>(&self, read: impl FnOnce(&Sanctions) -> Option<T>) -> Option<T> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        read(&self.sanctions.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Bans in force with their ends, in milliseconds since the Unix epoch.
#[cfg(all(feature = "bin", unix))]
#[derive(Debug)]
pub(crate) struct Bans {
    pub(crate) accounts: Vec<(AccountId, Option<i64>)>,
    pub(crate) addresses: Vec<(AddressRange, Option<i64>)>,
}

/// Returns the messages that an action removed.
fn removals(record: &ActionRecord) -> impl Iterator<Item = Removal> {
    let seqs: &[u64] = match &record.draft.action {
        OperatorAction::Remove { seqs } => seqs,
        _ => &[],
    };
    seqs.iter().map(|&seq| {
        let (by, reason) = (record.draft.actor.clone(), record.draft.reason.clone());
        // The time of the message is not part of what listeners are told.
        let tombstone = Tombstone { seq, at: record.at, removed_at: record.at, by, reason };
        Removal { tombstone, head: record.head }
    })
}
