//! A journal in memory that outlives its server, can be full for a while, and rejects appends from a killed server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_server::{
    AccountRecord, ActionDraft, Appended, Draft, Journal, JournalError, JournalReader, LogEntry, LogStream,
    MemoryJournal, MessageRecord, OperatorAction, ReadLimit, Retention,
};

/// The simulated disk.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    journal: Arc<Mutex<MemoryJournal>>,
    full: Arc<AtomicBool>,
    /// The messages that an operator removed, as they were.
    removed: Arc<Mutex<Vec<MessageRecord>>>,
    /// The messages that have expired, as they were.
    expired: Arc<Mutex<Vec<MessageRecord>>>,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self {
            journal: Arc::new(Mutex::new(MemoryJournal::new())),
            full: Arc::default(),
            removed: Arc::default(),
            expired: Arc::default(),
        }
    }

    /// Sets whether appends fail because the disk is full.
    pub(super) fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    /// Appends directly, as an operator does while no server runs.
    pub(super) fn append(&self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
        let mut journal = self.lock();
        self.keep_removed(&journal, drafts)?;
        journal.append(drafts)
    }

    /// Removes the messages up to `last`, as a rule of retention does.
    pub(super) fn expire(&self, last: u64) -> anyhow::Result<()> {
        let mut journal = self.lock();
        let oldest = journal.reader().oldest();
        let entries = journal.reader().read(oldest, ReadLimit::new(usize::MAX, usize::MAX))?;
        let (expired, kept): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.seq() <= last);
        let bytes: usize = kept.into_iter().map(size).sum();
        journal.expire(&Retention::everything().with_bytes(Some(bytes as u64)))?;
        let now = journal.reader().oldest();
        anyhow::ensure!(now == last + 1, "the log begins at {now} and not after {last}");
        let messages = expired.into_iter().filter_map(|entry| entry.message().cloned());
        self.expired.lock().unwrap_or_else(PoisonError::into_inner).extend(messages);
        Ok(())
    }

    /// Remembers the messages that are about to be removed.
    fn keep_removed(&self, journal: &MemoryJournal, drafts: &[Draft]) -> Result<(), JournalError> {
        for draft in drafts {
            let Draft::Action(ActionDraft { action: OperatorAction::Remove { seqs }, .. }) = draft else { continue };
            let oldest = journal.reader().oldest();
            for &seq in seqs.iter().filter(|&&seq| seq >= oldest) {
                let found = journal.reader().read(seq, ReadLimit::new(1, usize::MAX))?;
                let messages = found.iter().filter_map(|entry| entry.message().cloned());
                self.removed.lock().unwrap_or_else(PoisonError::into_inner).extend(messages);
            }
        }
        Ok(())
    }

    /// Returns the messages that were removed.
    pub(super) fn removed(&self) -> Vec<MessageRecord> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns all messages that were ever stored, those that were removed or have expired included.
    pub(super) fn messages(&self) -> Result<Vec<MessageRecord>, JournalError> {
        let entries = self.lock().reader().read(1, ReadLimit::new(usize::MAX, usize::MAX))?;
        let mut messages: Vec<_> = entries.iter().filter_map(|entry| entry.message().cloned()).collect();
        messages.extend(self.removed());
        messages.extend(self.expired.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        messages.sort_unstable_by_key(|message| message.seq);
        Ok(messages)
    }

    /// Returns the number of the oldest stored message.
    pub(super) fn oldest(&self) -> u64 {
        self.lock().reader().oldest()
    }

    /// Returns the number of the newest message.
    pub(super) fn head(&self) -> u64 {
        self.lock().head()
    }

    /// Returns all accounts.
    pub(super) fn accounts(&self) -> Result<Vec<AccountRecord>, JournalError> {
        self.lock().accounts()
    }

    /// Opens the journal for one lifetime of the server.
    pub(super) fn open(&self) -> OpenJournal {
        let streams = self.lock().streams().to_vec();
        OpenJournal { disk: self.clone(), streams, killed: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, MemoryJournal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what an entry counts in the journal in memory.
fn size(entry: &LogEntry) -> usize {
    entry.message().map_or(0, |message| message.text.as_str().len() + message.nickname.as_str().len()) + 128
}

/// The journal as opened by one lifetime of the server.
#[derive(Debug)]
pub(super) struct OpenJournal {
    disk: Disk,
    streams: Vec<LogStream>,
    killed: Arc<AtomicBool>,
}

impl OpenJournal {
    /// Returns the flag that is set when the server is killed.
    pub(super) fn killed(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.killed)
    }
}

impl Journal for OpenJournal {
    fn streams(&self) -> &[LogStream] {
        &self.streams
    }

    fn head(&self) -> u64 {
        self.disk.lock().head()
    }

    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
        self.disk.lock().accounts()
    }

    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
        // The committer runs on its own thread even in a simulation. Relaxed is enough: it is the only other one.
        if self.killed.load(Ordering::Relaxed) || self.disk.full.load(Ordering::Relaxed) {
            return Err(JournalError::Full);
        }
        self.disk.append(drafts)
    }

    fn probe(&mut self) -> Result<(), JournalError> {
        if self.killed.load(Ordering::Relaxed) || self.disk.full.load(Ordering::Relaxed) {
            return Err(JournalError::Full);
        }
        Ok(())
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        self.disk.lock().reader()
    }
}
