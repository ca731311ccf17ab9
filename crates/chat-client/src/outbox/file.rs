//! The file that keeps the outbox over restarts: append-only, one line for each thing that happened, rewritten as a
//! whole when most of it is history. It sends nothing.
//!
//! What has been appended survives the death of the process at once; a power failure may take back the last seconds,
//! because a person's keystroke does not wait for a disk. A line that is damaged is moved to a file of its own and
//! named; from then on everything that is left counts as written, since the mark may have been among what was damaged.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_proto::{Message, Nickname, PostId, Text};
use jiff::Timestamp;
use private_files::file::{self, Replaced};
use private_files::{FileLock, LockError, Repair};

use super::entry::{EntryState, OutboxEntry};
use super::record::OutboxRecord;
use crate::own_dir;
use crate::warning::FileWarning;

/// A queue holds some thousand posts of at most 16 KiB; a larger file is not ours.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// A file below this is not worth rewriting.
const COMPACT_ABOVE_BYTES: u64 = 256 * 1024;

/// A handle on the outbox: its clones share one file and one lock.
#[derive(Clone, Debug)]
pub struct Outbox {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    scope: String,
    file: File,
    /// How much of the file is sound; what a failed write left behind is beyond it.
    length: u64,
    /// Length after the last rewriting.
    compact: u64,
    /// In the order of typing, those of other scopes among them.
    entries: Vec<(String, OutboxEntry)>,
    warnings: Vec<FileWarning>,
    _lock: FileLock,
}

