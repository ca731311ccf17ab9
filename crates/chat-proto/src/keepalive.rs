//! The deadlines of an idle connection: when to probe it, and when it counts as lost. Only received lines extend them;
//! sent lines prove nothing about the peer.

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
    /// Returns 5 s and 10 s: a half-open connection is noticed within 15 s, and an idle one costs a probe every 5 s.
    fn default() -> Self {
        Self::new(Duration::from_secs(5), Duration::from_secs(10))
    }
}

/// The keepalive state of one connection.
#[derive(Debug, Clone)]
pub(crate) struct KeepaliveTimer {
    limits: Keepalive,
    heard: Instant,
    /// The time since which an answer is outstanding, to a probe or to another request.
    asked: Option<Instant>,
}

/// The action that a [`KeepaliveTimer`] requires at a moment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeepaliveEvent {
    /// Nothing: the deadline has not passed.
    Wait,
    /// Send a probe now.
    Probe,
    /// The peer has not answered in time: the connection is lost.
    Expired,
}

impl KeepaliveTimer {
    pub(crate) fn new(limits: Keepalive, now: Instant) -> Self {
        Self { limits, heard: now, asked: None }
    }

    /// Records a received line that is an answer, or that arrived while none was outstanding. `outstanding` says whether
    /// another answer is outstanding now; its time starts again.
    pub(crate) fn on_input(&mut self, now: Instant, outstanding: bool) {
        self.heard = now;
        self.asked = outstanding.then_some(now);
    }

    /// Records that something was sent that must be answered.
    pub(crate) fn on_request(&mut self, now: Instant) {
        self.asked.get_or_insert(now);
    }

    /// Returns when [`check`](Self::check) has something to report.
    pub(crate) fn deadline(&self) -> Instant {
        match self.asked {
            Some(since) => since + self.limits.answer_timeout,
            None => self.heard + self.limits.idle,
        }
    }

    /// Returns the action that is due at `now`.
    pub(crate) fn check(&self, now: Instant) -> KeepaliveEvent {
        if now < self.deadline() {
            KeepaliveEvent::Wait
        } else if self.asked.is_some() {
            KeepaliveEvent::Expired
        } else {
            KeepaliveEvent::Probe
        }
    }

    /// Returns how long an answer may take.
    pub(crate) fn answer_timeout(&self) -> Duration {
        self.limits.answer_timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_and_then_expires() {
        let start = Instant::now();
        let limits = Keepalive::default();
        let mut timer = KeepaliveTimer::new(limits, start);
        assert_eq!(timer.check(start + limits.idle - Duration::from_millis(1)), KeepaliveEvent::Wait);
        let probed = start + limits.idle;
        assert_eq!(timer.check(probed), KeepaliveEvent::Probe);
        timer.on_request(probed);
        assert_eq!(timer.check(probed), KeepaliveEvent::Wait);
        assert_eq!(timer.check(probed + limits.answer_timeout), KeepaliveEvent::Expired);
        timer.on_input(probed + limits.idle, false);
        assert_eq!(timer.check(probed + limits.answer_timeout - Duration::from_millis(1)), KeepaliveEvent::Wait);
    }
}
