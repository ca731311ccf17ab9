//! Finds accounts by the index.

use std::collections::HashSet;

use rusqlite::Connection;

use super::table::prints;
use crate::accounts::TokenHash;
use crate::action::{AccountId, OperatorAction};
use crate::entry::AccountRecord;
use crate::error::JournalError;
use crate::journal::sqlite::error::StoreError;
use crate::journal::sqlite::{actions, cluster_tables, row};

/// Returns the account with this token, unless it is erased.
pub(in crate::journal::sqlite) fn by_token(
    connection: &Connection,
    token: &TokenHash,
) -> Result<Option<AccountRecord>, StoreError> {
    // A part of the hash finds candidates, so that the time of a look-up says no more than that part.
    let mut ends = [[0; 32], [0xff; 32]];
    for end in &mut ends {
        end[..8].copy_from_slice(&token.as_bytes()[..8]);
    }
    let sql = format!("SELECT {} FROM account INDEXED BY account_token WHERE token BETWEEN ?1 AND ?2", row::ACCOUNT);
    let mut candidates = connection.prepare_cached(&sql)?;
    let mut rows = candidates.query([&ends[0][..], &ends[1][..]])?;
    let mut account = None;
    while let Some(found) = rows.next()? {
        let found = row::account(found).ok_or(JournalError::Damaged)?;
        if found.token.matches(token) && !found.is_erased() {
            account = Some(found);
        }
    }
    Ok(account)
}

/// Returns the accounts that have or have had a nickname that looks like this one, in the order of their numbers.
pub(in crate::journal::sqlite) fn look_alikes(
    connection: &Connection,
    name: &str,
) -> Result<Vec<AccountId>, StoreError> {
    let mut find = connection.prepare_cached("SELECT account FROM name_look WHERE print = ?1")?;
    let mut owners = Vec::new();
    for print in prints(name) {
        let found = find.query_map([print], |row| row.get(0))?;
        owners.extend(found.collect::<Result<Vec<AccountId>, _>>()?);
    }
    owners.sort_unstable();
    owners.dedup();
    Ok(owners)
}

/// Returns the number of accounts that are not erased.
pub(in crate::journal::sqlite) fn count(connection: &Connection) -> Result<u64, StoreError> {
    let all: i64 = connection.query_row("SELECT count(*) FROM account", [], |row| row.get(0))?;
    let mut erased = HashSet::new();
    for record in actions::raw_actions(connection)?.into_iter().flatten() {
        if let OperatorAction::Erase { account } = record.draft.action
            && cluster_tables::account(connection, account)?.is_some_and(|found| found.is_erased())
        {
            erased.insert(account);
        }
    }
    Ok(u64::try_from(all).unwrap_or(0).saturating_sub(erased.len() as u64))
}
