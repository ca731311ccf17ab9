//! The accounts whose tokens have the same part of their hash.

use std::sync::Arc;

use super::account_entry::AccountEntry;
use super::token_hash::TokenHash;
use crate::action::AccountId;

/// The accounts whose tokens have the same part of their hash: almost always one, so that a million accounts have no list
/// each.
#[derive(Debug)]
pub(super) enum TokenShelf {
    One(TokenHash, Arc<AccountEntry>),
    More(Vec<(TokenHash, Arc<AccountEntry>)>),
}

impl TokenShelf {
    /// Returns the account with this token.
    pub(super) fn find(&self, hash: &TokenHash) -> Option<&Arc<AccountEntry>> {
        match self {
            Self::One(stored, account) => stored.matches(hash).then_some(account),
            Self::More(all) => all.iter().find(|(stored, _)| stored.matches(hash)).map(|(_, account)| account),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(..) => 1,
            Self::More(all) => all.len(),
        }
    }

    pub(super) fn push(&mut self, token: TokenHash, account: Arc<AccountEntry>) {
        match self {
            Self::One(stored, first) => {
                *self = Self::More(vec![(*stored, Arc::clone(first)), (token, account)]);
            }
            Self::More(all) => all.push((token, account)),
        }
    }

    /// Removes an account. Returns whether others are left.
    pub(super) fn keep_all_but(&mut self, id: AccountId) -> bool {
        match self {
            Self::One(_, account) => account.id() != id,
            Self::More(all) => {
                all.retain(|(_, account)| account.id() != id);
                !all.is_empty()
            }
        }
    }
}
