//! A journal in memory that outlives its server, can be full for a while, and rejects appends from a killed server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_server::{
    AccountRecord, ActionDraft, Appended, Draft, Journal, JournalError, JournalReader, LogEntry, LogStream,
    MemoryJournal, MessageRecord, OperatorAction, ReadLimit,
};

/// The simulated disk.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    journal: Arc<Mutex<MemoryJournal>>,
    full: Arc<AtomicBool>,
    /// The messages that an operator removed, as they were.
    removed: Arc<Mutex<Vec<MessageRecord>>>,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self { journal: Arc::new(Mutex::new(MemoryJournal::new())), full: Arc::default(), removed: Arc::default() }
    }

    /// Sets whether appends fail because the disk is full.
    pub(super) fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    /// Removes a message, as an operator does while no server runs. The newest stays, because listeners that have it are
    /// known to have everything.
    pub(super) fn remove(&self, seq: u64) -> Result<(), JournalError> {
        let mut journal = self.lock();
        let found = journal.reader().read(seq, ReadLimit::new(1, usize::MAX))?;
        let Some(message) = found.first().and_then(LogEntry::message).filter(|found| found.seq < journal.head()) else {
            return Ok(());
        };
        let actor = message.nickname.clone();
        let action = OperatorAction::Remove { seqs: vec![message.seq] };
        journal.append(&[Draft::Action(ActionDraft { actor, reason: None, action })])?;
        self.removed.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        Ok(())
    }

    /// Returns the messages that were removed.
    pub(super) fn removed(&self) -> Vec<MessageRecord> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns all stored messages, those that were removed included.
    pub(super) fn messages(&self) -> Result<Vec<MessageRecord>, JournalError> {
        let entries = self.lock().reader().read(1, ReadLimit::new(usize::MAX, usize::MAX))?;
        let mut messages: Vec<_> = entries.iter().filter_map(|entry| entry.message().cloned()).collect();
        messages.extend(self.removed());
        messages.sort_unstable_by_key(|message| message.seq);
        Ok(messages)
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
        self.disk.lock().append(drafts)
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
