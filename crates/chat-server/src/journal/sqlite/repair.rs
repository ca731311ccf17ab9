//! Copies the intact part of a damaged store into a new file and sets the damaged one aside.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chat_proto::Seq;
use private_files::{directory, file};
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::insert::insert_stream;
use super::scan::scan;
use super::{account_index, effect, expire, row, schema};
use crate::entry::LogStream;
use crate::error::JournalError;
use crate::journal::clock::now_ms;
use crate::journal::data_dir::private_file;

/// What had to be done to start on a damaged store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recovery {
    /// The file was damaged; its intact part was copied into a new one.
    SetAside {
        /// The path of the damaged file.
        file: PathBuf,
        /// The number of messages that were kept.
        messages: u64,
        /// The number of accounts that were kept.
        accounts: u64,
    },
    /// The file is intact, but its last messages are missing.
    TailLost {
        /// The last sequence number that had been stored.
        stored: Seq,
        /// The last sequence number that is present.
        found: Seq,
    },
}

/// The new store while it is being created. It is renamed when it is complete and on the disk, so that a file with the
/// other name is always complete.
const UNFINISHED: &str = ".part";

/// The new store, complete.
const COMPLETE: &str = ".new";

/// A restored or imported store, complete.
const RESTORED: &str = ".restored";

/// Why a store is set aside, which is a part of its new name.
#[derive(Debug, Clone, Copy)]
enum Aside {
    Damaged,
    Replaced,
}

/// Finishes an interrupted repair. A complete new store replaces what is left of the old one, whose write-ahead log may
/// already have been moved.
pub(super) fn finish_interrupted(store: &Path) -> Result<(), JournalError> {
    let fail = |source| JournalError::file(store, source);
    remove(&file::with_suffix(store, UNFINISHED)).map_err(fail)?;
    for (complete, why) in [(COMPLETE, Aside::Damaged), (RESTORED, Aside::Replaced)] {
        if file::with_suffix(store, complete).exists() {
            exchange(store, complete, why).map_err(fail)?;
        }
    }
    Ok(())
}

/// Returns the path at which a new store for `store` is built, after removing what an interrupted run has left there.
#[cfg(feature = "bin")]
pub(super) fn unfinished(store: &Path) -> Result<PathBuf, JournalError> {
    let path = file::with_suffix(store, UNFINISHED);
    remove(&path).map_err(|source| JournalError::file(&path, source))?;
    Ok(path)
}

/// Puts the finished new store, which no process may have open, in the place of the old one. Returns the path to which an
/// old one was moved.
#[cfg(feature = "bin")]
pub(super) fn put_in_place(store: &Path) -> Result<Option<PathBuf>, JournalError> {
    let fresh = file::with_suffix(store, UNFINISHED);
    let fail = |source| JournalError::file(store, source);
    sync(&fresh).map_err(fail)?;
    let old = store.exists();
    if old && let Ok(connection) = schema::open_for_writing(store) {
        // What is set aside is then one file. A store that is too damaged for that keeps its write-ahead log.
        let _ = checkpoint(&connection);
    }
    fs::rename(&fresh, file::with_suffix(store, RESTORED)).map_err(fail)?;
    store.parent().map_or(Ok(()), directory::sync).map_err(fail)?;
    let aside = exchange(store, RESTORED, Aside::Replaced).map_err(fail)?;
    Ok(old.then_some(aside))
}

/// Waits until a file is on the disk. Windows does this only for a file that is open for writing.
fn sync(path: &Path) -> io::Result<()> {
    fs::File::options().write(true).open(path)?.sync_all()
}

/// Sets the old store aside, file by file, and puts the complete new one in its place.
fn exchange(store: &Path, complete: &str, why: Aside) -> io::Result<PathBuf> {
    let aside = free_name(store, why);
    for suffix in ["-wal", "-shm", ""] {
        let part = file::with_suffix(store, suffix);
        if part.exists() {
            fs::rename(&part, file::with_suffix(&aside, suffix))?;
        }
    }
    fs::rename(file::with_suffix(store, complete), store)?;
    store.parent().map_or(Ok(()), directory::sync)?;
    Ok(aside)
}

