//! One account while the server runs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chat_proto::Nickname;

use crate::action::AccountId;
use crate::committer::AccountShare;
use crate::entry::Author;
use crate::limits::Rate;
use crate::rate::{Bucket, Overdrawn};

/// One account.
#[derive(Debug)]
pub(crate) struct AccountEntry {
    id: AccountId,
    /// Replaced when an operator renames the account.
    author: RwLock<Arc<Author>>,
    revoked: AtomicBool,
    erased: AtomicBool,
    /// Where the directory has its token.
    shelf: AtomicU64,
    /// How often its connections were closed by an operator.
    kicks: AtomicU64,
    posts: Mutex<Bucket>,
    /// Created with the first post, because most accounts of a large store never post again.
    share: OnceLock<Arc<AccountShare>>,
}

/// An account to which a token belonged, with how often its connections had been closed at that moment: a token that is
/// replaced before its session begins must not outlive that.
#[derive(Debug, Clone)]
pub(crate) struct AccountLogin {
    pub(crate) account: Arc<AccountEntry>,
    pub(crate) kicks: u64,
}

impl AccountLogin {
    /// Notes that the token belongs to the account. The caller keeps it from being replaced meanwhile.
    pub(super) fn of(account: &Arc<AccountEntry>) -> Self {
        Self { account: Arc::clone(account), kicks: account.kicks() }
    }
}

impl AccountEntry {
    pub(super) fn new(id: AccountId, nickname: Nickname, revoked: bool) -> Arc<Self> {
        Arc::new(Self {
            id,
            author: RwLock::new(Arc::new(Author { id, nickname })),
            revoked: AtomicBool::new(revoked),
            erased: AtomicBool::new(false),
            shelf: AtomicU64::new(0),
            kicks: AtomicU64::new(0),
            posts: Mutex::default(),
            share: OnceLock::new(),
        })
    }

    /// Returns its number.
    pub(crate) fn id(&self) -> AccountId {
        self.id
    }

    /// Returns its number and its current nickname. The lock is held only while a pointer is copied.
    pub(crate) fn author(&self) -> Arc<Author> {
        Arc::clone(&self.author.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the nickname. Later posts have the new one.
    pub(super) fn rename(&self, nickname: Nickname) {
        *self.author.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Author { id: self.id, nickname });
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }

    /// Changes whether it is revoked. Returns the state before.
    pub(super) fn set_revoked(&self, revoked: bool) -> bool {
        self.revoked.swap(revoked, Ordering::Relaxed)
    }

    /// Returns whether its record is erased.
    pub(super) fn is_erased(&self) -> bool {
        self.erased.load(Ordering::Relaxed)
    }

    pub(super) fn set_erased(&self) {
        self.erased.store(true, Ordering::Relaxed);
    }

    /// Returns where the directory has its token.
    pub(super) fn shelf(&self) -> u64 {
        self.shelf.load(Ordering::Relaxed)
    }

    pub(super) fn set_shelf(&self, shelf: u64) {
        self.shelf.store(shelf, Ordering::Relaxed);
    }

    /// Returns how often an operator has closed its connections.
    pub(crate) fn kicks(&self) -> u64 {
        self.kicks.load(Ordering::Relaxed)
    }

    /// Counts that an operator closes its connections.
    pub(super) fn kick(&self) {
        self.kicks.fetch_add(1, Ordering::Relaxed);
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
