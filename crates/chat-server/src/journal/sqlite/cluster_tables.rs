//! The tables that a store has besides those of the room when it follows a log of batches.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::{actions, row, schema};
use crate::action::{AccountId, OperatorAction, erased_name};
use crate::entry::AccountRecord;
use crate::error::JournalError;
use crate::replication::rules::{CHAIN_KEPT, EPOCH_KEPT_MS};
use crate::replication::{ChainHash, ChainLink, Generation, Looks};

/// `replica` has one row: where the store is in its log. `proposer` has the last batch of each run of a node, `chain` the
/// hash at the last places, and `looks` what the nicknames of all accounts look like.
const TABLES: &str = "
    CREATE TABLE replica(
        n INTEGER PRIMARY KEY, generation BLOB NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, at INTEGER NOT NULL,
        crc INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE proposer(
        epoch INTEGER PRIMARY KEY, number INTEGER NOT NULL, at INTEGER NOT NULL, crc INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE chain(place INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
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
}

/// Adds the tables to the store of a single server, whose last message is of the time `at`, and marks it.
pub(super) fn create(transaction: &Connection, generation: Generation, at: i64) -> Result<ReplicaState, StoreError> {
    transaction.execute_batch(TABLES)?;
    schema::raise_format(transaction, schema::CLUSTER_FORMAT)?;
    let state = ReplicaState { generation, applied: ChainLink::beginning(generation), at };
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

/// Reads where the store is in its log.
pub(super) fn state(connection: &Connection) -> Result<ReplicaState, StoreError> {
    let sql = "SELECT generation, place, hash, at, crc FROM replica WHERE n = 1";
    let mut find = connection.prepare_cached(sql)?;
    let mut rows = find.query([])?;
    let row = rows.next()?.ok_or(JournalError::Damaged)?;
    let (generation, place, hash): ([u8; 16], i64, [u8; 32]) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (at, crc): (i64, i64) = (row.get(3)?, row.get(4)?);
    if row::replica_crc(&generation, place, &hash, at) != crc {
        return Err(JournalError::Damaged.into());
    }
    let applied = ChainLink { place: unsigned(place)?, hash: ChainHash::from_bytes(hash) };
    Ok(ReplicaState { generation: Generation::from_bytes(generation), applied, at })
}

/// Stores where the store is in its log.
pub(super) fn write_state(transaction: &Connection, state: &ReplicaState) -> Result<(), StoreError> {
    let (generation, hash) = (state.generation.as_bytes(), state.applied.hash.as_bytes());
    let place = signed(state.applied.place);
    let crc = row::replica_crc(generation, place, hash, state.at);
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO replica(n, generation, place, hash, at, crc) VALUES (1, ?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![generation, place, hash, state.at, crc])?;
    Ok(())
}

/// Stores the hash of a place, and forgets those that are too long ago.
pub(super) fn write_link(transaction: &Connection, link: ChainLink) -> Result<(), StoreError> {
    let place = signed(link.place);
    transaction
        .prepare_cached("INSERT INTO chain(place, hash) VALUES (?1, ?2)")?
        .execute(params![place, link.hash.as_bytes()])?;
    transaction
        .prepare_cached("DELETE FROM chain WHERE place <= ?1")?
        .execute([place.saturating_sub(signed(CHAIN_KEPT))])?;
    Ok(())
}

/// Returns the hash at a place, if it is kept.
pub(super) fn hash_at(connection: &Connection, place: u64) -> Result<Option<ChainHash>, StoreError> {
    let mut find = connection.prepare_cached("SELECT hash FROM chain WHERE place = ?1")?;
    let found: Option<[u8; 32]> = find.query_row([signed(place)], |row| row.get(0)).optional()?;
    Ok(found.map(ChainHash::from_bytes))
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
