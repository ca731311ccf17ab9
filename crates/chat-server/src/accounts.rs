//! Who may log in: a projection of the journal's accounts, in memory. It chooses nicknames and never
//! holds a token.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chat_proto::{Nickname, Token};

use crate::adjectives::ADJECTIVES;
use crate::entry::{AccountId, Author, StoredAccount};
use crate::limits::Rate;
use crate::nickname::{Unusable, clean, looks};
use crate::rate::{Bucket, Overdrawn};
use crate::token_hash::TokenHash;

/// An account that somebody is, or may be, logged in to.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) author: Arc<Author>,
    revoked: AtomicBool,
    posts: Mutex<Bucket>,
}

impl Member {
    fn new(id: AccountId, nickname: Nickname, revoked: bool) -> Arc<Self> {
        let author = Arc::new(Author { id, nickname });
        Arc::new(Self { author, revoked: AtomicBool::new(revoked), posts: Mutex::default() })
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }

    /// Takes room for one post, or says when there is some.
    pub(crate) fn take_post(&self, rate: Rate, now: Instant) -> Result<(), Duration> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).take(rate, now)
    }

    /// Takes room for one post even if there is none, and says how long to read nothing more.
    ///
    /// # Errors
    /// Too much room was taken in advance already.
    pub(crate) fn overdraw_post(&self, rate: Rate, now: Instant) -> Result<Option<Duration>, Overdrawn> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).overdraw(rate, now)
    }
}

/// All accounts.
#[derive(Debug)]
pub(crate) struct Accounts {
    state: Mutex<State>,
    nickname_chars: usize,
}

#[derive(Debug)]
struct State {
    /// By a part of the token's hash; which of them it is, if any, is compared in constant time.
    by_shelf: HashMap<u64, Vec<(TokenHash, Arc<Member>)>>,
    by_id: HashMap<AccountId, Arc<Member>>,
    /// What every nickname looks like, those being registered included.
    taken: HashSet<String>,
    random: fastrand::Rng,
    /// From which round on names are free, by what they look like, for those of which every adjective is taken.
    rounds: HashMap<String, u64>,
}

/// A nickname that is nobody else's while this lives. Dropped without
/// [`Accounts::register`] it is free again.
#[derive(Debug)]
pub(crate) struct Reserved<'a> {
    accounts: &'a Accounts,
    nickname: Nickname,
    looks: String,
    kept: bool,
}

impl Reserved<'_> {
    pub(crate) fn nickname(&self) -> &Nickname {
        &self.nickname
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.accounts.lock().taken.remove(&self.looks);
        }
    }
}

impl Accounts {
    /// The accounts of a journal. Nicknames are chosen with `random`.
    pub(crate) fn new(stored: Vec<StoredAccount>, nickname_chars: usize, random: fastrand::Rng) -> Self {
        let mut state = State {
            by_shelf: HashMap::new(),
            by_id: HashMap::new(),
            taken: HashSet::new(),
            rounds: HashMap::new(),
            random,
        };
        for account in stored {
            state.taken.insert(looks(account.nickname.as_str()));
            state.add(account.token, Member::new(account.id, account.nickname, account.revoked));
        }
        Self { state: Mutex::new(state), nickname_chars }
    }

    /// The account of a token, unless it was revoked.
    pub(crate) fn log_in(&self, token: &Token) -> Option<Arc<Member>> {
        let hash = TokenHash::of(token);
        let state = self.lock();
        let shelf = state.by_shelf.get(&hash.shelf())?;
        let (_, member) = shelf.iter().find(|(stored, _)| stored.matches(&hash))?;
        (!member.is_revoked()).then(|| Arc::clone(member))
    }

