//! The tables of the index, and how they follow the accounts and actions of the store.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use super::rewrite::rewrite;
use crate::action::{AccountId, ActionRecord, OperatorAction};
use crate::error::JournalError;
use crate::journal::sqlite::error::StoreError;
use crate::journal::sqlite::{cluster_tables, row};
use crate::replication::Looks;

/// `name_look` has a row for each form of each present and former nickname of an account that is not erased: a part of its
/// hash, because the table is for comparison only. `name_look_state` has one row.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS name_look(
        print INTEGER NOT NULL, account INTEGER NOT NULL, PRIMARY KEY(print, account)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS name_look_state(
        n INTEGER PRIMARY KEY, rule INTEGER NOT NULL, account INTEGER NOT NULL, action INTEGER NOT NULL,
        crc INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS account_token ON account(token);
";

/// The rule by which names look alike. A store that was indexed by another one is indexed again, so it grows with every
/// change of [`chat_proto::display::skeletons`].
const RULE: i64 = 1;

/// How often a registration notes up to where the table is complete. A start looks at no more accounts than this.
const NOTED_EVERY: AccountId = 64;

/// The accounts whose forms are sorted before they are inserted: sorted rows fill whole pages.
const SORTED_AT_ONCE: usize = 100_000;

/// Up to which account and action the table is complete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Indexed {
    pub(super) account: AccountId,
    pub(super) action: i64,
}

/// What the store says about the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IndexState {
    /// It is there, by the rule of this program.
    Known(Indexed),
    /// There is none, or it is by the rule of another program.
    Unknown,
    /// The row is damaged.
    Damaged,
}

/// Creates the index in a store that has none, and adds what earlier programs have left out.
///
/// # Errors
/// [`StoreError`], also for damage of an account or an action. Then nothing has changed.
pub(in crate::journal::sqlite) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    let known = match (has_index(connection)?, state(connection)?) {
        (true, IndexState::Known(indexed)) => Some(indexed),
        _ => None,
    };
    let last = connection.query_row(
        "SELECT (SELECT coalesce(max(id), 0) FROM account), (SELECT coalesce(max(n), 0) FROM action)",
        [],
        |row| Ok(Indexed { account: row.get(0)?, action: row.get(1)? }),
    )?;
    if known == Some(last) {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if known.is_none() {
        if last.account > 0 {
            tracing::info!(accounts = last.account, "indexing the accounts of the store, which happens once");
        }
        transaction.execute_batch(TABLES)?;
        transaction.execute("DELETE FROM name_look", [])?;
    }
    let from = known.unwrap_or_default();
    let added = add_accounts(&transaction, from.account)?;
    let (changed, erases) = add_actions(&transaction, from.action)?;
    if erases && known.is_some() {
        // By an earlier program, which leaves copies of rows. A new index has none.
        rewrite(&transaction, true)?;
    }
    // Most starts find that all is there, and must not need space for a note of it.
    let is_near = known.is_some_and(|known| last.account < known.account + NOTED_EVERY);
    if added + changed > 0 || erases || !is_near {
        write_state(&transaction, last)?;
        transaction.commit()?;
    }
    Ok(())
}

pub(super) fn has_index(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS(SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = 'account_token')";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

pub(super) fn state(connection: &Connection) -> Result<IndexState, StoreError> {
    let sql = "SELECT EXISTS(SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'name_look_state')";
    if !connection.query_row(sql, [], |row| row.get::<_, bool>(0))? {
        return Ok(IndexState::Unknown);
    }
    let mut find = connection.prepare_cached("SELECT rule, account, action, crc FROM name_look_state WHERE n = 1")?;
    let found = find.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).optional()?;
    let Some((rule, account, action, crc)): Option<(i64, AccountId, i64, i64)> = found else {
        return Ok(IndexState::Unknown);
    };
    Ok(if row::look_state_crc(rule, account, action) != crc {
        IndexState::Damaged
    } else if rule == RULE {
        IndexState::Known(Indexed { account, action })
    } else {
        IndexState::Unknown
    })
}

fn write_state(transaction: &Connection, indexed: Indexed) -> Result<(), StoreError> {
    let Indexed { account, action } = indexed;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO name_look_state(n, rule, account, action, crc) VALUES (1, ?1, ?2, ?3, ?4)",
        )?
        .execute(params![RULE, account, action, row::look_state_crc(RULE, account, action)])?;
    Ok(())
}

