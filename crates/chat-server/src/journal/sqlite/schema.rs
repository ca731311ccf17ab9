//! The tables of the store, and how its file is opened.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use crate::error::JournalError;

/// The format of a file without actions, in `user_version`.
pub(super) const PLAIN_FORMAT: i64 = 1;

/// The format of a file since its first action. Programs that do not know tombstones would take them for damage, so they
/// must not open it; as long as there was no action, they may.
pub(super) const ACTION_FORMAT: i64 = 2;

/// The format of a file since an account was renamed, got another token, or was erased, or since messages expired. Earlier
/// programs would take these actions for damage, and number messages from the beginning if none is left.
pub(super) const EXPIRY_FORMAT: i64 = 3;

/// The format of a file that follows a log of batches. A server alone must not write to it, because the other nodes would
/// not know of that.
pub(super) const CLUSTER_FORMAT: i64 = 4;

/// With the format added, the `application_id`. It identifies the file, and guards the format against a flipped bit,
/// which would make an old store look like a newer program's.
const OURS: i64 = 0x6d63_6800;

/// The page size of the store. It is fixed, so that a damaged first page can be rebuilt.
pub(super) const PAGE_SIZE: usize = 4096;

/// The number of prepared statements cached per connection.
const STATEMENTS: usize = 16;

