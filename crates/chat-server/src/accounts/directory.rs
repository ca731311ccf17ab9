//! All accounts in memory: tokens, nicknames, rate limits.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use chat_proto::display::skeletons;
use chat_proto::{Nickname, Token};

use super::adjectives::ADJECTIVES;
use super::nickname::usable;
use super::token_hash::TokenHash;
use crate::action::AccountId;
use crate::committer::AccountShare;
use crate::entry::{AccountRecord, Author};
use crate::limits::Rate;
use crate::rate::{Bucket, Overdrawn};

/// One account.
#[derive(Debug)]
pub(crate) struct AccountEntry {
    pub(crate) author: Arc<Author>,
    revoked: AtomicBool,
    /// How often its connections were closed by an operator.
    kicks: AtomicU64,
    posts: Mutex<Bucket>,
    /// Created with the first post, because most accounts of a large store never post again.
    share: OnceLock<Arc<AccountShare>>,
}

impl AccountEntry {
    fn new(id: AccountId, nickname: Nickname, revoked: bool) -> Arc<Self> {
        let author = Arc::new(Author { id, nickname });
        let (revoked, kicks) = (AtomicBool::new(revoked), AtomicU64::new(0));
        Arc::new(Self { author, revoked, kicks, posts: Mutex::default(), share: OnceLock::new() })
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }

    /// Returns how often an operator has closed its connections.
    pub(crate) fn kicks(&self) -> u64 {
        self.kicks.load(Ordering::Relaxed)
    }

    /// Returns the account's share of the journal queue.
    pub(crate) fn share(&self) -> &Arc<AccountShare> {
        self.share.get_or_init(Arc::default)
    }

    /// Takes one post from the rate.
    ///
    /// # Errors
    /// The time until the rate permits a post.
    pub(crate) fn take_post(&self, rate: Rate, now: Instant) -> Result<(), Duration> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).take(rate, now)
    }

    /// Takes one post even if the rate does not permit it. Returns for how long the connection must pause.
    ///
    /// # Errors
    /// Too many posts are taken in advance already.
    pub(crate) fn overdraw_post(&self, rate: Rate, now: Instant) -> Result<Option<Duration>, Overdrawn> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).overdraw(rate, now)
    }
}

/// All accounts of a server.
#[derive(Debug)]
pub(crate) struct AccountDirectory {
    state: Mutex<DirectoryState>,
    nickname_chars: usize,
}

#[derive(Debug)]
struct DirectoryState {
    /// Candidates by a part of the token's hash. The hash itself is compared in constant time.
    by_shelf: HashMap<u64, Vec<(TokenHash, Arc<AccountEntry>)>>,
    by_id: HashMap<AccountId, Arc<AccountEntry>>,
    /// Skeletons of all nicknames, including those being registered.
    taken: HashSet<String>,
    random: fastrand::Rng,
    /// The first round with free names, by skeleton, for names of which every adjective is taken.
    rounds: HashMap<String, u64>,
}

/// A free nickname, reserved for one registration. If it is dropped without [`AccountDirectory::register`], the name is
/// free again.
#[derive(Debug)]
pub(crate) struct NicknameReservation<'a> {
    accounts: &'a AccountDirectory,
    nickname: Nickname,
    skeletons: [String; 2],
    kept: bool,
}

impl NicknameReservation<'_> {
    pub(crate) fn nickname(&self) -> &Nickname {
        &self.nickname
    }
}

impl Drop for NicknameReservation<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let mut state = self.accounts.lock();
            for skeleton in &self.skeletons {
                state.taken.remove(skeleton);
            }
        }
    }
}

impl AccountDirectory {
    /// Creates the directory from the accounts of the journal. Requested nicknames are cut to `nickname_chars`
    /// characters, without their adjective.
    pub(crate) fn new(stored: Vec<AccountRecord>, nickname_chars: usize, random: fastrand::Rng) -> Self {
        let mut state = DirectoryState {
            by_shelf: HashMap::new(),
            by_id: HashMap::new(),
            taken: HashSet::new(),
            rounds: HashMap::new(),
            random,
        };
        for account in stored {
            state.taken.extend(skeletons(account.nickname.as_str()));
            state.add(account.token, AccountEntry::new(account.id, account.nickname, account.revoked));
        }
        Self { state: Mutex::new(state), nickname_chars }
    }

