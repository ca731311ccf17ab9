//! The outbox file: append-only, one line per change, rewritten as a whole when most of it is outdated.
//!
//! Appended lines survive the death of the process. They are not synced, because a keystroke must not wait for a disk;
//! a power failure may remove the last seconds. A damaged line is moved to a file of its own; all entries then count as
//! written, because that line may have marked any of them.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use chat_proto::{PostId, Text};
use private_files::file::{self, Replaced};
use private_files::{FileLock, Repair};

use super::entry::OutboxEntry;
use super::error::OutboxError;
use super::record::OutboxRecord;
use super::replay::{apply, replay};
use crate::delivery_state::DeliveryState;
use crate::files::default_dir::{self, OpenFileId, PathLook};
use crate::files::warning::FileWarning;
use crate::rooms::key::RoomKey;

/// A queue has about a thousand messages of at most 16 KiB, so a larger file is not an outbox.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// A smaller file is not worth rewriting.
const COMPACT_ABOVE_BYTES: u64 = 256 * 1024;

/// Unconfirmed messages in a file that survives restarts. Clones share one file and one lock.
///
/// While a [`Writer`](crate::Writer) has the outbox, only its task writes the file; other handles read it. Opening and
/// [`Outbox::adopt`] block on the file system.
///
/// ```
/// use chat_client::{Outbox, Text, fresh_post_id};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let outbox = Outbox::open(dir.path().join("outbox"), "chat.example:5050 Bob")?;
/// outbox.add(&fresh_post_id(), &Text::new("hello")?)?;
/// // After a restart:
/// for entry in outbox.fresh() {
///     // writer.send_entry(entry).await?;
/// #   assert_eq!(entry.text.as_str(), "hello");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Outbox {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    scope: String,
    /// `None` if it was closed to be replaced, which failed.
    file: Option<File>,
    /// The valid length of the file; a failed write may have left more bytes.
    length: u64,
    /// The length after the last compaction.
    compact: u64,
    /// All entries in the order of typing, including those of other scopes.
    entries: Vec<(String, OutboxEntry)>,
    warnings: Vec<FileWarning>,
    /// The thread that wrote last.
    #[cfg(test)]
    written_by: Option<std::thread::ThreadId>,
    _lock: FileLock,
}

impl Outbox {
    /// Opens and locks the outbox, and repairs it. `scope` names room and account: entries of other scopes stay in the
    /// file and are not returned.
    ///
    /// # Errors
    /// [`OutboxError`] when it is in use or cannot be read.
    pub fn open(path: impl AsRef<Path>, scope: &str) -> Result<Self, OutboxError> {
        Self::open_with(path.as_ref(), scope, &|_| false)
    }

    /// Opens the outbox of an account in a room, as [`Outbox::open`] does. Entries that are saved under another name of the
    /// room become entries of this [scope](RoomKey::scope): those of an earlier version, or of the time before the log of the
    /// room was known. The file is replaced as a whole, so a crash leaves all entries under the one name or the other.
    ///
    /// # Errors
    /// As [`Outbox::open`].
    pub fn open_for(path: impl AsRef<Path>, room: &RoomKey, who: &str) -> Result<Self, OutboxError> {
        Self::open_with(path.as_ref(), &room.scope(who), &|scope| room.is_scope(scope, who))
    }

    fn open_with(path: &Path, scope: &str, is_ours: &dyn Fn(&str) -> bool) -> Result<Self, OutboxError> {
        let lock = FileLock::acquire(path)?;
        let inner = Inner::open(path, scope, is_ours, lock);
        let inner = inner.map_err(|source| OutboxError::Io { path: path.to_owned(), source })?;
        Ok(Self { inner: Arc::new(Mutex::new(inner)) })
    }

    /// Returns what was found wrong with the file.
    #[must_use]
    pub fn warnings(&self) -> Vec<FileWarning> {
        self.lock().warnings.clone()
    }

    /// Returns all unconfirmed messages of this scope, in the order of typing.
    #[must_use]
    pub fn entries(&self) -> Vec<OutboxEntry> {
        let inner = self.lock();
        let ours = inner.entries.iter().filter(|(scope, _)| *scope == inner.scope);
        ours.map(|(_, entry)| entry.clone()).collect()
    }