/// How long to wait for another process: the administrator's commands also write, for a moment.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Messages and accounts are separate tables, because the numbers of messages have no holes. The ids of posts are
/// unique in the store, so that a repetition is found after any crash.
const TABLES: &str = "
    CREATE TABLE stream(
        n INTEGER PRIMARY KEY, id TEXT NOT NULL, first INTEGER NOT NULL, crc INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE account(
        id INTEGER PRIMARY KEY, token BLOB NOT NULL, nickname TEXT NOT NULL, at INTEGER NOT NULL,
        revoked INTEGER NOT NULL, crc INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE message(
        seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, account INTEGER NOT NULL, post TEXT,
        nick TEXT NOT NULL, text TEXT NOT NULL, crc INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX message_post ON message(account, post) WHERE post IS NOT NULL;
";

/// The length in bytes to which SQLite cuts a longer write-ahead log when it begins it again.
pub(super) const WAL_LIMIT: u64 = 64 * 1024 * 1024;

/// The actions of operators. In a file of an earlier program the table is added at the end.
const ACTIONS: &str = "
    CREATE TABLE IF NOT EXISTS action(
        n INTEGER PRIMARY KEY, at INTEGER NOT NULL, head INTEGER NOT NULL, actor TEXT NOT NULL, reason TEXT,
        body TEXT NOT NULL, crc INTEGER NOT NULL
    ) STRICT;
";

/// Where the log begins after messages have expired: at most one row.
const EXPIRED: &str = "
    CREATE TABLE IF NOT EXISTS expired(
        n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL, crc INTEGER NOT NULL
    ) STRICT;
";

/// Each commit waits for the disk.
const SYNC_COMMITS: &str = "PRAGMA synchronous = FULL";

/// A commit waits for nothing, and a power cut can take it back. Nothing else changes: the log is one file, so the next
/// commit that waits puts the earlier ones on the disk, and a checkpoint waits for the log first.
const LEAVE_COMMITS: &str = "PRAGMA synchronous = NORMAL";

/// Whether the commits of a connection wait for the disk. A connection begins with commits that do.
#[derive(Debug)]
pub(super) struct CommitMode {
    waits: bool,
}

impl CommitMode {
    /// The mode of a connection that was just opened.
    pub(super) fn new() -> Self {
        Self { waits: true }
    }

    /// Sets whether the next commits wait.
    pub(super) fn set(&mut self, connection: &Connection, waits: bool) -> Result<(), StoreError> {
        if self.waits != waits {
            connection.execute_batch(if waits { SYNC_COMMITS } else { LEAVE_COMMITS })?;
            self.waits = waits;
        }
        Ok(())
    }
}

/// Opens the file for the one writing connection, and creates the tables in an empty file.
///
/// FULL makes each commit wait for the disk; in WAL mode that is one fsync, which on macOS reaches the disk and not only
/// its cache with `fullfsync`; other systems ignore that. A checkpoint every 16 MiB keeps the log
/// small and bulk posting fast.
pub(super) fn open_for_writing(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    connection.execute_batch("PRAGMA page_size = 4096; PRAGMA encoding = 'UTF-8';")?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.execute_batch(&format!(
        "{SYNC_COMMITS}; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = {WAL_LIMIT};
         PRAGMA cache_size = -16384; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;
         PRAGMA secure_delete = ON; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;",
    ))?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        transaction.execute_batch(TABLES)?;
        set_format(&transaction, PLAIN_FORMAT)?;
    }
    check_format(&transaction)?;
    create_actions(&transaction)?;
    transaction.execute_batch(EXPIRED)?;
    transaction.commit()?;
    Ok(connection)
}

/// Writes and syncs the first page unchanged. The format is always written, even though it stays the same, while SQLite
/// skips the write of an unchanged row.
pub(super) fn write_nothing_new(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let format: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    transaction.pragma_update(None, "user_version", format)?;
    Ok(transaction.commit()?)
}

/// Creates the table of actions in a file of an earlier program.
pub(super) fn create_actions(transaction: &Connection) -> Result<(), StoreError> {
    Ok(transaction.execute_batch(ACTIONS)?)
}

/// Notes that the store contains what programs of earlier formats do not know, in the transaction that adds it.
pub(super) fn raise_format(transaction: &Connection, needed: i64) -> Result<(), StoreError> {
    let format: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format < needed { set_format(transaction, needed) } else { Ok(()) }
}

/// Notes which programs can use the store.
pub(super) fn set_format(connection: &Connection, format: i64) -> Result<(), StoreError> {
    connection.pragma_update(None, "user_version", format)?;
    Ok(connection.pragma_update(None, "application_id", OURS + format)?)
}

/// Checks that this program can read the store.
fn check_format(connection: &Connection) -> Result<(), StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let owner: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if owner != OURS + found {
        Err(JournalError::Damaged.into())
    } else if found > CLUSTER_FORMAT {
        Err(JournalError::TooNew { found, known: CLUSTER_FORMAT }.into())
    } else {
        Ok(())
    }
}

/// Returns whether the store follows a log of batches.
pub(super) fn is_of_cluster(connection: &Connection) -> Result<bool, StoreError> {
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(format == CLUSTER_FORMAT)
}

/// Returns whether the first page of a damaged store, which has its header and its schema, shows that it follows a log of
/// batches. No flipped bit makes another format look like this one.
pub(super) fn was_of_cluster(path: &Path) -> io::Result<bool> {
    let mut page = Vec::with_capacity(PAGE_SIZE);
    File::open(path)?.take(PAGE_SIZE as u64).read_to_end(&mut page)?;
    let number = |at: usize| {
        let bytes = page.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_be_bytes).map(i64::from)
    };
    // Messages are on other pages, so this is not a text.
    let table = b"CREATE TABLE replica(";
    Ok(number(60) == Some(CLUSTER_FORMAT)
        || number(68) == Some(OURS + CLUSTER_FORMAT)
        || page.windows(table.len()).any(|found| found == table))
}

/// Opens an existing store, on which a server may be running.
pub(super) fn open_existing(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    check_format(&connection)?;
    Ok(connection)
}

/// Returns whether a file begins like a store: with the magic of SQLite and our mark, whatever the format.
#[cfg(feature = "bin")]
pub(super) fn is_ours(header: &[u8; 100]) -> bool {
    let mark = OURS.to_be_bytes();
    header.starts_with(b"SQLite format 3\0") && header[68..71] == mark[4..7]
}

/// Opens a read-only connection. The writing one must be open.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch("PRAGMA cache_size = -1024; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;")?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a Mac each commit and each checkpoint must reach the disk, not only its cache. Other systems accept the
    /// setting and have no such cache to flush, so this is also seen there.
    #[test]
    fn commits_flush_the_cache_of_the_disk() {
        let temp = tempfile::tempdir().unwrap();
        let connection = open_for_writing(&temp.path().join("room.db")).unwrap();
        for (pragma, value) in [("synchronous", 2), ("fullfsync", 1), ("checkpoint_fullfsync", 1)] {
            let found: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
            assert_eq!(found, value, "{pragma}");
        }
    }
}
