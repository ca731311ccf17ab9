//! Compares the index with the accounts and actions of the store, without changing it.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::table::{IndexState, has_index, prints, state};
use crate::action::{AccountId, OperatorAction};
use crate::entry::AccountRecord;
use crate::journal::sqlite::error::StoreError;
use crate::journal::sqlite::{actions, row};

/// What the index must contain: the number of its entries and the sum of their checksums, in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct IndexDigest {
    count: u64,
    sum: u64,
}

impl IndexDigest {
    fn add(&mut self, checksum: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(checksum);
    }
}

/// A comparison, to which all accounts are shown.
pub(in crate::journal::sqlite) struct IndexCheck {
    has_tokens: bool,
    state: IndexState,
    /// The names of accounts that were renamed.
    names: HashMap<AccountId, Vec<String>>,
    /// Accounts that an earlier program has changed, so that their rows are not up to date yet.
    unsettled: HashSet<AccountId>,
    tokens: IndexDigest,
    looks: IndexDigest,
}

impl IndexCheck {
    /// Begins the comparison. A store that no later program has opened for writing has nothing to compare.
    pub(in crate::journal::sqlite) fn new(connection: &Connection) -> Result<Self, StoreError> {
        let mut this = Self {
            has_tokens: has_index(connection)?,
            state: state(connection)?,
            names: HashMap::new(),
            unsettled: HashSet::new(),
            tokens: IndexDigest::default(),
            looks: IndexDigest::default(),
        };
        let IndexState::Known(indexed) = this.state else { return Ok(this) };
        for record in actions::raw_actions(connection)?.into_iter().flatten() {
            let late = i64::try_from(record.number).unwrap_or(i64::MAX) > indexed.action;
            match record.draft.action {
                OperatorAction::Rename { account, .. } | OperatorAction::Erase { account } if late => {
                    this.unsettled.insert(account);
                }
                OperatorAction::Rename { account, nickname, to } => {
                    this.names.entry(account).or_default().extend([nickname, to]);
                }
                _ => {}
            }
        }
        Ok(this)
    }

    /// Shows an account that is intact.
    pub(in crate::journal::sqlite) fn add(&mut self, account: &AccountRecord) {
        self.tokens.add(row::token_crc(account.token.as_bytes(), account.id));
        if account.is_erased() || !self.is_settled(account.id) {
            return;
        }
        let former = self.names.get(&account.id).into_iter().flatten();
        let names = std::iter::once(account.nickname.as_str()).chain(former.map(String::as_str));
        // Former names often look like the present one.
        let all: HashSet<i64> = names.flat_map(prints).collect();
        all.into_iter().for_each(|print| self.looks.add(row::look_crc(print, account.id)));
    }

    /// Returns whether the index has exactly what it must, in its order.
    pub(in crate::journal::sqlite) fn is_sound(&self, connection: &Connection) -> Result<bool, StoreError> {
        Ok(self.state != IndexState::Damaged
            && self.are_tokens_sound(connection)?
            && self.are_looks_sound(connection)?)
    }

    fn are_tokens_sound(&self, connection: &Connection) -> Result<bool, StoreError> {
        if !self.has_tokens {
            return Ok(true);
        }
        let sql = "SELECT token, id FROM account INDEXED BY account_token ORDER BY token, id";
        let mut entries = connection.prepare(sql)?;
        let mut rows = entries.query([])?;
        let (mut found, mut last) = (IndexDigest::default(), (Vec::new(), AccountId::MIN));
        while let Some(entry) = rows.next()? {
            let (token, id) = (entry.get_ref(0)?, entry.get(1)?);
            let Ok(token) = token.as_blob() else { return Ok(false) };
            if (token, id) <= (&last.0[..], last.1) {
                return Ok(false);
            }
            found.add(row::token_crc(token, id));
            last.0.clear();
            last.0.extend_from_slice(token);
            last.1 = id;
        }
        Ok(found == self.tokens)
    }

    fn are_looks_sound(&self, connection: &Connection) -> Result<bool, StoreError> {
        if !matches!(self.state, IndexState::Known(_)) {
            return Ok(true);
        }
        let mut entries = connection.prepare("SELECT print, account FROM name_look ORDER BY print, account")?;
        let mut rows = entries.query([])?;
        let (mut found, mut last) = (IndexDigest::default(), None);
        while let Some(entry) = rows.next()? {
            let (print, account): (i64, AccountId) = (entry.get(0)?, entry.get(1)?);
            if last >= Some((print, account)) {
                return Ok(false);
            }
            last = Some((print, account));
            if self.is_settled(account) {
                found.add(row::look_crc(print, account));
            }
        }
        Ok(found == self.looks)
    }

    /// Returns whether the rows of an account are up to date, by what the store says.
    fn is_settled(&self, account: AccountId) -> bool {
        matches!(self.state, IndexState::Known(indexed) if account <= indexed.account)
            && !self.unsettled.contains(&account)
    }
}