    /// Returns the entries that may be sent without asking the user: younger than
    /// [`STALE_AFTER`](crate::STALE_AFTER), and not refused.
    #[must_use]
    pub fn fresh(&self) -> Vec<OutboxEntry> {
        let now = SystemTime::now();
        let mut entries = self.entries();
        entries.retain(|entry| !entry.is_stale(now) && !matches!(entry.state, DeliveryState::Refused { .. }));
        entries
    }

    /// Returns the entries that are too old to be sent without asking. Refused ones are neither fresh nor stale.
    #[must_use]
    pub fn stale(&self) -> Vec<OutboxEntry> {
        let now = SystemTime::now();
        let mut entries = self.entries();
        entries.retain(|entry| entry.is_stale(now) && !matches!(entry.state, DeliveryState::Refused { .. }));
        entries
    }

    /// Saves a message. Returns whether it is new: a message already saved under this id stays as it is. Do not call
    /// this while a writer has the outbox; see [`Writer::save`](crate::Writer::save).
    ///
    /// # Errors
    /// [`OutboxError::Io`]; the message is then not saved.
    pub fn add(&self, id: &PostId, text: &Text) -> Result<bool, OutboxError> {
        let mut inner = self.lock();
        if inner.entries.iter().any(|(_, entry)| entry.id == *id) {
            return Ok(false);
        }
        let entry =
            OutboxEntry { id: id.clone(), text: text.clone(), typed: SystemTime::now(), state: DeliveryState::Queued };
        let scope = inner.scope.clone();
        inner.happened(&[OutboxRecord::Added { scope, entry }])?;
        Ok(true)
    }

    /// Moves the entries of this scope from another outbox, with state and age. Each is saved here before it is removed
    /// there, so none is lost; an entry that is in both files has the same id.
    ///
    /// # Errors
    /// [`OutboxError::Io`]; the entries moved so far stay moved.
    pub fn adopt(&self, other: &Self) -> Result<(), OutboxError> {
        let scope = self.lock().scope.clone();
        let theirs: Vec<OutboxEntry> = {
            let other = other.lock();
            other.entries.iter().filter(|(of, _)| *of == scope).map(|(_, entry)| entry.clone()).collect()
        };
        for entry in theirs {
            let id = entry.id.clone();
            let state = OutboxRecord::State { id: id.clone(), state: entry.state.clone() };
            let mut inner = self.lock();
            if !inner.entries.iter().any(|(_, known)| known.id == id) {
                inner.happened(&[OutboxRecord::Added { scope: scope.clone(), entry }, state])?;
            }
            drop(inner);
            other.done(&id)?;
        }
        Ok(())
    }

    /// Returns whether the message is in the outbox.
    #[must_use]
    pub fn contains(&self, id: &PostId) -> bool {
        self.lock().entries.iter().any(|(_, entry)| entry.id == *id)
    }

    /// Returns whether most of the file is outdated, so that [`Outbox::compact`] is worthwhile.
    pub(crate) fn needs_compaction(&self) -> bool {
        let inner = self.lock();
        inner.length > COMPACT_ABOVE_BYTES && inner.length > 4 * inner.compact
    }

    /// Rewrites the file with only its current entries. Blocks for an fsync.
    pub(crate) fn compact(&self) {
        let mut inner = self.lock();
        let tidy = inner.rendered();
        if let Err(error) = inner.rewrite(&tidy) {
            tracing::warn!(path = %inner.path.display(), %error, "could not compact the outbox");
        }
        inner.compact = inner.length;
    }

    /// Sets the state of messages.
    pub(crate) fn mark(&self, ids: &[PostId], state: &DeliveryState) -> Result<(), OutboxError> {
        let records: Vec<OutboxRecord> =
            ids.iter().map(|id| OutboxRecord::State { id: id.clone(), state: state.clone() }).collect();
        self.lock().happened(&records)
    }

    /// Removes a message.
    pub(crate) fn done(&self, id: &PostId) -> Result<(), OutboxError> {
        let mut inner = self.lock();
        if !inner.entries.iter().any(|(_, entry)| entry.id == *id) {
            return Ok(());
        }
        inner.happened(&[OutboxRecord::Done { id: id.clone() }])
    }