/// Creates a new store from what can be read of the one at `path`, which no process may have open.
pub(super) fn repair(path: &Path) -> Result<Recovery, StoreError> {
    let fresh_path = file::with_suffix(path, UNFINISHED);
    let fail = |source| JournalError::file(path, source);
    remove(&fresh_path).map_err(fail)?;
    drop(private_file(&fresh_path)?);
    let mut fresh = schema::open_for_writing(&fresh_path)?;
    checkpoint(&fresh)?;

    let copy_path = file::with_suffix(path, ".copy");
    let copy = mended_copy(path, &copy_path, &fresh_path).map_err(fail)?;
    let (messages, accounts) = match &copy {
        Some(damaged) => carry_over(damaged, &mut fresh)?,
        None => (0, 0),
    };
    // In a file of an earlier program the table of actions is not where a new file has it, so its own first page is tried
    // too. Each action is checked, so a wrong page adds nothing.
    let plain_path = file::with_suffix(path, ".plain");
    let plain = plain_copy(path, &plain_path).map_err(fail)?;
    for damaged in [&plain, &copy].into_iter().flatten() {
        carry_actions(damaged, &mut fresh)?;
    }
    // The same holds for the beginning of the log.
    let found = [&plain, &copy].into_iter().flatten().filter_map(|damaged| expire::expired(damaged).ok()??);
    if let Some(expired) = found.max_by_key(|expired| expired.seq) {
        expire::note(&fresh, expired)?;
        // Every number is after it, so anything before was damaged.
        fresh.execute("DELETE FROM message WHERE seq <= ?1", [i64::try_from(expired.seq).unwrap_or(i64::MAX)])?;
    }
    account_index::prepare(&mut fresh)?;
    drop(plain);
    remove(&plain_path).map_err(fail)?;
    drop(copy);
    let sql = "SELECT max(coalesce(max(seq), 0), coalesce((SELECT seq FROM expired), 0)) FROM message";
    let head: i64 = fresh.query_row(sql, [], |row| row.get(0))?;
    // The end may be missing, so a new stream starts here: listeners are told of the gap.
    insert_stream(&fresh, &LogStream::starting_at(Seq::try_from(head).unwrap_or(0) + 1))?;
    checkpoint(&fresh)?;
    fresh.close().map_err(|(_, error)| error)?;
    remove(&copy_path).map_err(fail)?;

    sync(&fresh_path).map_err(fail)?;
    fs::rename(&fresh_path, file::with_suffix(path, COMPLETE)).map_err(fail)?;
    path.parent().map_or(Ok(()), directory::sync).map_err(fail)?;
    let aside = exchange(path, COMPLETE, Aside::Damaged).map_err(fail)?;
    Ok(Recovery::SetAside { file: aside, messages, accounts })
}

/// Copies every intact row, in one transaction.
fn carry_over(damaged: &Connection, fresh: &mut Connection) -> Result<(u64, u64), StoreError> {
    let transaction = fresh.transaction()?;
    let (mut messages, mut accounts, mut last_at) = (0, 0, i64::MIN);
    let (mut failed, mut tombstones) = (None, false);
    {
        let mut insert = transaction.prepare(
            "INSERT OR IGNORE INTO account(id, token, nickname, at, revoked, crc) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        scan(damaged, "account", "id", row::ACCOUNT, |found| {
            let Some(account) = row::account(found) else { return };
            let (token, nickname) = (account.token.as_bytes(), account.nickname.as_str());
            let crc = row::account_crc(account.id, token, nickname, account.at, account.revoked);
            match insert.execute(params![account.id, token, nickname, account.at, account.revoked, crc]) {
                Ok(added) => accounts += added as u64,
                Err(error) => failed = Some(error),
            }
        });
        scan(damaged, "stream", "n", row::STREAM, |found| {
            if let Some(stream) = row::stream(found)
                && let Err(error) = insert_stream(&transaction, &stream)
            {
                failed = Some(error);
            }
        });
        let mut insert = transaction.prepare(
            "INSERT OR IGNORE INTO message(seq, at, account, post, nick, text, crc) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        scan(damaged, "message", "seq", row::MESSAGE, |found| {
            let Some(raw) = row::raw_message(found) else { return };
            // Every journal assigns increasing times, so a row whose time goes back is damaged, whatever its checksum.
            if raw.at < last_at {
                return;
            }
            last_at = raw.at;
            let crc = row::message_crc(raw.seq, raw.at, raw.account, raw.post.as_deref(), &raw.nick, &raw.text);
            tombstones |= raw.nick.is_empty();
            match insert.execute(params![raw.seq, raw.at, raw.account, raw.post, raw.nick, raw.text, crc]) {
                Ok(added) => messages += added as u64,
                Err(error) => failed = Some(error),
            }
        });
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    if tombstones {
        schema::raise_format(&transaction, schema::ACTION_FORMAT)?;
    }
    transaction.commit()?;
    Ok((messages, accounts))
}

