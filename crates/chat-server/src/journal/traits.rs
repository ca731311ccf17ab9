//! The journal: the one place where facts are kept. It is driven by one thread and says nothing of
//! sockets, rooms or tasks.

use std::sync::Arc;

use chat_proto::Seq;

use crate::entry::{AccountId, AccountRecord, Appended, Draft, LogStream, MessageRecord};
use crate::error::JournalError;

/// Keeps accounts and messages. One thread owns it; reads go through its [`JournalReader`].
pub trait Journal: Send + 'static {
    /// The stretches of the log, oldest first; the last one is the present. Never empty.
    fn streams(&self) -> &[LogStream];

    /// The place of the last message; 0 before the first.
    fn head(&self) -> Seq;

    /// Every account.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read.
    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError>;

    /// Stores all drafts or none, and returns only when they would survive a power cut (as far as
    /// the journal promises that at all). Messages get the places after [`Journal::head`] without
    /// holes; the answers are in the order of the drafts.
    ///
    /// # Errors
    /// [`JournalError`]; then nothing was stored and the journal can be used on.
    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError>;

    /// Reads beside the owning thread. Only what was appended before is seen.
    fn reader(&self) -> Arc<dyn JournalReader>;

    /// Finds out whether something could be stored now, without storing anything that is seen. A journal that
    /// always can has nothing to do.
    ///
    /// # Errors
    /// [`JournalError`] as from [`Journal::append`].
    fn probe(&mut self) -> Result<(), JournalError>;

    /// Accounts that another process revoked since this was last asked.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read.
    fn revoked_elsewhere(&mut self) -> Result<Vec<AccountId>, JournalError> {
        Ok(Vec::new())
    }

    /// Closes it in an orderly way. Not calling it loses nothing that was stored.
    ///
    /// # Errors
    /// [`JournalError`] when the last tidying failed.
    fn close(&mut self) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Reads messages; may block, so it is called from blocking threads, unless it says that it does not.
pub trait JournalReader: Send + Sync + 'static {
    /// Whether reads, and appends of their journal, may wait for a disk. One that never waits is
    /// read where it is asked, without a thread in between.
    fn waits(&self) -> bool {
        true
    }

    /// The place of the oldest message that is kept; one after the head where there is none.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read.
    fn oldest(&self) -> Result<Seq, JournalError>;

    /// Messages from `from` on, in order, at most as many as `page` allows. Empty only when there is
    /// none left. A message that was damaged on disk is left out.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read.
    fn read(&self, from: Seq, page: ReadLimit) -> Result<Vec<MessageRecord>, JournalError>;

    /// The place of the first message later than `at` (milliseconds since the Unix epoch); one after
    /// the head where there is none.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read.
    fn first_after(&self, at: i64) -> Result<Seq, JournalError>;
}

/// How much one read returns at most.
#[derive(Debug, Clone, Copy)]
pub struct ReadLimit {
    /// Messages.
    pub messages: usize,
    /// Bytes of text; the message that crosses it is still returned.
    pub bytes: usize,
}
