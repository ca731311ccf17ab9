//! The administrator's commands. They open the store while a server may be running on it.

use std::fs::File;
use std::io;
use std::path::Path;

use chat_proto::{Nickname, Seq};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::error::StoreError;
use super::verify::CheckReport;
use super::{clean_shutdown, effect, head_marker, row, schema, verify};
use crate::action::{AccountId, ActionDraft, OperatorAction};
use crate::entry::AccountRecord;
use crate::error::JournalError;
use crate::journal::clock::now_ms;
use crate::journal::data_dir::STORE;

/// Returns all accounts of the store in `dir`, in the order of their creation.
///
/// # Errors
/// [`JournalError`] if there is no store or it cannot be read.
pub fn list_accounts(dir: &Path) -> Result<Vec<AccountRecord>, JournalError> {
    Ok(accounts(&open(dir)?)?)
}

/// Revokes an account's right to log in, and returns whether an account of that name exists. A running server closes
/// its sessions within a second or two. The nickname stays taken. `actor` is stored with the action.
///
/// # Errors
/// [`JournalError`] if there is no store or it cannot be written.
pub fn revoke_account(dir: &Path, nickname: &Nickname, actor: &Nickname) -> Result<bool, JournalError> {
    revoke(dir, actor, |account| account.nickname == *nickname)
}

/// Does the same for the account with this number: a store of an earlier version can have names that look alike.
///
/// # Errors
/// As [`revoke_account`].
pub fn revoke_account_by_id(dir: &Path, id: AccountId, actor: &Nickname) -> Result<bool, JournalError> {
    revoke(dir, actor, |account| account.id == id)
}

fn revoke(dir: &Path, actor: &Nickname, is_meant: impl Fn(&AccountRecord) -> bool) -> Result<bool, JournalError> {
    Ok(store_revocation(&mut open(dir)?, actor, is_meant)?)
}

fn store_revocation(
    connection: &mut Connection,
    actor: &Nickname,
    is_meant: impl Fn(&AccountRecord) -> bool,
) -> Result<bool, StoreError> {
    if schema::is_of_cluster(connection)? {
        return Err(JournalError::OfCluster.into());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(account) = accounts(&transaction)?.into_iter().find(is_meant) else { return Ok(false) };
    schema::create_actions(&transaction)?;
    let newest = "SELECT seq, at FROM message ORDER BY seq DESC LIMIT 1";
    let newest = transaction.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (head, last_at): (i64, i64) = newest.unwrap_or_default();
    let action = OperatorAction::Revoke { account: account.id, nickname: account.nickname.as_str().to_owned() };
    let draft = ActionDraft { actor: actor.clone(), reason: None, action };
    effect::store(&transaction, &draft, now_ms().max(last_at), Seq::try_from(head).unwrap_or(0))?;
    transaction.commit()?;
    Ok(true)
}

/// Checks the store in `dir` without changing it. If it is damaged, the next start is made to check and so repair it.
///
/// # Errors
/// [`JournalError`] if there is no store, or if it is so damaged that it cannot be opened.
pub fn check_store(dir: &Path) -> Result<CheckReport, JournalError> {
    // Read first, because a running server writes the marker after the store has the messages.
    let noted = head_marker::peek(&dir.join("mark"));
    let report = open(dir).and_then(|connection| verify::verify(&connection));
    let damaged = match &report {
        Ok(report) => !report.is_good(),
        Err(error) => error.is_damage(),
    };
    if damaged && let Err(error) = clean_shutdown::distrust(dir) {
        tracing::warn!(%error, "could not note that the store is damaged");
    }
    let mut report = report?;
    report.lost_end = noted.map(|(_, stored)| stored).filter(|stored| *stored > report.head);
    Ok(report)
}

pub(super) fn accounts(connection: &Connection) -> Result<Vec<AccountRecord>, StoreError> {
    let mut statement = connection.prepare(&format!("SELECT {} FROM account ORDER BY id", row::ACCOUNT))?;
    let mut rows = statement.query([])?;
    let mut accounts = Vec::new();
    while let Some(found) = rows.next()? {
        accounts.extend(row::account(found));
    }
    Ok(accounts)
}

pub(super) fn revoked_accounts(connection: &Connection) -> Result<Vec<AccountId>, StoreError> {
    let mut revoked = connection.prepare("SELECT id FROM account WHERE revoked <> 0")?;
    Ok(revoked.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// Opens the store in `dir`, on which a server may be running.
pub(super) fn open(dir: &Path) -> Result<Connection, StoreError> {
    let path = dir.join(STORE);
    match path.symlink_metadata() {
        // As the server does: a store that the server would refuse must not be shown.
        Ok(found) if found.is_symlink() => return Err(JournalError::Link { path }.into()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(JournalError::Missing { dir: dir.to_owned() }.into());
        }
        Err(error) => return Err(JournalError::file(&path, error).into()),
    }
    // SQLite only reports that it could not open the file.
    File::open(&path).map_err(|error| JournalError::file(&path, error))?;
    schema::open_existing(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    // On Windows a path below a file is one that does not exist.
    #[cfg(unix)]
    #[test]
    fn distinguishes_missing_and_unreadable() {
        let temp = tempfile::tempdir().unwrap();
        assert!(matches!(list_accounts(temp.path()), Err(JournalError::Missing { .. })));
        assert!(matches!(check_store(&temp.path().join("nowhere")), Err(JournalError::Missing { .. })));
        std::fs::write(temp.path().join("file"), "").unwrap();
        // As without permission: the path cannot be examined.
        let error = check_store(&temp.path().join("file")).unwrap_err();
        assert!(error.to_string().starts_with("could not use "), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn refuses_a_store_that_is_a_link() {
        let temp = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("elsewhere", temp.path().join(STORE)).unwrap();
        assert!(matches!(list_accounts(temp.path()), Err(JournalError::Link { .. })));
    }
}
