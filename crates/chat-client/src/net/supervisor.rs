//! The state table between two connections, which both services follow.
//!
//! | state | leaves on | to |
//! |---|---|---|
//! | Connecting | dialled and dialogue done | Online |
//! | Connecting, Online | a failure that `ConnectError::retry` calls transient | Waiting |
//! | Connecting, Online | any other failure of the room or of every node; attempts or time used up | Closed |
//! | Waiting | the deadline, or "retry now" | Connecting |
//! | any | close | Closed |

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chat_proto::Extensions;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::config::{ClientConfig, RetryPolicy};
use crate::net::backoff::Backoff;
use crate::net::counters::{ServiceCount, ServiceCounters};
use crate::net::error::{ConnectError, Retry};
use crate::net::state::ConnectionState;

/// Counts failures, decides about the next attempt and publishes the state.
#[derive(Debug)]
pub(crate) struct Supervisor {
    policy: RetryPolicy,
    backoff: Backoff,
    nodes: u32,
    /// Nodes that have failed in a row; a connection that was online counts as a round of all.
    spent: u32,
    /// Nodes in a row whose error is final.
    refused_by: u32,
    state: watch::Sender<ConnectionState>,
    retry_now: Arc<Notify>,
    counters: Arc<ServiceCounters>,
    online_since: Option<Instant>,
    /// When the first of the failed attempts in a row started.
    row_since: Option<Instant>,
}

impl Supervisor {
    pub(crate) fn new(config: &ClientConfig, nodes: usize) -> Self {
        let nodes = u32::try_from(nodes).unwrap_or(u32::MAX).max(1);
        Self {
            policy: config.retry.clone(),
            backoff: Backoff::new(&config.retry, config.seed, nodes),
            nodes,
            spent: 0,
            refused_by: 0,
            state: watch::Sender::new(ConnectionState::Connecting { attempt: 1 }),
            retry_now: Arc::default(),
            counters: Arc::default(),
            online_since: None,
            row_since: None,
        }
    }

    /// Returns the state, for watching.
    pub(crate) fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.subscribe()
    }

    /// Returns a notifier that ends a wait in progress; a notification without a wait has no effect.
    pub(crate) fn retry_now(&self) -> Arc<Notify> {
        self.retry_now.clone()
    }

    /// Returns the counters of the service.
    pub(crate) fn counters(&self) -> Arc<ServiceCounters> {
        self.counters.clone()
    }

    /// Records the start of an attempt.
    pub(crate) fn connecting(&mut self) {
        self.counters.add(ServiceCount::Attempt, 1);
        self.row_since.get_or_insert_with(Instant::now);
        self.state.send_replace(ConnectionState::Connecting { attempt: self.backoff.failures() + 1 });
    }

    /// Records that the dialogue is complete.
    pub(crate) fn online(&mut self, extensions: Extensions) {
        if self.online_since.is_none() {
            self.counters.add(ServiceCount::Connection, 1);
            self.online_since = Some(Instant::now());
        }
        tracing::info!(ids = extensions.id, numbered = extensions.resume, "online");
        self.state.send_replace(ConnectionState::Online { since: SystemTime::now(), extensions });
    }

    /// Records that an attempt or a connection failed. Returns until when to wait, or `None` if no attempt is left.
    pub(crate) fn failed(&mut self, cause: Arc<ConnectError>) -> Option<Instant> {
        let now = Instant::now();
        if let Some(since) = self.online_since.take() {
            // Time online does not count as failed time, however short it was.
            self.row_since = Some(now);
            if now - since >= self.policy.reset_after {
                self.backoff.reset();
                self.spent = 0;
            }
            self.spent = self.spent.saturating_add(self.nodes);
        } else {
            self.spent = self.spent.saturating_add(1);
        }
        let is_final = self.is_final(&cause);
        let delay = self.backoff.next();
        let tries_left = self.policy.max_attempts.is_none_or(|max| self.spent < max.saturating_mul(self.nodes));
        let give_up_at = self.policy.max_time.map(|max| self.row_since.unwrap_or(now) + max);
        let time_left = give_up_at.is_none_or(|at| now < at);
        if is_final || !tries_left || !time_left {
            self.closed(Some(cause));
            return None;
        }
        let retry_at = give_up_at.map_or(now + delay, |at| at.min(now + delay));
        tracing::info!(cause = %cause, attempt = self.backoff.failures(), "waiting before the next attempt");
        self.state.send_replace(ConnectionState::Waiting { attempt: self.backoff.failures(), retry_at, cause });
        Some(retry_at)
    }

    /// Returns whether another attempt makes no sense at any node.
    fn is_final(&mut self, cause: &ConnectError) -> bool {
        if cause.retry() == Retry::Transient {
            self.refused_by = 0;
            return false;
        }
        self.refused_by += 1;
        !cause.is_of_node() || self.refused_by >= self.nodes
    }

    /// Waits until this time, or until a caller asks to retry now. Returns whether a caller has asked.
    pub(crate) async fn wait(&self, until: Instant) -> bool {
        tokio::select! {
            // A fixed order of polling, so that a simulation replays from its seed.
            biased;
            () = tokio::time::sleep_until(until) => false,
            () = self.retry_now.notified() => true,
        }
    }

    /// Records that the service has ended.
    pub(crate) fn closed(&self, cause: Option<Arc<ConnectError>>) {
        match &cause {
            Some(cause) => tracing::info!(%cause, "closed for good"),
            None => tracing::info!("closed"),
        }
        self.state.send_replace(ConnectionState::Closed { cause });
    }
}

/// Panics if the services cannot run: outside a Tokio runtime, or in one without timers.
#[track_caller]
pub(crate) fn assert_runtime() {
    drop(tokio::time::sleep(Duration::ZERO));
}

/// Waits until the state is online, or returns why it never will be.
pub(crate) async fn wait_online(mut state: watch::Receiver<ConnectionState>) -> Result<(), Option<Arc<ConnectError>>> {
    match state.wait_for(|state| state.is_online() || state.is_closed()).await.as_deref() {
        Ok(ConnectionState::Closed { cause }) => Err(cause.clone()),
        Ok(_) => Ok(()),
        // The sender is gone: the runtime is shutting down.
        Err(_) => Err(None),
    }
}