/// Why the outbox cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// Somebody else has it.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// It cannot be read or written.
    #[error("cannot use the outbox {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Outbox {
    /// Opens and locks the outbox, and mends it. `scope` names room and account: entries of other scopes stay in the
    /// file and are not shown.
    ///
    /// # Errors
    /// [`OutboxError`] when it is in use or cannot be read.
    pub fn open(path: impl AsRef<Path>, scope: &str) -> Result<Self, OutboxError> {
        let path = path.as_ref();
        let lock = FileLock::acquire(path)?;
        let inner = Inner::open(path, scope, lock);
        let inner = inner.map_err(|source| OutboxError::Io { path: path.to_owned(), source })?;
        Ok(Self { inner: Arc::new(Mutex::new(inner)) })
    }

    /// What was wrong with the file.
    #[must_use]
    pub fn warnings(&self) -> Vec<FileWarning> {
        self.lock().warnings.clone()
    }

    /// All posts of this scope that are not confirmed, in the order of typing.
    #[must_use]
    pub fn entries(&self) -> Vec<OutboxEntry> {
        let inner = self.lock();
        let ours = inner.entries.iter().filter(|(scope, _)| *scope == inner.scope);
        ours.map(|(_, entry)| entry.clone()).collect()
    }

    /// Those that may be sent without asking: young enough, and not refused.
    #[must_use]
    pub fn fresh(&self) -> Vec<OutboxEntry> {
        let now = Timestamp::now();
        let mut entries = self.entries();
        entries.retain(|entry| !entry.is_stale(now) && entry.state != EntryState::Refused);
        entries
    }

    /// Those that are too old to be sent without asking. Refused ones are neither fresh nor stale.
    #[must_use]
    pub fn stale(&self) -> Vec<OutboxEntry> {
        let now = Timestamp::now();
        let mut entries = self.entries();
        entries.retain(|entry| entry.is_stale(now) && entry.state != EntryState::Refused);
        entries
    }

    /// Forgets a post that nobody wants to send any more; one that is not there is fine.
    ///
    /// # Errors
    /// [`OutboxError::Io`]; it is still there then.
    pub fn discard(&self, id: &PostId) -> Result<(), OutboxError> {
        self.done(id)
    }

    /// On a server without ids the echo on the listen port is the only proof: settles the oldest written post with
    /// this text, one that is under way before one that was given up, if `message` is one that `nickname` wrote, and says which.
    #[must_use]
    pub fn echoed(&self, nickname: &Nickname, message: &Message) -> Option<PostId> {
        if message.sender.as_ref() != Some(nickname) {
            return None;
        }
        let heard = message.text.flattened();
        let entries = self.entries();
        let same = |entry: &&OutboxEntry| entry.may_have_been_delivered() && entry.text.flattened() == heard;
        let given_up = |entry: &&OutboxEntry| entry.state == EntryState::Unconfirmed;
        let id = entries.iter().filter(same).min_by_key(given_up)?.id.clone();
        self.done(&id).ok()?;
        Some(id)
    }

    /// Keeps a post, and says whether it is new. One that is kept already, under its id, is kept as it is.
    ///
    /// # Errors
    /// [`OutboxError::Io`]; it is not kept then.
    pub fn add(&self, id: &PostId, text: &Text) -> Result<bool, OutboxError> {
        let mut inner = self.lock();
        if inner.entries.iter().any(|(_, entry)| entry.id == *id) {
            return Ok(false);
        }
        let entry =
            OutboxEntry { id: id.clone(), text: text.clone(), typed: Timestamp::now(), state: EntryState::Queued };
        let scope = inner.scope.clone();
        inner.happened(&[OutboxRecord::Added { scope, entry }])?;
        Ok(true)
    }

    /// Takes over the posts of this scope from another outbox, as far as they came and as old as they are: kept here
    /// first, forgotten there then.
    ///
    /// # Errors
    /// [`OutboxError::Io`]; no post is lost, and one that is in both files has one id.
    pub fn adopt(&self, other: &Self) -> Result<(), OutboxError> {
        let scope = self.lock().scope.clone();
        let theirs: Vec<OutboxEntry> = {
            let other = other.lock();
            other.entries.iter().filter(|(of, _)| *of == scope).map(|(_, entry)| entry.clone()).collect()
        };
        for entry in theirs {
            let id = entry.id.clone();
            let state = OutboxRecord::State { id: id.clone(), state: entry.state };
            let mut inner = self.lock();
            if !inner.entries.iter().any(|(_, known)| known.id == id) {
                inner.happened(&[OutboxRecord::Added { scope: scope.clone(), entry }, state])?;
            }
            drop(inner);
            other.done(&id)?;
        }
        Ok(())
    }

    /// Takes note of how far posts have come.
    pub(crate) fn mark(&self, ids: &[PostId], state: EntryState) -> Result<(), OutboxError> {
        let records: Vec<OutboxRecord> = ids.iter().map(|id| OutboxRecord::State { id: id.clone(), state }).collect();
        self.lock().happened(&records)
    }

    /// Forgets a post.
    pub(crate) fn done(&self, id: &PostId) -> Result<(), OutboxError> {
        let mut inner = self.lock();
        if !inner.entries.iter().any(|(_, entry)| entry.id == *id) {
            return Ok(());
        }
        inner.happened(&[OutboxRecord::Done { id: id.clone() }])
    }

    /// Acts as a disk that takes nothing more, or as a sound one again.
    #[cfg(test)]
    pub(crate) fn set_writable(&self, writable: bool) {
        let mut inner = self.lock();
        inner.file = File::options().read(true).append(writable).open(&inner.path).unwrap();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change to it is complete or not begun, whatever happened to a thread that held it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn open(path: &Path, scope: &str, lock: FileLock) -> io::Result<Self> {
        let mut warnings = Vec::new();
        let content = own_dir::read(path, MAX_BYTES, &mut warnings)?.unwrap_or_default();
        let (entries, damaged) = replay(&content);
        if !damaged.is_empty() {
            let to = file::damaged_path(path);
            file::open_append::<Repair>(&to, &mut Vec::new())?.write_all(&damaged)?;
            warnings.push(Repair::SetAside { path: path.to_owned(), to }.into());
        }
        let file = own_dir::open_append(path, &mut warnings)?;
        let length = content.len() as u64;
        let scope = scope.to_owned();
        let mut inner = Self { path: path.to_owned(), scope, file, length, compact: 0, entries, warnings, _lock: lock };
        let tidy = inner.rendered();
        if tidy != content
            && let Err(error) = inner.rewrite(&tidy)
        {
            if !damaged.is_empty() {
                return Err(error);
            }
            tracing::warn!(path = %path.display(), %error, "the outbox could not be tidied");
        }
        inner.compact = inner.length;
        Ok(inner)
    }

    /// Appends to the file, then changes the entries: what could not be written has not happened.
    fn happened(&mut self, records: &[OutboxRecord]) -> Result<(), OutboxError> {
        let mut lines = Vec::new();
        for record in records {
            record.append(&mut lines);
        }
        if let Err(source) = self.file.write_all(&lines) {
            // Half a line would spoil the next one.
            let _ = self.file.set_len(self.length);
            return Err(OutboxError::Io { path: self.path.clone(), source });
        }
        self.length += lines.len() as u64;
        for record in records {
            apply(&mut self.entries, record.clone());
        }
        if self.length > COMPACT_ABOVE_BYTES && self.length > 4 * self.compact {
            let tidy = self.rendered();
            if let Err(error) = self.rewrite(&tidy) {
                tracing::warn!(path = %self.path.display(), %error, "the outbox could not be tidied");
            }
            self.compact = self.length;
        }
        Ok(())
    }

    fn rewrite(&mut self, content: &[u8]) -> io::Result<()> {
        let Replaced { file, synced: exchanged } = file::replace_and_open(&self.path, content)?;
        (self.file, self.length) = (file, content.len() as u64);
        exchanged
    }

    /// The shortest file with these entries.
    fn rendered(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (scope, entry) in &self.entries {
            OutboxRecord::Added { scope: scope.clone(), entry: entry.clone() }.append(&mut out);
            if entry.state != EntryState::Queued {
                OutboxRecord::State { id: entry.id.clone(), state: entry.state }.append(&mut out);
            }
        }
        out
    }
}

