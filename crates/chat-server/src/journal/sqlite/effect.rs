//! Stores an action of an operator together with its effect, within a transaction of the caller: after any crash the
//! store has both or neither.

use chat_proto::{Nickname, Seq, Text};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::{account_index, actions, row, schema};
use crate::action::{AccountId, ActionDraft, ActionRecord, OperatorAction};
use crate::entry::{AccountRecord, Appended};
use crate::error::JournalError;

/// Stores an action at a time, in milliseconds since the Unix epoch, with the log at `head`.
pub(super) fn store(transaction: &Connection, draft: &ActionDraft, at: i64, head: Seq) -> Result<Appended, StoreError> {
    let last: i64 = transaction.query_row("SELECT coalesce(max(n), 0) FROM action", [], |row| row.get(0))?;
    // Numbers are positive and grow by one.
    let number = u64::try_from(last).unwrap_or(0) + 1;
    insert(transaction, &ActionRecord { number, at, head, draft: draft.clone() })?;
    match &draft.action {
        OperatorAction::Remove { seqs } => {
            let text = row::tombstone_text(at, &draft.actor, draft.reason.as_ref());
            seqs.iter().try_for_each(|seq| remove(transaction, *seq, &text))?;
        }
        OperatorAction::Revoke { account, .. } => set_revoked(transaction, *account, true)?,
        OperatorAction::Restore { account, .. } => set_revoked(transaction, *account, false)?,
        OperatorAction::Rename { account, to, .. } => {
            let to = Nickname::new(to).map_err(JournalError::other)?;
            change_account(transaction, *account, |found| found.nickname = to)?;
        }
        OperatorAction::Token { account, hash, .. } => {
            change_account(transaction, *account, |found| found.token = *hash)?;
        }
        OperatorAction::Erase { account } => {
            change_account(transaction, *account, |found| *found = AccountRecord::erased(*account))?;
            forget_names(transaction, *account)?;
        }
        _ => {}
    }
    account_index::add_action(transaction, number, &draft.action)?;
    Ok(Appended::Action { number, at })
}

/// Inserts an action, unless the table has it already.
pub(super) fn insert(connection: &Connection, record: &ActionRecord) -> Result<(), StoreError> {
    put(connection, record, "INSERT OR IGNORE")
}

/// Writes the row of an action with an `INSERT` of this kind.
fn put(connection: &Connection, record: &ActionRecord, insert: &str) -> Result<(), StoreError> {
    let first_format = record.draft.action.is_of_first_format();
    schema::raise_format(connection, if first_format { schema::ACTION_FORMAT } else { schema::EXPIRY_FORMAT })?;
    let ActionRecord { number, at, head, draft } = record;
    let (actor, reason) = (draft.actor.as_str(), draft.reason.as_ref().map(Text::as_str));
    // SQLite has no unsigned numbers; neither of the two reaches its largest.
    let (n, head) = (i64::try_from(*number).unwrap_or(i64::MAX), i64::try_from(*head).unwrap_or(i64::MAX));
    let body = serde_json::to_string(&draft.action).map_err(JournalError::other)?;
    let crc = row::action_crc(n, *at, head, actor, reason, &body);
    connection
        .prepare_cached(&format!(
            "{insert} INTO action(n, at, head, actor, reason, body, crc) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        ))?
        .execute(params![n, at, head, actor, reason, body, crc])?;
    Ok(())
}

/// Replaces all messages of an account by tombstones.
pub(super) fn remove_all(transaction: &Connection, account: AccountId, text: &str) -> Result<(), StoreError> {
    // Rare, so it needs no index.
    let mut find = transaction.prepare("SELECT seq FROM message NOT INDEXED WHERE account = ?1 AND nick <> ''")?;
    let found: Vec<i64> = find.query_map([account], |row| row.get(0))?.collect::<Result<_, _>>()?;
    found.into_iter().filter_map(|seq| Seq::try_from(seq).ok()).try_for_each(|seq| remove(transaction, seq, text))
}

/// Replaces a message by a tombstone. Its post id stays, so that a repetition is still answered with its number.
fn remove(transaction: &Connection, seq: Seq, text: &str) -> Result<(), StoreError> {
    let Ok(seq) = i64::try_from(seq) else { return Ok(()) };
    let mut find = transaction.prepare_cached("SELECT at, account, post FROM message WHERE seq = ?1 AND nick <> ''")?;
    let found = find.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let Some((at, account, post)): Option<(i64, AccountId, Option<String>)> = found else { return Ok(()) };
    let crc = row::message_crc(seq, at, account, post.as_deref(), "", text);
    transaction
        .prepare_cached("UPDATE message SET nick = '', text = ?2, crc = ?3 WHERE seq = ?1")?
        .execute(params![seq, text, crc])?;
    Ok(())
}

/// Changes whether an account is revoked.
fn set_revoked(connection: &Connection, account: AccountId, revoked: bool) -> Result<(), StoreError> {
    change_account(connection, account, |found| found.revoked = revoked)
}

/// Changes the record of an account, if there is one. An erased one stays as it is.
fn change_account(
    connection: &Connection,
    account: AccountId,
    change: impl FnOnce(&mut AccountRecord),
) -> Result<(), StoreError> {
    let sql = format!("SELECT {} FROM account WHERE id = ?1", row::ACCOUNT);
    let found = connection.prepare_cached(&sql)?.query_row([account], |row| Ok(row::account(row))).optional()?;
    let Some(mut found) = found.flatten().filter(|found| !found.is_erased()) else { return Ok(()) };
    change(&mut found);
    let AccountRecord { token, nickname, at, revoked, .. } = found;
    let (token, nickname) = (token.as_bytes(), nickname.as_str());
    let crc = row::account_crc(account, token, nickname, at, revoked);
    connection
        .prepare_cached("UPDATE account SET token = ?2, nickname = ?3, at = ?4, revoked = ?5, crc = ?6 WHERE id = ?1")?
        .execute(params![account, token, nickname, at, revoked, crc])?;
    Ok(())
}

/// Replaces the names of an erased account in all actions so far.
fn forget_names(transaction: &Connection, account: AccountId) -> Result<(), StoreError> {
    for mut record in actions::raw_actions(transaction)?.into_iter().flatten() {
        if record.draft.action.forget_names(account) {
            put(transaction, &record, "INSERT OR REPLACE")?;
        }
    }
    Ok(())
}
