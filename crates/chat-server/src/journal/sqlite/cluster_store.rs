//! How a store becomes that of a node, and how a node gets the copy of another one. Each change is one transaction or one
//! rename, so after any crash a store is what it was before or what it became.

use std::fmt;
use std::path::{Path, PathBuf};

use chat_proto::{Seq, StreamId};
use rusqlite::Connection;

use super::error::StoreError;
use super::new_store::{Installed, NewStore};
use super::open::{CheckTime, StoreUse};
use super::restore::{self, RestoreReport};
use super::store::SqliteStore;
use super::{admin, cluster_tables as tables, content_hash, quick_check, schema};
use crate::error::JournalError;
use crate::replication::Generation;
use crate::transfer::TransferError;

/// Where the store of a node is in its log, and in its room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorePlace {
    /// The log that it follows.
    pub generation: Generation,
    /// The last place that was applied.
    pub place: u64,
    /// The sequence number of the last message.
    pub head: Seq,
    /// The current stream.
    pub stream: StreamId,
}

impl StorePlace {
    fn of(connection: &Connection) -> Result<Self, StoreError> {
        let state = tables::state(connection)?;
        let log = quick_check::quick_check(connection, None)?.ok_or(JournalError::Damaged)?;
        let stream = log.streams.into_iter().next_back().ok_or(JournalError::Damaged)?.id;
        Ok(Self { generation: state.generation, place: state.applied.place, head: log.head, stream })
    }
}

/// Returns where the store in `dir` is, on which a server may be running; `None` if it is that of a server alone.
///
/// # Errors
/// [`JournalError`] if there is no store or it cannot be read.
pub fn store_place(dir: &Path) -> Result<Option<StorePlace>, JournalError> {
    let connection = admin::open(dir)?;
    Ok(place_if_any(&connection)?)
}

fn place_if_any(connection: &Connection) -> Result<Option<StorePlace>, StoreError> {
    // One state of the store, because a running server may apply a batch meanwhile.
    let snapshot = connection.unchecked_transaction()?;
    let place = if schema::is_of_cluster(connection)? { Some(StorePlace::of(connection)?) } else { None };
    snapshot.finish()?;
    Ok(place)
}

/// A store with which a log is to begin. It is locked, so that it stays what its text says.
pub struct LogBeginning {
    store: SqliteStore,
    at: i64,
    place: Option<StorePlace>,
    text: String,
    accounts: usize,
}

impl LogBeginning {
    /// Opens the store of a server alone; if there is none, creates one.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be used, or is that of a node.
    pub fn of_server(dir: &Path) -> Result<Self, JournalError> {
        Self::open(dir, StoreUse::Alone)
    }

    /// Opens the store of a node.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be used, or is that of a server alone.
    pub fn of_node(dir: &Path) -> Result<Self, JournalError> {
        Self::open(dir, StoreUse::Node)
    }

    fn open(dir: &Path, usage: StoreUse) -> Result<Self, JournalError> {
        let (store, mut at) = SqliteStore::open(dir, CheckTime::Before, usage)?;
        let place = place_if_any(&store.connection)?;
        if place.is_some() {
            at = at.max(tables::state(&store.connection)?.at);
        }
        let accounts = store.accounts()?.len();
        let hash = content_hash::of_room(&store.connection)?;
        let stream = store.streams().last().ok_or(JournalError::Damaged)?.id.clone();
        let text = format!("stream {stream} head {} accounts {accounts} sha256 {hash:?}", store.head());
        Ok(Self { store, at, place, text, accounts })
    }

    /// Returns what identifies the content of the store. It is the same until a server or [`begin`](Self::begin) changes it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns where the store is in the log that it follows, if it is that of a node.
    #[must_use]
    pub fn place(&self) -> Option<&StorePlace> {
        self.place.as_ref()
    }

    /// Returns the sequence number of the last message, and the number of accounts.
    #[must_use]
    pub fn content(&self) -> (Seq, usize) {
        (self.store.head(), self.accounts)
    }

    /// Makes the store follow a log from its beginning. Its messages, accounts and numbers stay; `new_stream` says that other
    /// messages may have had the numbers after the last one.
    ///
    /// # Errors
    /// [`JournalError`]; then it is as it was.
    pub fn begin(mut self, generation: Generation, new_stream: bool) -> Result<StorePlace, JournalError> {
        let (is_node, at) = (self.place.is_some(), self.at);
        self.store.write_with_stream(new_stream, |transaction| {
            if is_node {
                tables::remove(transaction)?;
            }
            tables::create(transaction, generation, at).map(drop)
        })?;
        let place = StorePlace::of(&self.store.connection)?;
        // Also in the file itself, so that a copy of it alone is a store of a node.
        self.store.close()?;
        Ok(place)
    }
}

impl fmt::Debug for LogBeginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogBeginning").field("text", &self.text).finish_non_exhaustive()
    }
}

/// A copy of the store of a node, next to the place where it is needed.
pub struct NodeCopy {
    new: NewStore,
    connection: Connection,
    place: StorePlace,
    source: PathBuf,
}

impl NodeCopy {
    /// Copies the backup `source` into the data directory `dir`, which has no room unless `replace` is set, and in which no
    /// server may run. Nothing is in place yet.
    ///
    /// # Errors
    /// [`TransferError`]; then the directory is as it was.
    pub fn prepare(dir: &Path, source: &Path, replace: bool) -> Result<Self, TransferError> {
        let (new, connection) = restore::copied(dir, source, replace)?;
        let damaged = |error: StoreError| restore::named_damage(source, error);
        let place = place_if_any(&connection).map_err(damaged)?;
        let place = place.ok_or_else(|| TransferError::NotOfNode { path: source.to_owned() })?;
        Ok(Self { new, connection, place, source: source.to_owned() })
    }

    /// Returns where the copy is in its log.
    #[must_use]
    pub fn place(&self) -> &StorePlace {
        &self.place
    }

    /// Checks the copy as a whole, and puts it in place. A room that is there is set aside.
    ///
    /// # Errors
    /// [`TransferError`]; then the directory is as it was.
    pub fn install(self) -> Result<RestoreReport, TransferError> {
        match self.new.install_node(self.connection)? {
            Some(Installed { report, aside }) => Ok(RestoreReport { check: report, aside }),
            None => Err(TransferError::DamagedBackup { path: self.source }),
        }
    }
}

impl fmt::Debug for NodeCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeCopy").field("place", &self.place).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
