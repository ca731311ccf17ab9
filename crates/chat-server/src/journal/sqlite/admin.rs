//! The administrator's commands. They open the store beside a server that may be running on it.

use std::path::Path;

use chat_proto::Nickname;
use rusqlite::{Connection, params};

use super::{STORE, closed, row, schema, verify};
use crate::{entry::StoredAccount, error::JournalError, journal::CheckReport};

/// Every account of the store in `dir`, in the order of their creation.
///
/// # Errors
/// [`JournalError`] when there is no store or it cannot be read.
pub fn list_accounts(dir: &Path) -> Result<Vec<StoredAccount>, JournalError> {
    accounts(&open(dir)?)
}

/// Takes away an account's right to log in, and says whether there was one of that name. A server
/// that runs closes its sessions within a second or two. The nickname stays taken.
///
/// # Errors
/// [`JournalError`] when there is no store or it cannot be written.
pub fn revoke_account(dir: &Path, nickname: &Nickname) -> Result<bool, JournalError> {
    let connection = open(dir)?;
    let Some(account) = accounts(&connection)?.into_iter().find(|account| account.nickname == *nickname) else {
        return Ok(false);
    };
    let crc = row::account_crc(account.id, account.token.as_bytes(), account.nickname.as_str(), account.at, true);
    connection.execute("UPDATE account SET revoked = 1, crc = ?2 WHERE id = ?1", params![account.id, crc])?;
    Ok(true)
}

/// Checks the store in `dir` without changing it. When it is damaged, the next start is told to check it and so mends
/// it.
///
/// # Errors
/// [`JournalError`] when there is no store, or when it is so damaged that it cannot be opened.
pub fn check_store(dir: &Path) -> Result<CheckReport, JournalError> {
    let report = open(dir).and_then(|connection| verify::verify(&connection));
    let damaged = match &report {
        Ok(report) => !report.is_good(),
        Err(error) => schema::is_damage(error),
    };
    if damaged && let Err(error) = closed::distrust(dir) {
        tracing::warn!(%error, "could not note that the store is damaged");
    }
    report
}

pub(super) fn accounts(connection: &Connection) -> Result<Vec<StoredAccount>, JournalError> {
    let mut statement = connection.prepare(&format!("SELECT {} FROM account ORDER BY id", row::ACCOUNT))?;
    let mut rows = statement.query([])?;
    let mut accounts = Vec::new();
    while let Some(found) = rows.next()? {
        accounts.extend(row::account(found));
    }
    Ok(accounts)
}

fn open(dir: &Path) -> Result<Connection, JournalError> {
    let path = dir.join(STORE);
    if !path.exists() {
        return Err(JournalError::Missing { dir: dir.to_owned() });
    }
    schema::open_existing(&path)
}