    /// Chooses a free nickname for what was asked for: an adjective, then the name.
    pub(crate) fn reserve(&self, asked: &str) -> Result<Reserved<'_>, Unusable> {
        let name = clean(asked, self.nickname_chars)?;
        let mut state = self.lock();
        let first = state.random.usize(..ADJECTIVES.len());
        // Every adjective has its turn; when all are taken, every adjective with a number.
        let alike = looks(&name);
        let start = state.rounds.get(&alike).copied().unwrap_or(1);
        for round in start.. {
            for turn in 0..ADJECTIVES.len() {
                let Some(adjective) = ADJECTIVES.get((first + turn) % ADJECTIVES.len()) else { continue };
                let whole =
                    if round == 1 { format!("{adjective} {name}") } else { format!("{adjective}{round} {name}") };
                let looks = looks(&whole);
                if !state.taken.contains(&looks) {
                    if round > 1 {
                        // The earlier rounds are full: the next one of this name need not try them.
                        state.rounds.insert(alike, round);
                    }
                    let nickname = Nickname::new(&whole).map_err(|_| Unusable::Invisible)?;
                    state.taken.insert(looks.clone());
                    return Ok(Reserved { accounts: self, nickname, looks, kept: false });
                }
            }
        }
        Err(Unusable::Reserved)
    }

    /// Takes in an account that the journal has stored.
    pub(crate) fn register(&self, mut reserved: Reserved<'_>, id: AccountId, token: TokenHash) -> Arc<Member> {
        reserved.kept = true;
        let member = Member::new(id, reserved.nickname.clone(), false);
        self.lock().add(token, Arc::clone(&member));
        member
    }

    /// Marks accounts as revoked, and says whether any was not yet.
    pub(crate) fn revoke(&self, ids: &[AccountId]) -> bool {
        let state = self.lock();
        let members = ids.iter().filter_map(|id| state.by_id.get(id));
        members.filter(|member| !member.revoked.swap(true, Ordering::Relaxed)).count() > 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, token: TokenHash, member: Arc<Member>) {
        self.by_id.insert(member.author.id, Arc::clone(&member));
        self.by_shelf.entry(token.shelf()).or_default().push((token, member));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Accounts {
        Accounts::new(Vec::new(), 40, fastrand::Rng::with_seed(7))
    }

    fn register(accounts: &Accounts, asked: &str, id: AccountId) -> (Token, Arc<Member>) {
        let token = Token::new(&format!("token-{id}")).unwrap();
        let member = accounts.register(accounts.reserve(asked).unwrap(), id, TokenHash::of(&token));
        (token, member)
    }

    #[test]
    fn a_token_finds_its_account_until_that_is_revoked() {
        let accounts = empty();
        let (token, member) = register(&accounts, "Bob", 1);
        assert!(member.author.nickname.as_str().ends_with(" Bob"));
        assert_eq!(accounts.log_in(&token).unwrap().author.id, 1);
        assert!(accounts.log_in(&Token::new("token-2").unwrap()).is_none());
        assert!(accounts.revoke(&[1, 99]) && !accounts.revoke(&[1]));
        assert!(accounts.log_in(&token).is_none() && member.is_revoked());
    }

    #[test]
    fn nicknames_are_unique_to_the_eye_far_beyond_the_adjectives() {
        let accounts = empty();
        let mut seen = HashSet::new();
        for id in 1..400 {
            let asked = if id % 2 == 0 { "Bob" } else { "Воb" };
            let (_, member) = register(&accounts, asked, id);
            assert!(seen.insert(looks(member.author.nickname.as_str())), "{}", member.author.nickname);
        }
    }

    #[test]
    fn another_spelling_of_a_crowded_name_does_not_search_from_the_beginning() {
        let accounts = empty();
        for id in 1..=3 * ADJECTIVES.len() as AccountId {
            register(&accounts, ["Bob", "BOB", "Воb", "bob"][id as usize % 4], id);
        }
        assert_eq!(accounts.lock().rounds.values().collect::<Vec<_>>(), [&3]);
    }

    #[test]
    fn an_abandoned_reservation_is_free_again() {
        let accounts = empty();
        for _ in 0..3 * ADJECTIVES.len() {
            let reserved = accounts.reserve("Bob").unwrap();
            assert!(!reserved.nickname().as_str().contains('2'));
        }
        assert!(accounts.lock().taken.is_empty());
    }

    #[test]
    fn the_same_seed_chooses_the_same_name() {
        assert_eq!(empty().reserve("x").unwrap().nickname(), empty().reserve("x").unwrap().nickname());
    }
}
