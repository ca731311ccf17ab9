//! All accounts in memory: tokens, nicknames, rate limits.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_proto::display::skeletons;
use chat_proto::{Nickname, Token};

use super::account_entry::AccountEntry;
use super::adjectives::ADJECTIVES;
use super::nickname::usable;
use super::token_hash::TokenHash;
use super::token_shelf::TokenShelf;
use crate::action::{AccountId, erased_name};
use crate::entry::AccountRecord;

/// All accounts of a server.
#[derive(Debug)]
pub(crate) struct AccountDirectory {
    state: Mutex<DirectoryState>,
    nickname_chars: usize,
}

#[derive(Debug)]
struct DirectoryState {
    /// Candidates by a part of the token's hash. The hash itself is compared in constant time.
    by_shelf: HashMap<u64, TokenShelf>,
    by_id: HashMap<AccountId, Arc<AccountEntry>>,
    /// The fingerprints of all nicknames with their accounts: present and former ones, and with [`RESERVED`] those that are
    /// being assigned.
    taken: HashMap<u64, AccountId>,
    prints: RandomState,
    random: fastrand::Rng,
    /// The first round with free names, by skeleton, for names of which every adjective is taken.
    rounds: HashMap<String, u64>,
}

/// Stands for the account of a nickname that is being assigned. No account has it.
const RESERVED: AccountId = 0;

/// A free nickname, reserved until an account has it. If it is dropped before, the name is free again.
#[derive(Debug)]
pub(crate) struct NicknameReservation<'a> {
    accounts: &'a AccountDirectory,
    nickname: Nickname,
    prints: [u64; 2],
}

impl NicknameReservation<'_> {
    pub(crate) fn nickname(&self) -> &Nickname {
        &self.nickname
    }
}

impl Drop for NicknameReservation<'_> {
    fn drop(&mut self) {
        let mut state = self.accounts.lock();
        for print in &self.prints {
            if state.taken.get(print) == Some(&RESERVED) {
                state.taken.remove(print);
            }
        }
    }
}

/// The reason why an account cannot have a nickname.
#[cfg(all(feature = "bin", unix))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NicknameProblem {
    #[error("has no adjective: write it whole, like \"Keen Bob\"")]
    Incomplete,
    #[error(
        "is too long, has characters that the server does not allow in names, or looks like the name of the server"
    )]
    NotUsable,
    #[error("is taken or looks like one that is")]
    Taken,
}

impl AccountDirectory {
    /// Creates the directory from the accounts of the journal. Requested nicknames are cut to `nickname_chars`
    /// characters, without their adjective.
    pub(crate) fn new(stored: Vec<AccountRecord>, nickname_chars: usize, random: fastrand::Rng) -> Self {
        let mut state = DirectoryState {
            by_shelf: HashMap::new(),
            by_id: HashMap::new(),
            taken: HashMap::new(),
            prints: RandomState::new(),
            rounds: HashMap::new(),
            random,
        };
        for account in stored {
            let (id, erased) = (account.id, account.is_erased());
            if !erased {
                state.take(account.nickname.as_str(), id);
            }
            let entry = AccountEntry::new(id, account.nickname, account.revoked);
            if erased {
                entry.set_erased();
                state.by_id.insert(id, entry);
            } else {
                state.add(account.token, entry);
            }
        }
        Self { state: Mutex::new(state), nickname_chars }
    }

    /// Returns the account of a token, unless it is unknown or revoked.
    pub(crate) fn log_in(&self, token: &Token) -> Option<Arc<AccountEntry>> {
        let hash = TokenHash::of(token);
        let state = self.lock();
        let account = state.by_shelf.get(&hash.shelf())?.find(&hash)?;
        (!account.is_revoked()).then(|| Arc::clone(account))
    }

