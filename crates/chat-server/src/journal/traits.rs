//! The traits of a journal, the only storage of accounts and messages. One thread calls it.

use std::sync::Arc;

use chat_proto::Seq;

use super::account_index::AccountIndex;
use crate::action::{AccountId, ActionRecord};
use crate::entry::{AccountRecord, Appended, Draft, LogEntry, LogStream, MessageRecord};
use crate::error::JournalError;
use crate::retention::{ExpiryStep, Retention};

/// Stores accounts and messages. One thread owns it; reads use its [`JournalReader`].
///
/// A journal that wraps another one:
///
/// ```
/// use std::sync::Arc;
///
/// use chat_server::{AccountRecord, Appended, Draft, Journal, JournalError, JournalReader, LogStream, MemoryJournal};
/// use chat_server::{Server, ServerConfig};
///
/// /// Prints how many drafts each transaction has.
/// struct Printing(MemoryJournal);
///
/// impl Journal for Printing {
///     fn streams(&self) -> &[LogStream] {
///         self.0.streams()
///     }
///
///     fn head(&self) -> u64 {
///         self.0.head()
///     }
///
///     fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
///         self.0.accounts()
///     }
///
///     fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
///         println!("{} drafts", drafts.len());
///         self.0.append(drafts)
///     }
///
///     fn reader(&self) -> Arc<dyn JournalReader> {
///         self.0.reader()
///     }
///
///     fn probe(&mut self) -> Result<(), JournalError> {
///         self.0.probe()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::start(ServerConfig::on_free_ports(), Printing(MemoryJournal::new())).await?;
/// server.drain().await?;
/// # Ok(()) }
/// ```
pub trait Journal: Send + 'static {
    /// Returns the streams of the log, oldest first; the last one is the current. Never empty.
    fn streams(&self) -> &[LogStream];

    /// Returns the sequence number of the last message; 0 before the first.
    fn head(&self) -> Seq;

    /// Returns all accounts. A server calls it once at its start, unless [`JournalReader::accounts`] finds single ones.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError>;

    /// Stores all drafts or none, and returns only when they would survive a power failure (as far as the journal
    /// promises that). Messages get the sequence numbers after [`Journal::head`] without holes; the answers are in the
    /// order of the drafts.
    ///
    /// # Errors
    /// [`JournalError`]; then nothing was stored and the journal remains usable.
    fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError>;

    /// Removes some of the oldest messages if the rule says so: no more than a few milliseconds take. Afterwards
    /// [`JournalReader::oldest`] is higher, and sequence numbers stay as they are. Called between two appends, after each
    /// of them and about once a second. A journal that cannot do it keeps all.
    ///
    /// # Errors
    /// [`JournalError`]; it is tried again later.
    fn expire(&mut self, keep: &Retention) -> Result<ExpiryStep, JournalError> {
        let _ = keep;
        Ok(ExpiryStep::default())
    }

    /// Does what can wait until no draft does, such as erasing the last copies of removed texts. Called about once a
    /// second.
    ///
    /// # Errors
    /// [`JournalError`]; it is tried again at the next call.
    fn tidy(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    /// Returns a reader for other threads. It sees only what was appended before.
    fn reader(&self) -> Arc<dyn JournalReader>;

    /// Tests whether a draft could be stored now, without storing anything visible. A journal that is always writable
    /// does nothing.
    ///
    /// # Errors
    /// [`JournalError`] as from [`Journal::append`].
    fn probe(&mut self) -> Result<(), JournalError>;

    /// Returns the accounts that another process revoked since the last call.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    fn revoked_elsewhere(&mut self) -> Result<Vec<AccountId>, JournalError> {
        Ok(Vec::new())
    }

    /// Closes the journal cleanly. If it is not called, nothing that was stored is lost.
    ///
    /// # Errors
    /// [`JournalError`] if the final cleanup failed.
    fn close(&mut self) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Reads messages. Reads may block, so they run on blocking threads unless [`waits`](Self::waits) returns `false`.
///
/// ```
/// use chat_server::{Journal, MemoryJournal, ReadLimit};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let reader = MemoryJournal::new().reader();
/// assert!(reader.read(reader.oldest(), ReadLimit::new(100, 1 << 20))?.is_empty());
/// # Ok(()) }
/// ```
pub trait JournalReader: Send + Sync + 'static {
    /// Returns whether reads, and appends of the journal, may wait for a disk. If not, reads run directly, without
    /// another thread.
    fn waits(&self) -> bool {
        true
    }

    /// Returns the sequence number of the oldest stored message; one after the head if there is none.
    ///
    /// It is called for each request to resume, on the threads of the runtime, so it must be known without reading: a
    /// listener that asks for the newest messages must not wait for the pages of the others.
    fn oldest(&self) -> Seq;

    /// Reads messages from `from`, in order, at most as many as `page` allows. Empty only at the end. A removed message
    /// is read as what is left of it; one that was damaged on disk is skipped.
    ///
    /// # Errors
    /// [`JournalError`] if the messages cannot be read.
    fn read(&self, from: Seq, page: ReadLimit) -> Result<Vec<LogEntry>, JournalError>;

    /// Returns all actions, oldest first. A journal that stores none returns none.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    fn actions(&self) -> Result<Vec<ActionRecord>, JournalError> {
        Ok(Vec::new())
    }

    /// Returns the messages of an account from a time on (milliseconds since the Unix epoch), in order. Removed messages
    /// are left out.
    ///
    /// # Errors
    /// [`JournalError::Unsupported`] from a journal that cannot find them; another one if they cannot be read.
    fn of_account(&self, account: AccountId, since: i64) -> Result<Vec<MessageRecord>, JournalError> {
        let _ = (account, since);
        Err(JournalError::Unsupported)
    }

    /// Returns what finds single accounts. A server then does not read [`Journal::accounts`]; with `None` it has all
    /// accounts in memory.
    fn accounts(&self) -> Option<&dyn AccountIndex> {
        None
    }

    /// Returns the sequence number of the first message later than `at` (milliseconds since the Unix epoch); one after
    /// the head if there is none.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
    fn first_after(&self, at: i64) -> Result<Seq, JournalError>;
}

/// The limits of one read.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ReadLimit {
    /// The largest number of messages.
    pub messages: usize,
    /// The largest number of bytes of text; the message that exceeds it is still returned.
    pub bytes: usize,
}

impl ReadLimit {
    /// Creates a limit of that many messages and bytes of text.
    #[must_use]
    pub const fn new(messages: usize, bytes: usize) -> Self {
        Self { messages, bytes }
    }
}