    /// Simulates a full disk, or ends the simulation.
    #[cfg(test)]
    pub(crate) fn set_writable(&self, writable: bool) {
        let mut inner = self.lock();
        inner.file = Some(File::options().read(true).append(writable).open(&inner.path).unwrap());
    }

    /// Returns the thread that wrote the file last.
    #[cfg(test)]
    pub(crate) fn written_by(&self) -> Option<std::thread::ThreadId> {
        self.lock().written_by
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is complete or not started, so a panic in another thread leaves a consistent state: ignore the
        // poison.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn open(path: &Path, scope: &str, is_ours: &dyn Fn(&str) -> bool, lock: FileLock) -> io::Result<Self> {
        let mut warnings = Vec::new();
        let content = default_dir::read(path, MAX_BYTES, &mut warnings)?.unwrap_or_default();
        let (mut entries, damaged) = replay(&content);
        for (of, _) in entries.iter_mut().filter(|(of, _)| is_ours(of)) {
            scope.clone_into(of);
        }
        if !damaged.is_empty() {
            let to = file::damaged_path(path);
            file::open_append::<Repair>(&to, &mut Vec::new())?.write_all(&damaged)?;
            warnings.push(Repair::SetAside { path: path.to_owned(), to }.into());
        }
        let file = Some(default_dir::open_append(path, &mut warnings)?);
        // Lossless: `usize` has at most 64 bits; so below.
        let length = content.len() as u64;
        let scope = scope.to_owned();
        let mut inner = Self {
            path: path.to_owned(),
            scope,
            file,
            length,
            compact: 0,
            entries,
            warnings,
            #[cfg(test)]
            written_by: None,
            _lock: lock,
        };
        let tidy = inner.rendered();
        if tidy != content
            && let Err(error) = inner.rewrite(&tidy)
        {
            if !damaged.is_empty() {
                return Err(error);
            }
            tracing::warn!(path = %path.display(), %error, "could not compact the outbox");
        }
        inner.compact = inner.length;
        Ok(inner)
    }

    /// Appends to the file, then changes the entries: a change that was not written must not take effect.
    fn happened(&mut self, records: &[OutboxRecord]) -> Result<(), OutboxError> {
        let mut lines = Vec::new();
        for record in records {
            record.append(&mut lines);
        }
        let is_elsewhere = |file| OpenFileId::of(file).is_ok_and(|id| id.look(&self.path) == PathLook::Other);
        if self.file.as_ref().is_some_and(is_elsewhere) {
            // It was moved or removed: what is not confirmed must be in the file that the next run opens.
            let entries = self.rendered();
            self.rewrite(&entries).map_err(|source| OutboxError::Io { path: self.path.clone(), source })?;
            tracing::warn!(path = %self.path.display(), "the outbox was moved or removed; it was written again");
        }
        self.append(&lines).map_err(|source| OutboxError::Io { path: self.path.clone(), source })?;
        self.length += lines.len() as u64;
        #[cfg(test)]
        {
            self.written_by = Some(std::thread::current().id());
        }
        for record in records {
            apply(&mut self.entries, record.clone());
        }
        Ok(())
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => default_dir::open_append(&self.path, &mut self.warnings)?,
        };
        let file = self.file.insert(file);
        let written = file.write_all(lines);
        if written.is_err() {
            // An incomplete line would damage the next one.
            let _ = file.set_len(self.length);
        }
        written
    }

    fn rewrite(&mut self, content: &[u8]) -> io::Result<()> {
        if cfg!(windows) {
            // A file that is open is not replaced there.
            self.file = None;
        }
        let Replaced { file, synced: exchanged } = file::replace_and_open(&self.path, content)?;
        (self.file, self.length) = (Some(file), content.len() as u64);
        exchanged
    }

    /// Returns the shortest file content with these entries.
    fn rendered(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (scope, entry) in &self.entries {
            OutboxRecord::Added { scope: scope.clone(), entry: entry.clone() }.append(&mut out);
            if entry.state != DeliveryState::Queued {
                OutboxRecord::State { id: entry.id.clone(), state: entry.state.clone() }.append(&mut out);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests;
