//! When to ask an idle peer for a sign of life, and when to give it up: deadlines as a value. Only
//! what arrives feeds it, never what we send.

use std::time::{Duration, Instant};

/// When an idle connection is probed, and when it counts as lost.
///
/// ```
/// use std::time::Duration;
///
/// let limits = chat_proto::Keepalive::new(Duration::from_secs(30), Duration::from_secs(20));
/// assert_eq!(limits.idle, Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keepalive {
    /// The silence after which a probe is sent.
    pub idle: Duration,
    /// How long the answer to a probe, or to anything else that must be answered, may take.
    pub answer_timeout: Duration,
}

impl Keepalive {
    /// Creates limits: a probe after `idle`, and `answer_timeout` for its answer.
    #[must_use]
    pub const fn new(idle: Duration, answer_timeout: Duration) -> Self {
        Self { idle, answer_timeout }
    }
}

impl Default for Keepalive {
    /// 5 s and 10 s: a half-open link is found within 15 s, and an idle connection costs a probe
    /// every 5 s.
    fn default() -> Self {
        Self::new(Duration::from_secs(5), Duration::from_secs(10))
    }
}

/// Where one connection stands between heard and given up.
#[derive(Debug, Clone)]
pub(crate) struct Watchdog {
    limits: Keepalive,
    heard: Instant,
    /// When an answer became due, a probe's or another's; `None` while none is owed.
    asked: Option<Instant>,
}

/// What the watchdog wants at its deadline.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeepaliveEvent {
    /// Nothing yet.
    Wait,
    /// Send a probe now.
    Probe,
    /// The peer is gone.
    Lost,
}

impl Watchdog {
    pub(crate) fn new(limits: Keepalive, now: Instant) -> Self {
        Self { limits, heard: now, asked: None }
    }

    /// Something arrived, and if an answer was due, one has come. `owed` says whether one is still due after it.
    pub(crate) fn on_input(&mut self, now: Instant, owed: bool) {
        self.heard = now;
        self.asked = owed.then_some(now);
    }

    /// Something that must be answered was sent.
    pub(crate) fn on_request(&mut self, now: Instant) {
        self.asked.get_or_insert(now);
    }

    pub(crate) fn deadline(&self) -> Instant {
        match self.asked {
            Some(since) => since + self.limits.answer_timeout,
            None => self.heard + self.limits.idle,
        }
    }

    pub(crate) fn check(&self, now: Instant) -> KeepaliveEvent {
        if now < self.deadline() {
            KeepaliveEvent::Wait
        } else if self.asked.is_some() {
            KeepaliveEvent::Lost
        } else {
            KeepaliveEvent::Probe
        }
    }

    /// How long an answer may take.
    pub(crate) fn answer_timeout(&self) -> Duration {
        self.limits.answer_timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_probed_and_then_given_up_within_the_sum() {
        let start = Instant::now();
        let limits = Keepalive::default();
        let mut dog = Watchdog::new(limits, start);
        assert_eq!(dog.check(start + limits.idle - Duration::from_millis(1)), KeepaliveEvent::Wait);
        let probed = start + limits.idle;
        assert_eq!(dog.check(probed), KeepaliveEvent::Probe);
        dog.on_request(probed);
        assert_eq!(dog.check(probed), KeepaliveEvent::Wait);
        assert_eq!(dog.check(probed + limits.answer_timeout), KeepaliveEvent::Lost);
        dog.on_input(probed + limits.idle, false);
        assert_eq!(dog.check(probed + limits.answer_timeout - Duration::from_millis(1)), KeepaliveEvent::Wait);
    }
}
