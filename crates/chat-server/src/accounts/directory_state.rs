//! The accounts that are in memory, and the nicknames that are being assigned.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_proto::display::skeletons;

use super::account_entry::AccountEntry;
use super::token_hash::TokenHash;
use super::token_shelf::TokenShelf;
use crate::action::AccountId;
use crate::entry::AccountRecord;

/// Stands for the account of a nickname that is being assigned. No account has it.
pub(super) const RESERVED: AccountId = 0;

/// The accounts that are in memory. An account stays once it is there: its sessions, its rate and its kicks are those of one
/// entry.
#[derive(Debug)]
pub(super) struct DirectoryState {
    /// Candidates by a part of the token's hash. The hash itself is compared in constant time.
    pub(super) by_shelf: HashMap<u64, TokenShelf>,
    pub(super) by_id: HashMap<AccountId, Arc<AccountEntry>>,
    /// The fingerprints of nicknames with their accounts: with [`RESERVED`] those that are being assigned, and if all
    /// accounts are in memory, all present and former ones.
    pub(super) taken: HashMap<u64, AccountId>,
    /// How many changes of accounts were applied. An account that was read from the store before one of them may not be as
    /// it is now.
    pub(super) changes: u64,
    prints: RandomState,
    pub(super) random: fastrand::Rng,
    /// The first round with free names, by skeleton, for names of which every adjective is taken.
    pub(super) rounds: HashMap<String, u64>,
}

impl DirectoryState {
    pub(super) fn new(random: fastrand::Rng) -> Self {
        Self {
            by_shelf: HashMap::new(),
            by_id: HashMap::new(),
            taken: HashMap::new(),
            changes: 0,
            prints: RandomState::new(),
            rounds: HashMap::new(),
            random,
        }
    }

    /// Returns the account with this token.
    pub(super) fn by_token(&self, token: &TokenHash) -> Option<&Arc<AccountEntry>> {
        self.by_shelf.get(&token.shelf())?.find(token)
    }

    /// Adds a stored account, unless it is known. Returns its entry.
    pub(super) fn enter(&mut self, account: AccountRecord) -> Arc<AccountEntry> {
        if let Some(known) = self.by_id.get(&account.id) {
            return Arc::clone(known);
        }
        let (id, token, is_erased) = (account.id, account.token, account.is_erased());
        let entry = AccountEntry::new(id, account.nickname, account.revoked);
        if is_erased {
            entry.set_erased();
            self.by_id.insert(id, Arc::clone(&entry));
        } else {
            self.add(token, Arc::clone(&entry));
        }
        entry
    }

    pub(super) fn add(&mut self, token: TokenHash, account: Arc<AccountEntry>) {
        self.by_id.insert(account.id(), Arc::clone(&account));
        account.set_shelf(token.shelf());
        match self.by_shelf.entry(token.shelf()) {
            Entry::Vacant(place) => drop(place.insert(TokenShelf::One(token, account))),
            Entry::Occupied(mut place) => place.get_mut().push(token, account),
        }
    }

    /// Makes the token of an account unknown.
    pub(super) fn remove_from_shelf(&mut self, id: AccountId) {
        let Some(shelf) = self.by_id.get(&id).map(|account| account.shelf()) else { return };
        if let Entry::Occupied(mut place) = self.by_shelf.entry(shelf)
            && !place.get_mut().keep_all_but(id)
        {
            place.remove();
        }
    }

    /// Returns an account in memory that can be changed: one that is not erased.
    pub(super) fn alive(&self, id: AccountId) -> Option<&Arc<AccountEntry>> {
        self.by_id.get(&id).filter(|account| !account.is_erased())
    }

    /// Notes that an account has a nickname.
    pub(super) fn take(&mut self, nickname: &str, owner: AccountId) {
        for print in self.prints(nickname) {
            // A store of an earlier version can have names that look alike: the first account keeps them.
            let current = self.taken.entry(print).or_insert(owner);
            if *current == RESERVED {
                *current = owner;
            }
        }
    }

    /// Reserves a nickname for an account, or with [`RESERVED`] for a new one. Returns its fingerprints; `None` if another
    /// account in memory has it, or if it is being assigned.
    pub(super) fn reserve(&mut self, nickname: &str, owner: AccountId) -> Option<[u64; 2]> {
        let prints = self.prints(nickname);
        // One common skeleton is enough for a reader to mistake the names. Names that look alike may follow one another on
        // the same account.
        let is_taken = |print| self.taken.get(print).is_some_and(|taken| *taken == RESERVED || *taken != owner);
        if prints.iter().any(is_taken) {
            return None;
        }
        for print in prints {
            self.taken.entry(print).or_insert(RESERVED);
        }
        Some(prints)
    }

    /// Ends a reservation. What an account has by now stays taken.
    pub(super) fn release(&mut self, prints: &[u64; 2]) {
        for print in prints {
            if self.taken.get(print) == Some(&RESERVED) {
                self.taken.remove(print);
            }
        }
    }

    /// Returns the fingerprints of the skeletons of a name, which take less memory. They have a random key, so no names with
    /// the same one can be chosen on purpose; if it happens by chance, a free name is counted as taken.
    fn prints(&self, name: &str) -> [u64; 2] {
        skeletons(name).map(|skeleton| self.prints.hash_one(skeleton))
    }
}

/// Locks the state. It is held for a few operations in memory, never while the store is read.
pub(super) fn lock(state: &Mutex<DirectoryState>) -> MutexGuard<'_, DirectoryState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
