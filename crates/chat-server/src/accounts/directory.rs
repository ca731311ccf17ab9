//! The accounts of a server: tokens, nicknames, rate limits. Only those that are used are in memory, if the store finds
//! single accounts; otherwise all are.

use std::sync::{Arc, Mutex, MutexGuard};

use chat_proto::Nickname;
use chat_proto::display::skeletons;

use super::account_entry::{AccountEntry, AccountLogin};
use super::adjectives::ADJECTIVES;
use super::directory_state::{DirectoryState, RESERVED, lock};
use super::nickname::usable;
#[cfg(all(feature = "bin", unix))]
use super::reservation::NicknameProblem;
use super::reservation::NicknameReservation;
use super::round_search::RoundSearch;
use super::token_hash::TokenHash;
use super::token_shelf::TokenShelf;
use crate::action::{AccountId, erased_name};
use crate::entry::AccountRecord;
use crate::error::JournalError;
use crate::journal::{AccountIndex, JournalReader};

/// What a round of adjectives has for a name.
enum RoundNames {
    Free(NicknameReservation),
    TooLong,
    Taken,
}

/// All accounts of a server.
pub(crate) struct AccountDirectory {
    state: Arc<Mutex<DirectoryState>>,
    /// Finds the accounts that are not in memory.
    store: Option<Arc<dyn JournalReader>>,
    nickname_chars: usize,
}

impl AccountDirectory {
    /// Creates the directory from all accounts of a journal. Requested nicknames are cut to `nickname_chars` characters,
    /// without their adjective.
    pub(crate) fn new(stored: Vec<AccountRecord>, nickname_chars: usize, random: fastrand::Rng) -> Self {
        let mut state = DirectoryState::new(random);
        for account in stored {
            if !account.is_erased() {
                state.take(account.nickname.as_str(), account.id);
            }
            state.enter(account);
        }
        Self { state: Arc::new(Mutex::new(state)), store: None, nickname_chars }
    }

    /// Creates the directory over a store that finds single accounts.
    pub(crate) fn over(store: Arc<dyn JournalReader>, nickname_chars: usize, random: fastrand::Rng) -> Self {
        let state = Arc::new(Mutex::new(DirectoryState::new(random)));
        Self { state, store: Some(store), nickname_chars }
    }

    /// Returns whether the calls that say so may read the store.
    pub(crate) fn reads(&self) -> bool {
        self.index().is_some()
    }

    fn index(&self) -> Option<&dyn AccountIndex> {
        self.store.as_deref()?.accounts()
    }

    /// Returns the account of a token if it is in memory, revoked or not.
    pub(crate) fn in_memory(&self, token: &TokenHash) -> Option<AccountLogin> {
        self.lock().by_token(token).map(AccountLogin::of)
    }

    /// Returns the account of a token, unless it is unknown or revoked. May read the store.
    ///
    /// # Errors
    /// [`JournalError`] if the store cannot be read.
    pub(crate) fn log_in(&self, token: &TokenHash) -> Result<Option<AccountLogin>, JournalError> {
        let read = |index: &dyn AccountIndex| Ok(index.by_token(token)?.filter(|account| !account.revoked));
        let found = self.find(|state| state.by_token(token).map(AccountLogin::of), read)?;
        Ok(found.filter(|login| !login.account.is_revoked()))
    }

    /// Returns the account with this number. May read the store.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in).
    pub(crate) fn by_id(&self, id: AccountId) -> Result<Option<AccountLogin>, JournalError> {
        self.find(|state| state.by_id.get(&id).map(AccountLogin::of), |index| index.by_id(id))
    }

    /// Looks for an account in memory and then in the store, from where it gets into memory.
    fn find(
        &self,
        known: impl Fn(&DirectoryState) -> Option<AccountLogin>,
        read: impl Fn(&dyn AccountIndex) -> Result<Option<AccountRecord>, JournalError>,
    ) -> Result<Option<AccountLogin>, JournalError> {
        loop {
            let changes = {
                let state = self.lock();
                if let Some(known) = known(&state) {
                    return Ok(Some(known));
                }
                state.changes
            };
            let Some(index) = self.index() else { return Ok(None) };
            let Some(stored) = read(index)? else { return Ok(None) };
            let mut state = self.lock();
            // A change is applied here after it was stored. If there was one since, it may have missed this account, which
            // was not in memory, and the record may be the one before it. Otherwise it finds the account here.
            if state.changes == changes {
                return Ok(Some(AccountLogin::of(&state.enter(stored))));
            }
        }
    }