    /// Reserves a free nickname for a request: an adjective and the name. Returns `None` if even numbered adjectives
    /// would make it too long for a nickname.
    pub(crate) fn reserve(&self, asked: &str) -> Option<NicknameReservation<'_>> {
        let name = usable(asked, self.nickname_chars);
        let mut state = self.lock();
        let first = state.random.usize(..ADJECTIVES.len());
        // The first round tries every adjective; later rounds add a number.
        let alike = skeletons(&name);
        let start = alike.iter().filter_map(|skeleton| state.rounds.get(skeleton)).max().copied().unwrap_or(1);
        for round in start.. {
            for turn in 0..ADJECTIVES.len() {
                let Some(adjective) = ADJECTIVES.get((first + turn) % ADJECTIVES.len()) else { continue };
                let whole =
                    if round == 1 { format!("{adjective} {name}") } else { format!("{adjective}{round} {name}") };
                let prints = state.prints(&whole);
                // One common skeleton is enough for a reader to mistake the names.
                if prints.iter().any(|print| state.taken.contains_key(print)) {
                    continue;
                }
                if round > 1 {
                    // The earlier rounds are full, so the next request for this name skips them.
                    state.rounds.extend(alike.map(|skeleton| (skeleton, round)));
                }
                let nickname = Nickname::new(&whole).ok()?;
                state.take(&whole, RESERVED);
                return Some(NicknameReservation { accounts: self, nickname, prints });
            }
        }
        None
    }

    /// Reserves a whole nickname, with its adjective, for an account. The rules are those of registration, but nothing is
    /// corrected.
    #[cfg(all(feature = "bin", unix))]
    pub(crate) fn reserve_whole(&self, id: AccountId, whole: &str) -> Result<NicknameReservation<'_>, NicknameProblem> {
        let (adjective, name) = whole.split_once(' ').ok_or(NicknameProblem::Incomplete)?;
        let parts = [adjective, name];
        // The whole is checked too, because it could look like the server's name.
        let fits = parts.iter().all(|part| usable(part, self.nickname_chars) == **part);
        if !fits || usable(whole, usize::MAX) != whole {
            return Err(NicknameProblem::NotUsable);
        }
        let nickname = Nickname::new(whole).map_err(|_| NicknameProblem::NotUsable)?;
        let mut state = self.lock();
        let prints = state.prints(whole);
        // Names that look alike may follow one another on the same account.
        if prints.iter().any(|print| state.taken.get(print).is_some_and(|owner| *owner != id)) {
            return Err(NicknameProblem::Taken);
        }
        for print in prints {
            state.taken.entry(print).or_insert(RESERVED);
        }
        Ok(NicknameReservation { accounts: self, nickname, prints })
    }

    /// Adds an account that was registered at any node. Nothing changes if it is known.
    #[cfg(feature = "sqlite")]
    pub(crate) fn add_stored(&self, account: AccountRecord) {
        let mut state = self.lock();
        if !state.by_id.contains_key(&account.id) {
            state.take(account.nickname.as_str(), account.id);
            let entry = AccountEntry::new(account.id, account.nickname, account.revoked);
            state.add(account.token, entry);
        }
    }

    /// Adds an account that the journal has stored, unless it is known.
    pub(crate) fn register(
        &self,
        reserved: NicknameReservation<'_>,
        id: AccountId,
        token: TokenHash,
    ) -> Arc<AccountEntry> {
        let mut state = self.lock();
        state.take(reserved.nickname.as_str(), id);
        let account = match state.by_id.get(&id) {
            Some(known) => Arc::clone(known),
            None => {
                let account = AccountEntry::new(id, reserved.nickname.clone(), false);
                state.add(token, Arc::clone(&account));
                account
            }
        };
        // The reservation locks the state when it is dropped.
        drop(state);
        account
    }

    /// Revokes accounts. Returns true if any of them was not revoked before.
    pub(crate) fn revoke(&self, ids: &[AccountId]) -> bool {
        let state = self.lock();
        let accounts = ids.iter().filter_map(|id| state.by_id.get(id));
        accounts.filter(|account| !account.set_revoked(true)).count() > 0
    }

    /// Makes the token of a revoked account valid again.
    pub(crate) fn restore(&self, id: AccountId) {
        if let Some(account) = self.lock().by_id.get(&id).filter(|account| !account.is_erased()) {
            account.set_revoked(false);
        }
    }

    /// Closes the connections of an account, once their sessions look at it.
    pub(crate) fn kick(&self, id: AccountId) {
        if let Some(account) = self.lock().by_id.get(&id) {
            account.kick();
        }
    }

    /// Gives an account another nickname. The old one stays taken.
    pub(crate) fn rename(&self, id: AccountId, to: &str) {
        let mut state = self.lock();
        let account = state.by_id.get(&id).filter(|account| !account.is_erased()).cloned();
        if let (Some(account), Ok(nickname)) = (account, Nickname::new(to)) {
            state.take(to, id);
            account.rename(nickname);
        }
    }

    /// Keeps a former nickname of an account from being assigned to another one.
    pub(crate) fn keep_taken(&self, id: AccountId, nickname: &str) {
        if nickname != erased_name(id) {
            self.lock().take(nickname, id);
        }
    }

    /// Gives an account another token, and closes its connections.
    pub(crate) fn set_token(&self, id: AccountId, token: TokenHash) {
        let mut state = self.lock();
        if let Some(account) = state.by_id.get(&id).filter(|account| !account.is_erased()).cloned() {
            state.remove_from_shelf(id);
            account.kick();
            state.add(token, account);
        }
    }

    /// Forgets all about an account but its number. Its names are free again.
    pub(crate) fn erase(&self, id: AccountId) {
        let mut state = self.lock();
        state.remove_from_shelf(id);
        state.taken.retain(|_, owner| *owner != id);
        if let Some(account) = state.by_id.get(&id) {
            account.set_revoked(true);
            account.set_erased();
            account.rename(AccountRecord::erased(id).nickname);
        }
    }

    /// Returns the account with this nickname.
    #[cfg_attr(not(all(feature = "bin", unix)), expect(dead_code, reason = "only the admin commands look for names"))]
    pub(crate) fn by_nickname(&self, nickname: &Nickname) -> Option<Arc<AccountEntry>> {
        let is_it = |account: &&Arc<AccountEntry>| !account.is_erased() && account.author().nickname == *nickname;
        self.lock().by_id.values().find(is_it).cloned()
    }

    /// Returns the account with this number.
    #[cfg(any(feature = "sqlite", test))]
    pub(crate) fn by_id(&self, id: AccountId) -> Option<Arc<AccountEntry>> {
        self.lock().by_id.get(&id).cloned()
    }

    /// Returns the number of accounts.
    #[cfg_attr(
        not(any(test, all(feature = "bin", unix))),
        expect(dead_code, reason = "only the admin commands count accounts")
    )]
    pub(crate) fn len(&self) -> usize {
        self.lock().by_shelf.values().map(TokenShelf::len).sum()
    }

    fn lock(&self) -> MutexGuard<'_, DirectoryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DirectoryState {
    fn add(&mut self, token: TokenHash, account: Arc<AccountEntry>) {
        self.by_id.insert(account.id(), Arc::clone(&account));
        account.set_shelf(token.shelf());
        match self.by_shelf.entry(token.shelf()) {
            Entry::Vacant(place) => drop(place.insert(TokenShelf::One(token, account))),
            Entry::Occupied(mut place) => place.get_mut().push(token, account),
        }
    }

    /// Makes the token of an account unknown.
    fn remove_from_shelf(&mut self, id: AccountId) {
        let Some(shelf) = self.by_id.get(&id).map(|account| account.shelf()) else { return };
        if let Entry::Occupied(mut place) = self.by_shelf.entry(shelf)
            && !place.get_mut().keep_all_but(id)
        {
            place.remove();
        }
    }

    /// Returns the fingerprints of the skeletons of a name, which take less memory. They have a random key, so no names with
    /// the same one can be chosen on purpose; if it happens by chance, a free name is counted as taken.
    fn prints(&self, name: &str) -> [u64; 2] {
        skeletons(name).map(|skeleton| self.prints.hash_one(skeleton))
    }

    /// Notes that an account has a nickname, or that it is reserved.
    fn take(&mut self, nickname: &str, owner: AccountId) {
        for print in self.prints(nickname) {
            // A store of an earlier version can have names that look alike: the first account keeps them.
            let current = self.taken.entry(print).or_insert(owner);
            if *current == RESERVED {
                *current = owner;
            }
        }
    }
}

#[cfg(test)]
mod tests;
