//! The hash of everything that the nodes of a room have in common.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use sha2::{Digest, Sha256};

use super::error::StoreError;
use crate::replication::ChainHash;

/// The tables of every store, each with the order of its rows.
const ROOM: [(&str, &str); 5] =
    [("stream", "n"), ("account", "id"), ("message", "seq"), ("action", "n"), ("expired", "n")];

/// Those that the store of a node has besides.
const CLUSTER: [(&str, &str); 4] = [("replica", "n"), ("proposer", "epoch"), ("chain", "place"), ("looks", "form")];

/// Hashes all rows of the store of a node, in one state.
pub(super) fn of(connection: &Connection) -> Result<ChainHash, StoreError> {
    of_tables(connection, ROOM.into_iter().chain(CLUSTER))
}

/// Hashes what a store has of its room, in one state.
#[cfg(feature = "bin")]
pub(super) fn of_room(connection: &Connection) -> Result<ChainHash, StoreError> {
    of_tables(connection, ROOM.into_iter())
}

fn of_tables(
    connection: &Connection,
    tables: impl Iterator<Item = (&'static str, &'static str)>,
) -> Result<ChainHash, StoreError> {
    let snapshot = connection.unchecked_transaction()?;
    let mut hash = Sha256::new();
    for (table, order) in tables {
        hash.update(table);
        let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                let (kind, bytes): (u8, &[u8]) = match row.get_ref(column)? {
                    ValueRef::Null => (0, &[]),
                    ValueRef::Integer(number) => (1, &number.to_le_bytes()),
                    ValueRef::Real(number) => (2, &number.to_le_bytes()),
                    ValueRef::Text(bytes) => (3, bytes),
                    ValueRef::Blob(bytes) => (4, bytes),
                };
                // With the length, so that no two different rows have the same input.
                hash.update([kind]);
                hash.update((bytes.len() as u64).to_le_bytes());
                hash.update(bytes);
            }
        }
    }
    snapshot.finish()?;
    Ok(ChainHash::from_bytes(hash.finalize().into()))
}