    /// Reserves a free nickname for a request: an adjective and the name. Returns `None` if even numbered adjectives
    /// would make it too long for a nickname. May read the store.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in).
    pub(crate) fn reserve(&self, asked: &str) -> Result<Option<NicknameReservation>, JournalError> {
        let name = usable(asked, self.nickname_chars);
        // The first round tries every adjective; later rounds add a number.
        let alike = skeletons(&name);
        let (first, start) = {
            let mut state = self.lock();
            let rounds = alike.iter().filter_map(|skeleton| state.rounds.get(skeleton));
            let start = rounds.max().copied().unwrap_or(1);
            (state.random.usize(..ADJECTIVES.len()), start)
        };
        let (mut search, mut free) = (RoundSearch::from(start), None);
        while let Some(round) = search.next() {
            match self.reserve_in_round(round, first, &name)? {
                RoundNames::Free(reserved) => {
                    free = Some((round, reserved));
                    search.note_bound(round);
                }
                RoundNames::TooLong => search.note_bound(round),
                RoundNames::Taken => search.note_full(round),
            }
        }
        Ok(free.map(|(round, reserved)| {
            if round > 1 {
                // The earlier rounds are full, so the next request for this name skips them.
                self.lock().rounds.extend(alike.map(|skeleton| (skeleton, round)));
            }
            reserved
        }))
    }

    /// Reserves a name of one round, with the adjectives from one on.
    fn reserve_in_round(&self, round: u64, first: usize, name: &str) -> Result<RoundNames, JournalError> {
        for turn in 0..ADJECTIVES.len() {
            let Some(adjective) = ADJECTIVES.get((first + turn) % ADJECTIVES.len()) else { continue };
            let whole = if round == 1 { format!("{adjective} {name}") } else { format!("{adjective}{round} {name}") };
            let Ok(nickname) = Nickname::new(&whole) else { return Ok(RoundNames::TooLong) };
            if let Some(reserved) = self.reserve_for(RESERVED, nickname)? {
                return Ok(RoundNames::Free(reserved));
            }
        }
        Ok(RoundNames::Taken)
    }

    /// Reserves a whole nickname, with its adjective, for an account. The rules are those of registration, but nothing is
    /// corrected. May read the store.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in).
    #[cfg(all(feature = "bin", unix))]
    pub(crate) fn reserve_whole(
        &self,
        id: AccountId,
        whole: &str,
    ) -> Result<Result<NicknameReservation, NicknameProblem>, JournalError> {
        let Some((adjective, name)) = whole.split_once(' ') else { return Ok(Err(NicknameProblem::Incomplete)) };
        let parts = [adjective, name];
        // The whole is checked too, because it could look like the server's name.
        let fits = parts.iter().all(|part| usable(part, self.nickname_chars) == **part);
        let nickname = Nickname::new(whole).ok().filter(|_| fits && usable(whole, usize::MAX) == whole);
        let Some(nickname) = nickname else { return Ok(Err(NicknameProblem::NotUsable)) };
        Ok(self.reserve_for(id, nickname)?.ok_or(NicknameProblem::Taken))
    }

    /// Reserves a nickname for an account, unless another one has it. First in memory: an account that gets it meanwhile has
    /// stored it before it gives its own reservation back.
    fn reserve_for(&self, owner: AccountId, nickname: Nickname) -> Result<Option<NicknameReservation>, JournalError> {
        let reserved = {
            let mut state = self.lock();
            let changes = state.changes;
            state.reserve(nickname.as_str(), owner).map(|prints| (prints, changes))
        };
        let Some((prints, changes)) = reserved else { return Ok(None) };
        let reserved = NicknameReservation { state: Arc::clone(&self.state), nickname, prints, changes };
        if let Some(index) = self.index()
            && index.look_alikes(reserved.nickname.as_str())?.iter().any(|account| *account != owner)
        {
            return Ok(None);
        }
        Ok(Some(reserved))
    }

    /// Adds an account that was registered at any node. Nothing changes if it is known, or if the store finds it.
    #[cfg(feature = "sqlite")]
    pub(crate) fn add_stored(&self, account: AccountRecord) {
        if !self.reads() {
            let mut state = self.lock();
            state.take(account.nickname.as_str(), account.id);
            state.enter(account);
        }
    }

