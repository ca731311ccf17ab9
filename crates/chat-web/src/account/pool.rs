//! All accounts in use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat_client::{ClientConfig, Token};
use futures_util::future::join_all;
use sha2::{Digest as _, Sha256};
use tokio::time::interval;

use super::session::{IDLE, WebAccount};
use crate::dialler::Dialler;

/// How many accounts have a connection at once. Each is a connection of the room, which has 16,384 in all.
const MAX_WRITERS: usize = 1_024;

/// How long an account is known after its last use, with the outcomes of its posts.
const FORGET_AFTER: Duration = Duration::from_secs(15 * 60);

/// How often idle writers are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// All accounts in use. Clones are the same pool.
#[derive(Clone, Debug)]
pub(crate) struct AccountPool(Arc<PoolInner>);

#[derive(Debug)]
struct PoolInner {
    config: ClientConfig,
    dialler: Dialler,
    /// By the hash of the token, so that no further copy of it is in memory.
    sessions: Mutex<HashMap<[u8; 32], Arc<WebAccount>>>,
}

/// As many accounts as the gateway takes are in use.
#[derive(Debug)]
pub(crate) struct PoolFull;

impl AccountPool {
    pub(crate) fn new(config: ClientConfig, dialler: Dialler) -> Self {
        let pool = Self(Arc::new(PoolInner { config, dialler, sessions: Mutex::default() }));
        tokio::spawn(sweep(Arc::downgrade(&pool.0)));
        pool
    }

    /// Returns the session of an account.
    ///
    /// # Errors
    /// [`PoolFull`] if the account is not in use and there is no place for one more.
    pub(crate) fn session(&self, token: &Token) -> Result<Arc<WebAccount>, PoolFull> {
        let key = Sha256::digest(token.expose().as_bytes()).into();
        let mut sessions = self.0.sessions();
        if let Some(session) = sessions.get(&key) {
            return Ok(session.clone());
        }
        if sessions.len() >= MAX_WRITERS {
            // Sessions that no page holds, the one first that was not used for longest.
            let unused = sessions.iter().filter(|(_, session)| Arc::strong_count(session) == 1);
            let oldest = unused.min_by_key(|(_, session)| session.used()).map(|(key, _)| *key).ok_or(PoolFull)?;
            sessions.remove(&oldest);
        }
        let session = WebAccount::new(self.0.config.clone(), self.0.dialler.clone(), token.clone());
        sessions.insert(key, session.clone());
        Ok(session)
    }

    /// Returns how many accounts are known, and how many of them have a writer.
    pub(crate) fn count(&self) -> (usize, usize) {
        let sessions = self.0.sessions();
        (sessions.len(), sessions.values().filter(|session| session.is_running()).count())
    }

    /// Ends all writers; what is queued is sent for at most `within`.
    pub(crate) async fn close(&self, within: Duration) {
        let sessions: Vec<_> = self.0.sessions().values().cloned().collect();
        join_all(sessions.iter().map(|session| session.close(within))).await;
    }
}

impl PoolInner {
    fn sessions(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<WebAccount>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends idle writers, and forgets accounts that are no longer used.
async fn sweep(pool: std::sync::Weak<PoolInner>) {
    let mut ticks = interval(SWEEP_INTERVAL);
    loop {
        ticks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        pool.sessions().retain(|_, session| {
            session.close_if_idle(IDLE);
            Arc::strong_count(session) > 1 || session.is_running() || session.used().elapsed() < FORGET_AFTER
        });
    }
}
