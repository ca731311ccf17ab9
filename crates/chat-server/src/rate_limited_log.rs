//! Log lines about events that a peer or a failing disk can repeat at will: at most one line per second of each kind,
//! with a count. A line names the peer of its last event, and quotes no text of a peer.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chat_proto::Nickname;

/// The shortest time between two lines of one kind.
const INTERVAL: Duration = Duration::from_secs(1);

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "two kinds are events of the SQLite store"))]
pub(crate) enum RateLimitedLog {
    /// A connection was closed at once, because a limit is reached.
    ConnectionRefused,
    /// A token that belongs to no account.
    UnknownToken,
    /// A registration over the rate of its address.
    RegistrationRefused,
    /// A registration while registrations are closed, or without the invitation code.
    NotInvited,
    /// A post over the rate was declined or delayed.
    PostPutOff,
    /// A post without an id was dropped, because its text is too long.
    TextTooLong,
    /// A message in the store is damaged and was left out.
    DamagedMessage,
    /// The store could not be read for a listener.
    UnreadableStore,
    /// The store could not be read for the account of a writer.
    UnreadableAccounts,
    /// The end of the log could not be noted beside the store.
    HeadNotNoted,
    /// Old messages could not be removed.
    NotExpired,
    /// No connection could be accepted.
    NotAccepted,
    /// A balancer did not send a PROXY header.
    NoProxyHeader,
    /// A revoked account tried to post.
    RevokedRefused,
    /// The log that the nodes of the room share was read with a place missing.
    LogHole,
    /// The log that the nodes of the room share has refused a batch.
    LogRefused,
}

/// The number of kinds; the last one is the last of the enum.
const KINDS: usize = RateLimitedLog::LogRefused as usize + 1;

/// One throttle for each kind, shared by all servers of the process since they share one log.
static THROTTLES: [Mutex<Throttle>; KINDS] = [const { Mutex::new(Throttle::new()) }; KINDS];

/// What is known about an event.
#[derive(Default)]
struct Details<'a> {
    peer: Option<IpAddr>,
    account: Option<&'a str>,
    error: Option<String>,
}

impl RateLimitedLog {
    /// Counts the event and logs it, unless a line of this kind was written within the last second.
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "an event of the SQLite store"))]
    pub(crate) fn log(self) {
        self.log_with(Details::default);
    }

    /// As [`log`](Self::log), with the address that caused it.
    pub(crate) fn log_peer(self, peer: IpAddr) {
        self.log_with(|| Details { peer: Some(peer), ..Details::default() });
    }

    /// As [`log`](Self::log), with the address and the account that caused it.
    pub(crate) fn log_account(self, peer: IpAddr, account: &Nickname) {
        self.log_with(|| Details { peer: Some(peer), account: Some(account.as_str()), error: None });
    }

    /// As [`log`](Self::log), with the error that caused it.
    pub(crate) fn log_error(self, error: &dyn std::error::Error) {
        self.log_with(|| {
            let mut chain = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                chain.push_str(": ");
                chain.push_str(&cause.to_string());
                source = cause.source();
            }
            Details { error: Some(chain), ..Details::default() }
        });
    }

    fn log_with<'a>(self, details: impl FnOnce() -> Details<'a>) {
        let mut throttle = THROTTLES[self as usize].lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = throttle.count(Instant::now()) else { return };
        // Released before writing: a log subscriber that blocks must not block other tasks here.
        drop(throttle);
        let Details { peer, account, error } = details();
        let (peer, error) = (peer.map(tracing::field::display), error.map(tracing::field::display));
        match self {
            Self::ConnectionRefused => tracing::warn!(count, peer, "too many connections; closed new ones"),
            Self::UnknownToken => tracing::info!(count, peer, "refused logins with an unknown token"),
            Self::RegistrationRefused => {
                tracing::info!(count, peer, "refused registrations over the rate of an address");
            }
            Self::NotInvited => tracing::info!(count, peer, "refused registrations without an invitation"),
            Self::PostPutOff => tracing::info!(count, peer, account, "put off posts over the rate of an account"),
            Self::TextTooLong => tracing::info!(count, peer, account, "dropped posts with a text that is too long"),
            Self::DamagedMessage => {
                tracing::error!(count, "left out damaged messages of the store; the next start repairs it");
            }
            Self::UnreadableStore => tracing::error!(count, error, "could not read the store for listeners"),
            Self::UnreadableAccounts => tracing::error!(count, error, "could not read the accounts of writers"),
            Self::HeadNotNoted => tracing::warn!(count, error, "could not note the end of the log"),
            Self::NotExpired => tracing::warn!(count, error, "could not remove old messages"),
            Self::NotAccepted => tracing::warn!(count, error, "could not accept connections"),
            Self::NoProxyHeader => {
                tracing::warn!(count, peer, "closed connections of --proxy-from without a valid PROXY header");
            }
            Self::RevokedRefused => tracing::info!(count, peer, account, "refused posts of revoked accounts"),
            Self::LogHole => {
                tracing::warn!(count, "the next place was missing in a read of the log; it is read from another copy");
            }
            Self::LogRefused => tracing::warn!(count, error, "the log of the room refused batches"),
        }
    }
}

/// Decides which events of one kind are logged.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    logged: Option<Instant>,
    pending: u64,
}

impl Throttle {
    pub(crate) const fn new() -> Self {
        Self { logged: None, pending: 0 }
    }

    /// Counts an event. Returns how many events the next line stands for, or `None` if it is too early for one. The
    /// last events of a flood may therefore stay unlogged.
    pub(crate) fn count(&mut self, now: Instant) -> Option<u64> {
        self.pending += 1;
        if self.logged.is_some_and(|logged| now.saturating_duration_since(logged) < INTERVAL) {
            return None;
        }
        self.logged = Some(now);
        Some(std::mem::take(&mut self.pending))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_one_line_a_second_and_counts_all() {
        let (mut throttle, start) = (Throttle::new(), Instant::now());
        let counts: Vec<u64> = (0..10_000).filter_map(|n| throttle.count(start + Duration::from_millis(n))).collect();
        assert_eq!(counts.len(), 10);
        assert_eq!(counts[0], 1, "the first event is logged at once");
        assert!(counts[1..].iter().all(|count| *count == 1_000), "{counts:?}");
    }

    #[test]
    fn logs_each_rare_event() {
        let (mut throttle, start) = (Throttle::new(), Instant::now());
        for n in 0..5 {
            assert_eq!(throttle.count(start + INTERVAL * n), Some(1));
        }
        // At a stopped clock no further line is due.
        assert_eq!(throttle.count(start), None);
    }
}