    /// Returns the account of a token, unless it is unknown or revoked.
    pub(crate) fn log_in(&self, token: &Token) -> Option<Arc<AccountEntry>> {
        let hash = TokenHash::of(token);
        let state = self.lock();
        let shelf = state.by_shelf.get(&hash.shelf())?;
        let (_, account) = shelf.iter().find(|(stored, _)| stored.matches(&hash))?;
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
                let skeletons = skeletons(&whole);
                // One common skeleton is enough for a reader to mistake the names.
                if skeletons.iter().any(|skeleton| state.taken.contains(skeleton)) {
                    continue;
                }
                if round > 1 {
                    // The earlier rounds are full, so the next request for this name skips them.
                    state.rounds.extend(alike.map(|skeleton| (skeleton, round)));
                }
                let nickname = Nickname::new(&whole).ok()?;
                state.taken.extend(skeletons.iter().cloned());
                return Some(NicknameReservation { accounts: self, nickname, skeletons, kept: false });
            }
        }
        None
    }

    /// Adds an account that the journal has stored.
    pub(crate) fn register(
        &self,
        mut reserved: NicknameReservation<'_>,
        id: AccountId,
        token: TokenHash,
    ) -> Arc<AccountEntry> {
        reserved.kept = true;
        let account = AccountEntry::new(id, reserved.nickname.clone(), false);
        self.lock().add(token, Arc::clone(&account));
        account
    }

    /// Revokes accounts. Returns true if any of them was not revoked before.
    pub(crate) fn revoke(&self, ids: &[AccountId]) -> bool {
        let state = self.lock();
        let accounts = ids.iter().filter_map(|id| state.by_id.get(id));
        accounts.filter(|account| !account.revoked.swap(true, Ordering::Relaxed)).count() > 0
    }

    /// Makes the token of a revoked account valid again.
    pub(crate) fn restore(&self, id: AccountId) {
        if let Some(account) = self.lock().by_id.get(&id) {
            account.revoked.store(false, Ordering::Relaxed);
        }
    }

    /// Closes the connections of an account, once their sessions look at it.
    pub(crate) fn kick(&self, id: AccountId) {
        if let Some(account) = self.lock().by_id.get(&id) {
            account.kicks.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns the account with this nickname.
    #[cfg_attr(not(all(feature = "bin", unix)), expect(dead_code, reason = "only the admin commands look for names"))]
    pub(crate) fn by_nickname(&self, nickname: &Nickname) -> Option<Arc<AccountEntry>> {
        self.lock().by_id.values().find(|account| account.author.nickname == *nickname).cloned()
    }

    /// Returns the account with this number.
    #[cfg_attr(not(all(feature = "bin", unix)), expect(dead_code, reason = "only the admin commands list accounts"))]
    pub(crate) fn by_id(&self, id: AccountId) -> Option<Arc<AccountEntry>> {
        self.lock().by_id.get(&id).cloned()
    }

    /// Returns the number of accounts.
    #[cfg_attr(not(all(feature = "bin", unix)), expect(dead_code, reason = "only the admin commands count accounts"))]
    pub(crate) fn len(&self) -> usize {
        self.lock().by_id.len()
    }

    fn lock(&self) -> MutexGuard<'_, DirectoryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DirectoryState {
    fn add(&mut self, token: TokenHash, account: Arc<AccountEntry>) {
        self.by_id.insert(account.author.id, Arc::clone(&account));
        self.by_shelf.entry(token.shelf()).or_default().push((token, account));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> AccountDirectory {
        AccountDirectory::new(Vec::new(), 40, fastrand::Rng::with_seed(7))
    }

    fn register(accounts: &AccountDirectory, asked: &str, id: AccountId) -> (Token, Arc<AccountEntry>) {
        let token = Token::new(&format!("token-{id}")).unwrap();
        let account = accounts.register(accounts.reserve(asked).unwrap(), id, TokenHash::of(&token));
        (token, account)
    }

    #[test]
    fn token_is_valid_until_revoked() {
        let accounts = empty();
        let (token, account) = register(&accounts, "Bob", 1);
        assert!(account.author.nickname.as_str().ends_with(" Bob"));
        assert_eq!(accounts.log_in(&token).unwrap().author.id, 1);
        assert!(accounts.log_in(&Token::new("token-2").unwrap()).is_none());
        assert!(accounts.revoke(&[1, 99]) && !accounts.revoke(&[1]));
        assert!(accounts.log_in(&token).is_none() && account.is_revoked());
    }

    #[test]
    fn nicknames_stay_visibly_distinct() {
        let accounts = empty();
        let mut seen = HashSet::new();
        for id in 1..400 {
            let asked = if id % 2 == 0 { "Bob" } else { "Воb" };
            let (_, account) = register(&accounts, asked, id);
            let skeletons = HashSet::from(skeletons(account.author.nickname.as_str()));
            assert!(skeletons.into_iter().all(|skeleton| seen.insert(skeleton)), "{}", account.author.nickname);
        }
    }

    #[test]
    fn other_spellings_skip_full_rounds() {
        let accounts = empty();
        for id in 1..=3 * ADJECTIVES.len() as AccountId {
            register(&accounts, ["Bob", "BOB", "Воb", "bob"][id as usize % 4], id);
        }
        assert!(accounts.lock().rounds.values().all(|round| *round == 3));
    }

    #[test]
    fn abandoned_reservation_is_free_again() {
        let accounts = empty();
        for _ in 0..3 * ADJECTIVES.len() {
            let reserved = accounts.reserve("Bob").unwrap();
            assert!(!reserved.nickname().as_str().contains('2'));
        }
        assert!(accounts.lock().taken.is_empty());
    }

    #[test]
    fn same_seed_chooses_the_same_name() {
        assert_eq!(empty().reserve("x").unwrap().nickname(), empty().reserve("x").unwrap().nickname());
    }
}