/// The entries that the lines lead to, and the lines that are damaged. A last line without its end was torn by a
/// crash: the damaged part, too.
fn replay(content: &[u8]) -> (Vec<(String, OutboxEntry)>, Vec<u8>) {
    let (mut entries, mut damaged) = (Vec::new(), Vec::new());
    for line in content.split_inclusive(|&b| b == b'\n') {
        match line.strip_suffix(b"\n").and_then(OutboxRecord::parse) {
            Some(record) => apply(&mut entries, record),
            None => damaged.extend_from_slice(line),
        }
    }
    if !damaged.is_empty() {
        for (_, entry) in entries.iter_mut().filter(|(_, entry)| entry.state == EntryState::Queued) {
            entry.state = EntryState::Written;
        }
    }
    (entries, damaged)
}

fn apply(entries: &mut Vec<(String, OutboxEntry)>, record: OutboxRecord) {
    match record {
        OutboxRecord::Added { scope, entry } => {
            if !entries.iter().any(|(_, known)| known.id == entry.id) {
                entries.push((scope, entry));
            }
        }
        OutboxRecord::State { id, state } => {
            if let Some((_, entry)) = entries.iter_mut().find(|(_, entry)| entry.id == id) {
                entry.state = state;
            }
        }
        OutboxRecord::Done { id } => entries.retain(|(_, entry)| entry.id != id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> PostId {
        PostId::new(&format!("post-{n}")).unwrap()
    }

    fn text(raw: &str) -> Text {
        Text::new(raw).unwrap()
    }

    fn states(outbox: &Outbox) -> Vec<(String, EntryState)> {
        outbox.entries().into_iter().map(|entry| (entry.text.to_string(), entry.state)).collect()
    }

    #[test]
    fn what_was_typed_survives_in_order_with_its_state() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outbox");
        let outbox = Outbox::open(&path, "room Bob").unwrap();
        for n in 0..5 {
            outbox.add(&id(n), &text(&format!("line\n{n}"))).unwrap();
        }
        outbox.mark(&[id(1), id(2)], EntryState::Written).unwrap();
        outbox.mark(&[id(3)], EntryState::Refused).unwrap();
        outbox.done(&id(2)).unwrap();
        outbox.discard(&id(0)).unwrap();
        let expected =
            [("line\n1", EntryState::Written), ("line\n3", EntryState::Refused), ("line\n4", EntryState::Queued)];
        let expected = expected.map(|(text, state)| (text.to_owned(), state));
        assert_eq!(states(&outbox), expected);
        assert!(matches!(Outbox::open(&path, "room Bob"), Err(OutboxError::Locked(LockError::Held { .. }))));
        drop(outbox);

        let other = Outbox::open(&path, "room Eve").unwrap();
        assert_eq!(other.entries(), []);
        drop(other);
        let again = Outbox::open(&path, "room Bob").unwrap();
        assert_eq!(states(&again), expected);
        assert_eq!(again.fresh().len(), 2);
        assert_eq!(again.warnings(), []);
    }

    #[test]
    fn an_old_post_is_not_fresh() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outbox");
        let typed = Timestamp::now() - STALE - std::time::Duration::from_secs(60);
        let entry = OutboxEntry { id: id(1), text: text("old"), typed, state: EntryState::Queued };
        let mut line = Vec::new();
        OutboxRecord::Added { scope: "s".into(), entry }.append(&mut line);
        std::fs::write(&path, line).unwrap();
        let outbox = Outbox::open(&path, "s").unwrap();
        assert_eq!((outbox.fresh().len(), outbox.stale().len()), (0, 1));
    }

    const STALE: std::time::Duration = super::super::entry::STALE_AFTER;

    #[test]
    fn the_echo_settles_the_oldest_written_post_of_that_text() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(dir.path().join("outbox"), "s").unwrap();
        for n in 0..3 {
            outbox.add(&id(n), &text("two\nlines")).unwrap();
        }
        outbox.mark(&[id(1), id(2)], EntryState::Unconfirmed).unwrap();
        let bob = Nickname::new("Keen Bob").unwrap();
        let heard = |line: &str| Message::from_plain(&chat_proto::Line::from(line)).unwrap();
        assert_eq!(outbox.echoed(&bob, &heard("Eve: two lines")), None);
        assert_eq!(outbox.echoed(&bob, &heard("Keen Bob: two lines")), Some(id(1)));
        assert_eq!(outbox.echoed(&bob, &heard("Keen Bob: two lines")), Some(id(2)));
        assert_eq!(outbox.echoed(&bob, &heard("Keen Bob: two lines")), None);
    }

    #[test]
    fn a_long_life_does_not_grow_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outbox");
        let outbox = Outbox::open(&path, "s").unwrap();
        outbox.add(&id(0), &text("stays")).unwrap();
        for n in 1..3000 {
            outbox.add(&id(n), &text(&"x".repeat(200))).unwrap();
            outbox.done(&id(n)).unwrap();
        }
        assert!(std::fs::metadata(&path).unwrap().len() < 2 * COMPACT_ABOVE_BYTES);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let ours = outbox.lock().file.metadata().unwrap();
            assert_eq!(ours.ino(), std::fs::metadata(&path).unwrap().ino(), "what is appended is appended to the file");
        }
        drop(outbox);
        assert_eq!(states(&Outbox::open(&path, "s").unwrap()), [("stays".to_owned(), EntryState::Queued)]);
    }

    #[test]
    fn damage_anywhere_keeps_the_rest_sets_the_bad_aside_and_names_it() {
        let mut whole = Vec::new();
        let entry = |n| OutboxEntry {
            id: id(n),
            text: text(&format!("t{n}")),
            typed: Timestamp::UNIX_EPOCH,
            state: EntryState::Queued,
        };
        for n in 0..4 {
            OutboxRecord::Added { scope: "s".into(), entry: entry(n) }.append(&mut whole);
        }
        let check = |damaged: &[u8], spoilt: usize| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("outbox");
            std::fs::write(&path, damaged).unwrap();
            let outbox = Outbox::open(&path, "s").unwrap();
            assert!(outbox.entries().len() >= 4 - spoilt);
            match &outbox.warnings()[..] {
                [.., FileWarning::Repaired(Repair::SetAside { to, .. })] => {
                    assert!(!std::fs::read(to).unwrap().is_empty());
                    assert!(outbox.entries().iter().all(|entry| entry.state != EntryState::Queued));
                }
                _ => assert!(outbox.entries().iter().all(|entry| entry.text.as_str().starts_with('t'))),
            }
            let before = states(&outbox);
            drop(outbox);
            assert_eq!(states(&Outbox::open(&path, "s").unwrap()), before);
        };
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x15;
            check(&damaged, 2);
            check(&whole[..at], 4);
        }
    }
}