    /// Adds an account that the journal has stored, unless it is known. Returns `None` if an operator has changed accounts
    /// meanwhile: then it is to be read from the store.
    pub(crate) fn register(
        &self,
        reserved: NicknameReservation,
        id: AccountId,
        token: TokenHash,
    ) -> Option<AccountLogin> {
        let reads = self.reads();
        let mut state = self.lock();
        if !reads {
            state.take(reserved.nickname.as_str(), id);
        } else if state.changes != reserved.changes && !state.by_id.contains_key(&id) {
            return None;
        }
        let nickname = reserved.nickname.clone();
        let login = AccountLogin::of(&state.enter(AccountRecord { id, token, nickname, at: 0, revoked: false }));
        // The reservation locks the state when it is dropped.
        drop(state);
        Some(login)
    }

    /// Revokes accounts. Returns true if any in memory was not revoked before.
    pub(crate) fn revoke(&self, ids: &[AccountId]) -> bool {
        // Asked every second whether another process has revoked any.
        if ids.is_empty() {
            return false;
        }
        let state = self.change();
        let accounts = ids.iter().filter_map(|id| state.by_id.get(id));
        accounts.filter(|account| !account.set_revoked(true)).count() > 0
    }

    /// Makes the token of a revoked account valid again.
    pub(crate) fn restore(&self, id: AccountId) {
        if let Some(account) = self.change().alive(id) {
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
        let reads = self.reads();
        let mut state = self.change();
        if let (Some(account), Ok(nickname)) = (state.alive(id).cloned(), Nickname::new(to)) {
            if !reads {
                state.take(to, id);
            }
            account.rename(nickname);
        }
    }

    /// Keeps a former nickname of an account from being assigned to another one, if all accounts are in memory.
    pub(crate) fn keep_taken(&self, id: AccountId, nickname: &str) {
        if nickname != erased_name(id) && !self.reads() {
            self.lock().take(nickname, id);
        }
    }

    /// Gives an account another token, and closes its connections.
    pub(crate) fn set_token(&self, id: AccountId, token: TokenHash) {
        let mut state = self.change();
        if let Some(account) = state.alive(id).cloned() {
            state.remove_from_shelf(id);
            account.kick();
            state.add(token, account);
        }
    }

    /// Forgets all about an account but its number. Its names are free again.
    pub(crate) fn erase(&self, id: AccountId) {
        let mut state = self.change();
        state.remove_from_shelf(id);
        state.taken.retain(|_, owner| *owner != id);
        if let Some(account) = state.by_id.get(&id) {
            account.set_revoked(true);
            account.set_erased();
            account.rename(AccountRecord::erased(id).nickname);
        }
    }

    /// Returns the account with this nickname, with the number and the nickname itself. May read the store.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in).
    #[cfg_attr(not(all(feature = "bin", unix)), expect(dead_code, reason = "only the admin commands look for names"))]
    pub(crate) fn by_nickname(&self, nickname: &Nickname) -> Result<Option<AccountId>, JournalError> {
        let Some(index) = self.index() else {
            let is_it = |account: &&Arc<AccountEntry>| !account.is_erased() && account.author().nickname == *nickname;
            return Ok(self.lock().by_id.values().find(is_it).map(|account| account.id()));
        };
        for id in index.look_alikes(nickname.as_str())? {
            if index.by_id(id)?.is_some_and(|found| found.nickname == *nickname && !found.is_erased()) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Returns the number of accounts. May read the store.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in).
    #[cfg_attr(
        not(any(test, all(feature = "bin", unix))),
        expect(dead_code, reason = "only the admin commands count accounts")
    )]
    pub(crate) fn count(&self) -> Result<u64, JournalError> {
        match self.index() {
            Some(index) => index.count(),
            None => Ok(self.lock().by_shelf.values().map(TokenShelf::len).sum::<usize>() as u64),
        }
    }

    fn lock(&self) -> MutexGuard<'_, DirectoryState> {
        lock(&self.state)
    }

    /// Locks the state for a change that is in the store.
    fn change(&self) -> MutexGuard<'_, DirectoryState> {
        let mut state = self.lock();
        state.changes += 1;
        state
    }
}

impl std::fmt::Debug for AccountDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountDirectory").field("reads", &self.reads()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
