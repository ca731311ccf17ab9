//! When to ask an idle peer for a sign of life, and when to give it up: deadlines as a value. Only
//! what arrives feeds it, never what we send.

use std::time::{Duration, Instant};

/// How long silence may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// Silence after which a probe is sent.
    pub idle: Duration,
    /// How long an answer may take before the peer counts as gone.
    pub probe: Duration,
}

impl Default for Keepalive {
    /// 5 s and 10 s: a half-open link is found within 15 s, and an idle connection costs a probe
    /// every 5 s.
    fn default() -> Self {
        Self { idle: Duration::from_secs(5), probe: Duration::from_secs(10) }
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
pub(crate) enum Bark {
    /// Nothing yet.
    Quiet,
    /// Send a probe now.
    Probe,
    /// The peer is gone.
    Gone,
}

impl Watchdog {
    pub(crate) fn new(limits: Keepalive, now: Instant) -> Self {
        Self { limits, heard: now, asked: None }
    }

    /// Something arrived, and if an answer was due, one has come. `owed` says whether one is still due after it.
    pub(crate) fn fed(&mut self, now: Instant, owed: bool) {
        self.heard = now;
        self.asked = owed.then_some(now);
    }

    /// Something that must be answered was sent.
    pub(crate) fn asked(&mut self, now: Instant) {
        self.asked.get_or_insert(now);
    }

    pub(crate) fn deadline(&self) -> Instant {
        match self.asked {
            Some(since) => since + self.limits.probe,
            None => self.heard + self.limits.idle,
        }
    }

    pub(crate) fn bark(&self, now: Instant) -> Bark {
        if now < self.deadline() {
            Bark::Quiet
        } else if self.asked.is_some() {
            Bark::Gone
        } else {
            Bark::Probe
        }
    }

    /// How long an answer may take.
    pub(crate) fn patience(&self) -> Duration {
        self.limits.probe
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
        assert_eq!(dog.bark(start + limits.idle - Duration::from_millis(1)), Bark::Quiet);
        let probed = start + limits.idle;
        assert_eq!(dog.bark(probed), Bark::Probe);
        dog.asked(probed);
        assert_eq!(dog.bark(probed), Bark::Quiet);
        assert_eq!(dog.bark(probed + limits.probe), Bark::Gone);
        dog.fed(probed + limits.idle, false);
        assert_eq!(dog.bark(probed + limits.probe - Duration::from_millis(1)), Bark::Quiet);
    }
}