/// Adds the accounts after one. Returns how many rows were new.
fn add_accounts(transaction: &Transaction<'_>, after: AccountId) -> Result<usize, StoreError> {
    let sql = format!("SELECT {} FROM account NOT INDEXED WHERE id > ?1 ORDER BY id", row::ACCOUNT);
    let mut accounts = transaction.prepare(&sql)?;
    let mut rows = accounts.query([after])?;
    let (mut forms, mut of, mut added) = (Vec::new(), 0, 0);
    while let Some(found) = rows.next()? {
        let account = row::account(found).ok_or(JournalError::Damaged)?;
        if !account.is_erased() {
            forms.extend(prints(account.nickname.as_str()).map(|print| (print, account.id)));
        }
        of += 1;
        if of == SORTED_AT_ONCE {
            added += insert_sorted(transaction, &mut forms)?;
            of = 0;
        }
    }
    Ok(added + insert_sorted(transaction, &mut forms)?)
}

fn insert_sorted(transaction: &Connection, forms: &mut Vec<(i64, AccountId)>) -> Result<usize, StoreError> {
    forms.sort_unstable();
    forms.drain(..).map(|(print, account)| insert(transaction, print, account)).sum()
}

fn insert(transaction: &Connection, print: i64, account: AccountId) -> Result<usize, StoreError> {
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO name_look(print, account) VALUES (?1, ?2)")?;
    Ok(insert.execute([print, account])?)
}

/// Adds the actions after one. Returns how many rows have changed, and whether an account was erased.
fn add_actions(transaction: &Transaction<'_>, after: i64) -> Result<(usize, bool), StoreError> {
    let mut actions = transaction.prepare(&format!("SELECT {} FROM action WHERE n > ?1 ORDER BY n", row::ACTION))?;
    let mut rows = actions.query([after])?;
    let (mut changed, mut erases) = (0, false);
    while let Some(found) = rows.next()? {
        let ActionRecord { draft, .. } = row::action(found).ok_or(JournalError::Damaged)?;
        changed += apply(transaction, &draft.action)?;
        erases |= matches!(draft.action, OperatorAction::Erase { .. });
    }
    Ok((changed, erases))
}

/// Notes what a stored action means for the table. Returns how many rows have changed. By the account as it is, so that the
/// result is the same whether actions are noted one by one or later: an erasure may be known before a rename.
fn apply(transaction: &Connection, action: &OperatorAction) -> Result<usize, StoreError> {
    let (OperatorAction::Rename { account, .. } | OperatorAction::Erase { account }) = action else { return Ok(0) };
    let is_alive = cluster_tables::account(transaction, *account)?.is_some_and(|found| !found.is_erased());
    match action {
        OperatorAction::Rename { nickname, to, .. } if is_alive => {
            Ok(take(transaction, *account, nickname)? + take(transaction, *account, to)?)
        }
        // Rare, so it needs no index.
        OperatorAction::Erase { .. } if !is_alive => {
            Ok(transaction.execute("DELETE FROM name_look WHERE account = ?1", [account])?)
        }
        _ => Ok(0),
    }
}

/// Notes that an account has a nickname. Returns how many rows were new.
fn take(transaction: &Connection, account: AccountId, nickname: &str) -> Result<usize, StoreError> {
    prints(nickname).map(|print| insert(transaction, print, account)).sum()
}

/// Adds an account in the transaction that stores it.
pub(in crate::journal::sqlite) fn add_account(
    transaction: &Connection,
    id: AccountId,
    nickname: &str,
) -> Result<(), StoreError> {
    take(transaction, id, nickname)?;
    if id % NOTED_EVERY == 0
        && let IndexState::Known(indexed) = state(transaction)?
    {
        write_state(transaction, Indexed { account: id, ..indexed })?;
    }
    Ok(())
}

/// Adds an action in the transaction that stores it, after its effect.
pub(in crate::journal::sqlite) fn add_action(
    transaction: &Connection,
    number: u64,
    action: &OperatorAction,
) -> Result<(), StoreError> {
    if !matches!(action, OperatorAction::Rename { .. } | OperatorAction::Erase { .. }) {
        return Ok(());
    }
    apply(transaction, action)?;
    if matches!(action, OperatorAction::Erase { .. }) {
        rewrite(transaction, has_index(transaction)?)?;
    }
    if let IndexState::Known(indexed) = state(transaction)? {
        write_state(transaction, Indexed { action: i64::try_from(number).unwrap_or(i64::MAX), ..indexed })?;
    }
    Ok(())
}

/// Returns the first part of the hash of each form of a name, each once. The hash is the same in every store and every
/// program. Two names with the same part are not worth the search: one of them would only be counted as taken.
pub(super) fn prints(name: &str) -> impl Iterator<Item = i64> {
    let looks = Looks::of(name);
    let mut prints = looks.forms().map(print_of).collect::<Vec<_>>();
    prints.dedup();
    prints.into_iter()
}

fn print_of(form: &str) -> i64 {
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = Sha256::digest(form.as_bytes()).into();
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}