/// Copies every intact action.
fn carry_actions(damaged: &Connection, fresh: &mut Connection) -> Result<(), StoreError> {
    let mut actions = Vec::new();
    scan(damaged, "action", "n", row::ACTION, |found| actions.extend(row::action(found)));
    let transaction = fresh.transaction()?;
    actions.iter().try_for_each(|action| effect::insert(&transaction, action))?;
    Ok(transaction.commit()?)
}

/// Creates a copy of the damaged store as it is. `None` if the copy cannot be opened.
fn plain_copy(path: &Path, copy_path: &Path) -> io::Result<Option<Connection>> {
    remove(copy_path)?;
    private_file(copy_path).map_err(io::Error::other)?.write_all(&fs::read(path)?)?;
    let wal = file::with_suffix(path, "-wal");
    if wal.exists() {
        fs::copy(wal, file::with_suffix(copy_path, "-wal"))?;
    }
    Ok(schema::open_existing(copy_path).ok())
}

/// Creates a copy of the damaged store with a repaired first page. That page contains the header and the schema, which
/// are the same in every store of this format, so a damaged one costs no data. `None` if the copy still cannot be
/// opened.
fn mended_copy(path: &Path, copy_path: &Path, fresh_path: &Path) -> io::Result<Option<Connection>> {
    remove(copy_path)?;
    let mut bytes = fs::read(path)?;
    let template = fs::read(fresh_path)?;
    bytes.resize(bytes.len().div_ceil(schema::PAGE_SIZE).max(1) * schema::PAGE_SIZE, 0);
    // Not copied: the change counter and the size (24 to 32), which the length of the file overrides. The list of free
    // pages (32 to 40) matters only to writers.
    for (start, end) in [(0, 24), (32, 92), (100, schema::PAGE_SIZE)] {
        if let (Some(to), Some(from)) = (bytes.get_mut(start..end), template.get(start..end)) {
            to.copy_from_slice(from);
        }
    }
    // Different from the change counter, so that SQLite ignores the size in the header.
    let stale = [!bytes[24], bytes[25], bytes[26], bytes[27]];
    bytes[92..96].copy_from_slice(&stale);
    private_file(copy_path).map_err(io::Error::other)?.write_all(&bytes)?;
    let wal = file::with_suffix(path, "-wal");
    if wal.exists() {
        fs::copy(wal, file::with_suffix(copy_path, "-wal"))?;
    }
    Ok(schema::open_existing(copy_path).ok())
}

pub(super) fn checkpoint(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

fn free_name(path: &Path, why: Aside) -> PathBuf {
    let why = match why {
        Aside::Damaged => "damaged",
        Aside::Replaced => "replaced",
    };
    let mut stamp = now_ms();
    loop {
        let name = file::with_suffix(path, format!(".{why}-{stamp}"));
        if !name.exists() {
            return name;
        }
        stamp += 1;
    }
}

fn remove(path: &Path) -> io::Result<()> {
    for suffix in ["-wal", "-shm", ""] {
        match fs::remove_file(file::with_suffix(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
