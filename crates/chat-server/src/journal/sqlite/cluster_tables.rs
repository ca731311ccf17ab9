//! The tables that a store has besides those of the room when it follows a log of batches.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::{actions, row, schema};
use crate::action::{AccountId, ActionRecord, OperatorAction, erased_name};
use crate::entry::AccountRecord;
use crate::error::JournalError;
use crate::replication::rules::{CHAIN_KEPT, EPOCH_KEPT_MS};
use crate::replication::{ChainHash, ChainLink, Generation, Looks};

/// `replica` has one row: where the store is in its log. `proposer` has the last batch of each run of a node, `chain` the
/// hash at the last places, and `looks` what the nicknames of all accounts look like.
const TABLES: &str = "
    CREATE TABLE replica(
        n INTEGER PRIMARY KEY, generation BLOB NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, at INTEGER NOT NULL,
        stored_at INTEGER NOT NULL, crc INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE proposer(
        epoch INTEGER PRIMARY KEY, number INTEGER NOT NULL, at INTEGER NOT NULL, crc INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE chain(place INTEGER PRIMARY KEY, hash BLOB NOT NULL, crc INTEGER NOT NULL) STRICT;
    CREATE TABLE looks(
        form TEXT NOT NULL PRIMARY KEY, account INTEGER NOT NULL, crc INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Where a store is in its log.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReplicaState {
    pub(super) generation: Generation,
    /// The last place that was applied.
    pub(super) applied: ChainLink,
    /// Its time, in milliseconds since the Unix epoch.
    pub(super) at: i64,
    /// The latest time at which the log got a place that was applied, in the same unit. Epochs are forgotten by it.
    pub(super) stored_at: i64,
}

/// Adds the tables to the store of a single server, whose last message is of the time `at`, and marks it.
pub(super) fn create(transaction: &Connection, generation: Generation, at: i64) -> Result<ReplicaState, StoreError> {
    transaction.execute_batch(TABLES)?;
    schema::raise_format(transaction, schema::CLUSTER_FORMAT)?;
    let state = ReplicaState { generation, applied: ChainLink::beginning(generation), at, stored_at: 0 };
    write_state(transaction, &state)?;
    write_link(transaction, state.applied)?;
    let mut accounts = transaction.prepare(&format!("SELECT {} FROM account ORDER BY id", row::ACCOUNT))?;
    let accounts = accounts.query_map([], |found| Ok(row::account(found)))?.collect::<Result<Vec<_>, _>>()?;
    for account in accounts.iter().flatten().filter(|account| !account.is_erased()) {
        take_looks(transaction, account.id, &Looks::of(account.nickname.as_str()))?;
    }
    // Former nicknames stay taken.
    for record in actions::raw_actions(transaction)?.into_iter().flatten() {
        if let OperatorAction::Rename { account, nickname, .. } = record.draft.action
            && nickname != erased_name(account)
        {
            take_looks(transaction, account, &Looks::of(&nickname))?;
        }
    }
    Ok(state)
}

/// Takes the tables away: what is left is the store of a single server.
pub(super) fn remove(transaction: &Connection) -> Result<(), StoreError> {
    transaction.execute_batch("DROP TABLE replica; DROP TABLE proposer; DROP TABLE chain; DROP TABLE looks")?;
    let expired: bool = transaction.query_row("SELECT EXISTS(SELECT 1 FROM expired)", [], |row| row.get(0))?;
    let actions = actions::raw_actions(transaction)?;
    let later =
        |action: &Option<ActionRecord>| action.as_ref().is_some_and(|record| !record.draft.action.is_of_first_format());
    let format = if expired || actions.iter().any(later) {
        schema::EXPIRY_FORMAT
    } else if actions.is_empty() {
        schema::PLAIN_FORMAT
    } else {
        schema::ACTION_FORMAT
    };
    schema::set_format(transaction, format)
}

/// Reads where the store is in its log.
pub(super) fn state(connection: &Connection) -> Result<ReplicaState, StoreError> {
    let sql = "SELECT generation, place, hash, at, stored_at, crc FROM replica WHERE n = 1";
    let mut find = connection.prepare_cached(sql)?;
    let mut rows = find.query([])?;
    let row = rows.next()?.ok_or(JournalError::Damaged)?;
    let (generation, place, hash): ([u8; 16], i64, [u8; 32]) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (at, stored_at, crc): (i64, i64, i64) = (row.get(3)?, row.get(4)?, row.get(5)?);
    if row::replica_crc(&generation, place, &hash, at, stored_at) != crc {
        return Err(JournalError::Damaged.into());
    }
    let applied = ChainLink { place: unsigned(place)?, hash: ChainHash::from_bytes(hash) };
    Ok(ReplicaState { generation: Generation::from_bytes(generation), applied, at, stored_at })
}

/// Stores where the store is in its log.
pub(super) fn write_state(transaction: &Connection, state: &ReplicaState) -> Result<(), StoreError> {
    let (generation, hash) = (state.generation.as_bytes(), state.applied.hash.as_bytes());
    let place = signed(state.applied.place);
    let crc = row::replica_crc(generation, place, hash, state.at, state.stored_at);
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO replica(n, generation, place, hash, at, stored_at, crc)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![generation, place, hash, state.at, state.stored_at, crc])?;
    Ok(())
}

/// Stores the hash of a place, and forgets those that are too long ago.
pub(super) fn write_link(transaction: &Connection, link: ChainLink) -> Result<(), StoreError> {
    let place = signed(link.place);
    let hash = link.hash.as_bytes();
    transaction.prepare_cached("INSERT INTO chain(place, hash, crc) VALUES (?1, ?2, ?3)")?.execute(params![
        place,
        hash,
        row::chain_crc(place, hash)
    ])?;
    transaction
        .prepare_cached("DELETE FROM chain WHERE place <= ?1")?
        .execute([place.saturating_sub(signed(CHAIN_KEPT))])?;
    Ok(())
}

/// Returns the hash at a place, if it is kept.
pub(super) fn hash_at(connection: &Connection, place: u64) -> Result<Option<ChainHash>, StoreError> {
    let place = signed(place);
    let mut find = connection.prepare_cached("SELECT hash, crc FROM chain WHERE place = ?1")?;
    let found: Option<([u8; 32], i64)> = find.query_row([place], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match found {
        Some((hash, crc)) if row::chain_crc(place, &hash) != crc => Err(JournalError::Damaged.into()),
        found => Ok(found.map(|(hash, _)| ChainHash::from_bytes(hash))),
    }
}

/// Returns the number and the time of the last batch of an epoch.
pub(super) fn last_of(connection: &Connection, epoch: u64) -> Result<Option<(u64, i64)>, StoreError> {
    let mut find = connection.prepare_cached("SELECT number, at, crc FROM proposer WHERE epoch = ?1")?;
    let found: Option<(i64, i64, i64)> =
        find.query_row([epoch.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let Some((number, at, crc)) = found else { return Ok(None) };
    if row::proposer_crc(epoch.cast_signed(), number, at) != crc {
        return Err(JournalError::Damaged.into());
    }
    Ok(Some((unsigned(number)?, at)))
}

/// Stores the last batch of an epoch, and forgets the epochs that are too long ago.
pub(super) fn write_last(transaction: &Connection, epoch: u64, number: u64, at: i64) -> Result<(), StoreError> {
    let (epoch, number) = (epoch.cast_signed(), signed(number));
    transaction
        .prepare_cached("INSERT OR REPLACE INTO proposer(epoch, number, at, crc) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![epoch, number, at, row::proposer_crc(epoch, number, at)])?;
    transaction.prepare_cached("DELETE FROM proposer WHERE at < ?1")?.execute([at.saturating_sub(EPOCH_KEPT_MS)])?;
    Ok(())
}

/// Returns how many rows of these tables are damaged. Each of them decides what the node makes of its log, so a store with
/// such a row would come to differ from those of the other nodes.
pub(super) fn damaged_rows(connection: &Connection) -> Result<u64, StoreError> {
    let mut damaged = 0;
    let mut check = |sql: &str, is_good: fn(&Row<'_>) -> rusqlite::Result<bool>| -> Result<(), StoreError> {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            damaged += u64::from(!is_good(row).unwrap_or(false));
        }
        Ok(())
    };
    check("SELECT epoch, number, at, crc FROM proposer", |row| {
        Ok(row::proposer_crc(row.get(0)?, row.get(1)?, row.get(2)?) == row.get::<_, i64>(3)?)
    })?;
    check("SELECT place, hash, crc FROM chain", |row| {
        Ok(row::chain_crc(row.get(0)?, &row.get::<_, [u8; 32]>(1)?) == row.get::<_, i64>(2)?)
    })?;
    check("SELECT form, account, crc FROM looks", |row| {
        Ok(row::looks_crc(row.get_ref(0)?.as_str()?, row.get(1)?) == row.get::<_, i64>(2)?)
    })?;
    let applied = match state(connection) {
        Ok(state) => Some(state.applied),
        Err(error) if error.is_damage() => None,
        Err(error) => return Err(error),
    };
    // The end of the chain is where the store is.
    let end: Option<(i64, Vec<u8>)> = connection
        .query_row("SELECT place, hash FROM chain ORDER BY place DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let is_end =
        |link: ChainLink| end.is_some_and(|(place, hash)| place == signed(link.place) && hash == link.hash.as_bytes());
    damaged += u64::from(!applied.is_some_and(is_end));
    Ok(damaged)
}

/// Returns whether a name looks like one of another account than `account`.
pub(super) fn looks_taken(
    connection: &Connection,
    account: Option<AccountId>,
    looks: &Looks,
) -> Result<bool, StoreError> {
    let mut find = connection.prepare_cached("SELECT account, crc FROM looks WHERE form = ?1")?;
    for form in looks.forms() {
        let found: Option<(AccountId, i64)> =
            find.query_row([form], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some((owner, crc)) = found {
            if row::looks_crc(form, owner) != crc {
                return Err(JournalError::Damaged.into());
            }
            if Some(owner) != account {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Notes what a name of an account looks like. A store of an earlier program can have names that look alike: the first
/// account keeps them.
pub(super) fn take_looks(transaction: &Connection, account: AccountId, looks: &Looks) -> Result<(), StoreError> {
    let mut insert =
        transaction.prepare_cached("INSERT OR IGNORE INTO looks(form, account, crc) VALUES (?1, ?2, ?3)")?;
    for form in looks.forms() {
        insert.execute(params![form, account, row::looks_crc(form, account)])?;
    }
    Ok(())
}

/// Forgets what the names of an account look like.
pub(super) fn free_looks(transaction: &Connection, account: AccountId) -> Result<(), StoreError> {
    // Rare, so it needs no index.
    transaction.prepare_cached("DELETE FROM looks WHERE account = ?1")?.execute([account])?;
    Ok(())
}

/// Returns an account.
pub(super) fn account(connection: &Connection, id: AccountId) -> Result<Option<AccountRecord>, StoreError> {
    let sql = format!("SELECT {} FROM account WHERE id = ?1", row::ACCOUNT);
    match connection.prepare_cached(&sql)?.query_row([id], |found| Ok(row::account(found))).optional()? {
        Some(None) => Err(JournalError::Damaged.into()),
        found => Ok(found.flatten()),
    }
}

/// SQLite has no unsigned numbers; neither a place nor a number reaches its largest.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| JournalError::Damaged.into())
}
