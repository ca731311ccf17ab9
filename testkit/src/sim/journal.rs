//! A journal that outlives its server, can be full for a while, and takes nothing from a server that is dead.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_server::{
    Appended, Draft, Journal, JournalError, JournalReader, MemoryJournal, Page, StoredAccount, StoredMessage, Stream,
};

/// What is on the disk.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    journal: Arc<Mutex<MemoryJournal>>,
    full: Arc<AtomicBool>,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self { journal: Arc::new(Mutex::new(MemoryJournal::new())), full: Arc::default() }
    }

    /// While it is full, nothing is stored.
    pub(super) fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    /// All of it.
    pub(super) fn messages(&self) -> Result<Vec<StoredMessage>, JournalError> {
        self.lock().reader().read(1, Page { messages: usize::MAX, bytes: usize::MAX })
    }

    /// For one life of the server.
    pub(super) fn open(&self) -> OpenJournal {
        let streams = self.lock().streams().to_vec();
        OpenJournal { disk: self.clone(), streams, dead: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, MemoryJournal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The journal as one life of the server has it.
#[derive(Debug)]
pub(super) struct OpenJournal {
    disk: Disk,
    streams: Vec<Stream>,
    dead: Arc<AtomicBool>,
}

impl OpenJournal {
    /// Set when the server dies.
    pub(super) fn dead(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.dead)
    }
}

impl Journal for OpenJournal {
    fn streams(&self) -> &[Stream] {
        &self.streams
    }

    fn head(&self) -> u64 {
        self.disk.lock().head()
    }

    fn accounts(&mut self) -> Result<Vec<StoredAccount>, JournalError> {
        self.disk.lock().accounts()
    }

    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
        if self.dead.load(Ordering::Relaxed) || self.disk.full.load(Ordering::Relaxed) {
            return Err(JournalError::Full);
        }
        self.disk.lock().append(drafts)
    }

    fn reader(&self) -> Arc<dyn JournalReader> {
        self.disk.lock().reader()
    }
}
