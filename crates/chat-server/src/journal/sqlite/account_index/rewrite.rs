//! Erases what SQLite leaves of removed rows between the rows of a page.
//!
//! Where rows have random keys, a page that gets full is split, and copies of the rows that go to another page stay in its
//! free space. SQLite overwrites a row that is deleted, but not such a copy of it. It overwrites whole pages that it frees.

use rusqlite::{Connection, params};

use crate::action::AccountId;
use crate::journal::sqlite::error::StoreError;
use crate::journal::sqlite::schema;

/// Writes all that finds accounts again, so that its pages contain nothing else. All of it is read into memory: erasures are
/// rare, and look at all messages too. `has_tokens` says whether there is an index of tokens.
pub(super) fn rewrite(transaction: &Connection, has_tokens: bool) -> Result<(), StoreError> {
    let mut find = transaction.prepare("SELECT print, account FROM name_look ORDER BY print, account")?;
    let rows = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows = rows.collect::<Result<Vec<(i64, AccountId)>, _>>()?;
    transaction.execute("DELETE FROM name_look", [])?;
    let mut insert = transaction.prepare("INSERT INTO name_look(print, account) VALUES (?1, ?2)")?;
    for (print, account) in rows {
        insert.execute([print, account])?;
    }
    if has_tokens {
        transaction.execute_batch("REINDEX account_token")?;
    }
    if schema::is_of_cluster(transaction)? { rewrite_looks(transaction) } else { Ok(()) }
}

fn rewrite_looks(transaction: &Connection) -> Result<(), StoreError> {
    let mut find = transaction.prepare("SELECT form, account, crc FROM looks ORDER BY form")?;
    let rows = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let rows = rows.collect::<Result<Vec<(String, AccountId, i64)>, _>>()?;
    transaction.execute("DELETE FROM looks", [])?;
    let mut insert = transaction.prepare("INSERT INTO looks(form, account, crc) VALUES (?1, ?2, ?3)")?;
    for (form, account, crc) in rows {
        insert.execute(params![form, account, crc])?;
    }
    Ok(())
}
