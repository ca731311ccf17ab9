//! How sessions reach the accounts: what may wait for a disk does so on a blocking thread, and in turns.

use std::net::IpAddr;
use std::sync::Arc;

use super::read_turns::ReadTurns;
use crate::accounts::{AccountDirectory, AccountLogin, NicknameReservation, TokenHash};
use crate::action::AccountId;
use crate::error::JournalError;

/// The directory of accounts, for sessions.
#[derive(Debug)]
pub(crate) struct AccountAccess {
    directory: Arc<AccountDirectory>,
    /// Whether calls that read the store may wait for a disk.
    waits: bool,
    turns: ReadTurns,
}

impl AccountAccess {
    /// Gives access to a directory; `waits` says whether reads of its store may wait.
    pub(super) fn new(directory: AccountDirectory, waits: bool) -> Self {
        let waits = waits && directory.reads();
        Self { directory: Arc::new(directory), waits, turns: ReadTurns::without_rate() }
    }

    /// Returns the directory itself, for threads that may wait and for calls that do not read the store.
    pub(crate) fn directory(&self) -> &AccountDirectory {
        &self.directory
    }

    /// Returns the account of a token, unless it is unknown or revoked. Only the first login of an account since the start of
    /// the server reads the store.
    ///
    /// # Errors
    /// [`JournalError`] if the store cannot be read.
    pub(super) async fn log_in(&self, peer: IpAddr, token: &TokenHash) -> Result<Option<AccountLogin>, JournalError> {
        if let Some(known) = self.directory.in_memory(token) {
            return Ok(Some(known).filter(|login| !login.account.is_revoked()));
        }
        let token = *token;
        self.in_turn(peer, move |accounts| accounts.log_in(&token)).await
    }

    /// Reserves a free nickname for a request, as [`AccountDirectory::reserve`] does.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in).
    pub(super) async fn reserve(&self, peer: IpAddr, asked: &str) -> Result<Option<NicknameReservation>, JournalError> {
        let asked = asked.to_owned();
        self.in_turn(peer, move |accounts| accounts.reserve(&asked)).await
    }

    /// Returns the entry of an account that the journal has stored.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in).
    pub(super) async fn register(
        &self,
        peer: IpAddr,
        reserved: NicknameReservation,
        id: AccountId,
        token: TokenHash,
    ) -> Result<Option<AccountLogin>, JournalError> {
        match self.directory.register(reserved, id, token) {
            Some(login) => Ok(Some(login)),
            None => self.in_turn(peer, move |accounts| accounts.by_id(id)).await,
        }
    }

    /// Calls the directory in the turn of `peer`: tokens that are guessed over many connections of one host delay the logins
    /// of another by a few reads.
    async fn in_turn<T: Send + 'static>(
        &self,
        peer: IpAddr,
        call: impl FnOnce(&AccountDirectory) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let turn = if self.waits { Some(self.turns.acquire(peer).await) } else { None };
        self.call(move |directory| {
            // The read goes on when its session is gone, so it keeps the turn.
            let _turn = turn;
            call(directory)
        })
        .await
    }

    /// Calls the directory, on a blocking thread if that may wait.
    ///
    /// # Errors
    /// Those of the call.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&AccountDirectory) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        if !self.waits {
            return call(&self.directory);
        }
        let directory = Arc::clone(&self.directory);
        match tokio::task::spawn_blocking(move || call(&directory)).await {
            Ok(result) => result,
            Err(failed) => Err(JournalError::Interrupted(failed.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::journal::{Journal as _, SqliteJournal};
    use crate::limits::READS_AT_ONCE;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_read_keeps_its_turn_when_its_session_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let journal = SqliteJournal::open(dir.path()).unwrap();
        let directory = AccountDirectory::over(journal.reader(), 40, fastrand::Rng::with_seed(7));
        let access = Arc::new(AccountAccess::new(directory, true));
        let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
        let mut reads = Vec::new();
        for _ in 0..READS_AT_ONCE {
            let (access, begun, (end, ended)) = (Arc::clone(&access), begun.clone(), mpsc::channel::<()>());
            let read = tokio::spawn(async move {
                let read = access.in_turn(PEER, move |_| {
                    let _ = begun.send(());
                    let _ = ended.recv_timeout(PATIENCE);
                    Ok(())
                });
                read.await
            });
            timeout(PATIENCE, begins.recv()).await.unwrap().unwrap();
            reads.push((read, end));
        }
        let mut ends = Vec::new();
        for (read, end) in reads {
            read.abort();
            assert!(read.await.unwrap_err().is_cancelled());
            ends.push(end);
        }
        let mut next = pin!(access.turns.acquire(PEER));
        assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(ends);
        timeout(PATIENCE, next).await.unwrap();
    }
}
