//! Finds single accounts in a store.

use crate::accounts::TokenHash;
use crate::action::AccountId;
use crate::entry::AccountRecord;
use crate::error::JournalError;

/// Finds single accounts, so that a server has only those in memory that are used. Every call may wait for a disk, and
/// sees what was appended before.
///
/// ```
/// use chat_proto::{Nickname, Token};
/// use chat_server::{Draft, Journal, SqliteJournal, TokenHash};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dir = tempfile::tempdir()?;
/// let mut journal = SqliteJournal::open(dir.path())?;
/// let token = TokenHash::of(&Token::new("9a08f44c-c541-41eb-8c47-0242ac110002")?);
/// journal.append(&[Draft::Account { token, nickname: Nickname::new("Keen Bob")? }])?;
/// let reader = journal.reader();
/// let accounts = reader.accounts().ok_or("no index")?;
/// assert_eq!(accounts.by_token(&token)?.map(|account| account.id), Some(1));
/// assert_eq!(accounts.look_alikes("keen b0b")?, [1]);
/// # Ok(()) }
/// ```
pub trait AccountIndex: Send + Sync {
    /// Returns the account with this token, which is compared with [`TokenHash::matches`].
    ///
    /// # Errors
    /// [`JournalError`] if the store cannot be read, or if the account that was found is damaged.
    fn by_token(&self, token: &TokenHash) -> Result<Option<AccountRecord>, JournalError>;

    /// Returns the account with this number.
    ///
    /// # Errors
    /// As [`by_token`](Self::by_token).
    fn by_id(&self, id: AccountId) -> Result<Option<AccountRecord>, JournalError>;

    /// Returns the accounts that have, or have had, a nickname that looks like `name` or is the same. Erased accounts have
    /// none.
    ///
    /// # Errors
    /// As [`by_token`](Self::by_token).
    fn look_alikes(&self, name: &str) -> Result<Vec<AccountId>, JournalError>;

    /// Returns the number of accounts that are not erased.
    ///
    /// # Errors
    /// As [`by_token`](Self::by_token).
    fn count(&self) -> Result<u64, JournalError>;
}
