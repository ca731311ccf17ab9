//! What happens between two connections: the table of states that both services follow. It dials nothing itself.
//!
//! | state | leaves on | to |
//! |---|---|---|
//! | Connecting | dialled and dialogue done | Online |
//! | Connecting, Online | a failure that `ConnectError::retry` calls transient | Waiting |
//! | Connecting, Online | any other failure; attempts or time used up | Closed |
//! | Waiting | the deadline, or "retry now" | Connecting |
//! | any | close | Closed |

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chat_proto::Extensions;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::config::{ClientConfig, RetryPolicy};
use crate::net::backoff::Backoff;
use crate::net::error::{ConnectError, Retry};
use crate::net::state::ConnectionState;

/// Counts failures, decides about the next attempt and publishes the state.
#[derive(Debug)]
pub(crate) struct Supervisor {
    policy: RetryPolicy,
    backoff: Backoff,
    state: watch::Sender<ConnectionState>,
    retry_now: Arc<Notify>,
    online_since: Option<Instant>,
    /// When the first of the attempts in a row began.
    row_since: Option<Instant>,
}

impl Supervisor {
    pub(crate) fn new(config: &ClientConfig) -> Self {
        Self {
            policy: config.retry.clone(),
            backoff: Backoff::new(&config.retry, config.seed),
            state: watch::Sender::new(ConnectionState::Connecting { attempt: 1 }),
            retry_now: Arc::default(),
            online_since: None,
            row_since: None,
        }
    }

    /// The state, for watching.
    pub(crate) fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.subscribe()
    }

    /// Ends a wait that is going on; keeps nothing for a later one.
    pub(crate) fn retry_now(&self) -> Arc<Notify> {
        self.retry_now.clone()
    }

    /// An attempt begins.
    pub(crate) fn connecting(&mut self) {
        self.row_since.get_or_insert_with(Instant::now);
        self.state.send_replace(ConnectionState::Connecting { attempt: self.backoff.failures() + 1 });
    }

    /// The dialogue is done.
    pub(crate) fn online(&mut self, extensions: Extensions) {
        self.online_since.get_or_insert_with(Instant::now);
        tracing::info!(ids = extensions.id, numbered = extensions.resume, "online");
        self.state.send_replace(ConnectionState::Online { since: SystemTime::now(), extensions });
    }

    /// An attempt or a connection failed. Says until when to wait, or that it is over.
    pub(crate) fn failed(&mut self, cause: Arc<ConnectError>) -> Option<Instant> {
        let now = Instant::now();
        if let Some(since) = self.online_since.take() {
            // Time online is no time in vain, however short it was.
            self.row_since = Some(now);
            if now - since >= self.policy.reset_after {
                self.backoff.reset();
            }
        }
        let delay = self.backoff.next();
        let tries_left = self.policy.max_attempts.is_none_or(|max| self.backoff.failures() < max);
        let give_up_at = self.policy.max_time.map(|max| self.row_since.unwrap_or(now) + max);
        let time_left = give_up_at.is_none_or(|at| now < at);
        if cause.retry() == Retry::Final || !tries_left || !time_left {
            self.closed(Some(cause));
            return None;
        }
        let retry_at = give_up_at.map_or(now + delay, |at| at.min(now + delay));
        tracing::info!(cause = %cause, attempt = self.backoff.failures(), "waiting before the next attempt");
        self.state.send_replace(ConnectionState::Waiting { attempt: self.backoff.failures(), retry_at, cause });
        Some(retry_at)
    }

    /// Waits until then, or until somebody asks for an attempt at once.
    pub(crate) async fn wait(&self, until: Instant) {
        tokio::select! {
            // Like every choice of this crate, so that a simulation from a seed replays.
            biased;
            () = tokio::time::sleep_until(until) => {}
            () = self.retry_now.notified() => {}
        }
    }

    /// It is over.
    pub(crate) fn closed(&self, cause: Option<Arc<ConnectError>>) {
        match &cause {
            Some(cause) => tracing::info!(%cause, "closed for good"),
            None => tracing::info!("closed"),
        }
        self.state.send_replace(ConnectionState::Closed { cause });
    }
}

/// Panics where the services cannot run: outside a Tokio runtime, or in one without timers.
#[track_caller]
pub(crate) fn assert_runtime() {
    drop(tokio::time::sleep(Duration::ZERO));
}

/// Waits until the state is online, or returns why it will not be.
pub(crate) async fn wait_online(mut state: watch::Receiver<ConnectionState>) -> Result<(), Option<Arc<ConnectError>>> {
    match state.wait_for(|state| state.is_online() || state.is_closed()).await.as_deref() {
        Ok(ConnectionState::Closed { cause }) => Err(cause.clone()),
        Ok(_) => Ok(()),
        // The runtime is shutting down.
        Err(_) => Err(None),
    }
}
