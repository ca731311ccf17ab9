//! The rate at which a server accepts the posts of an account, learned from its declines. Determines when the next post
//! may be written; the queue limits how many may be unanswered.

use std::time::Duration;

use tokio::time::Instant;

/// After this many accepted posts at one pace, twice the pace is tried. If that is too fast, it costs one decline; if
/// the limit was lifted or another client of the account has disconnected, the writer benefits soon.
const STEADY: u32 = 32;

/// After a pause of this many steps the server's limiter has recovered, so the learned step is dropped.
const FORGOTTEN_AFTER: u32 = 8;

/// The longest step, whatever the server requests: asking costs one line.
const LONGEST: Duration = Duration::from_secs(30);

/// A shorter step counts as zero, because timers are no finer.
const SHORTEST: Duration = Duration::from_millis(1);

/// The learned time between two posts.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Zero while no limit is known.
    step: Duration,
    /// When the last post was written.
    written: Option<Instant>,
    /// When the last accepted post was written.
    passed: Option<Instant>,
    /// How many posts were accepted since the step was changed.
    steady: u32,
    /// A post was declined and none accepted since: further declines carry no new information.
    declined: bool,
}

impl Pace {
    /// Returns when the next post may be written; `None` if at once.
    pub(crate) fn next(&self) -> Option<Instant> {
        (!self.step.is_zero()).then_some(self.written? + self.step)
    }

    /// Records that a post is written.
    pub(crate) fn written(&mut self, now: Instant) {
        if self.written.is_some_and(|last| now - last > self.step * FORGOTTEN_AFTER) {
            self.step = Duration::ZERO;
        }
        self.written = Some(now);
    }

    /// Records that the server accepted a post that was written at this time.
    pub(crate) fn passed(&mut self, written: Instant) {
        self.passed = self.passed.max(Some(written));
        self.declined = false;
        self.steady += 1;
        if self.steady >= STEADY {
            self.steady = 0;
            self.step /= 2;
            if self.step < SHORTEST {
                self.step = Duration::ZERO;
            }
        }
    }

    /// Records that the server declined a post that was written at this time, because it was too early by `early`.
    pub(crate) fn declined(&mut self, written: Instant, early: Duration) {
        if std::mem::replace(&mut self.declined, true) {
            return;
        }
        // The distance to the previous post, plus what was missing. A distance longer than the step was not caused by
        // pacing.
        let kept = self.passed.map_or(Duration::ZERO, |passed| written.saturating_duration_since(passed));
        self.step = kept.min(self.step).saturating_add(early).clamp(SHORTEST, LONGEST).max(self.step);
        self.steady = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn step_is_distance_plus_what_was_missing() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.written(start);
        assert_eq!(pace.next(), None);
        pace.passed(start);
        pace.written(start);
        pace.declined(start, 30 * MS);
        assert_eq!(pace.next(), Some(start + 30 * MS));
        pace.declined(start, 500 * MS);
        assert_eq!(pace.next(), Some(start + 30 * MS), "it stood behind a declined one");
        let later = start + 30 * MS;
        pace.written(later);
        pace.passed(later);
        pace.written(later + 30 * MS);
        pace.declined(later + 30 * MS, 20 * MS);
        assert_eq!(pace.next(), Some(later + 80 * MS));
    }

    #[tokio::test(start_paused = true)]
    async fn forgets_lifted_and_rested_limits() {
        let mut now = Instant::now();
        let mut pace = Pace::default();
        pace.written(now);
        pace.declined(now, 40 * MS);
        let mut steps = 0;
        while let Some(next) = pace.next() {
            now = next;
            pace.written(now);
            pace.passed(now);
            steps += 1;
        }
        assert_eq!(steps, 6 * STEADY);
        pace.declined(now, 40 * MS);
        pace.written(now + 500 * MS);
        assert_eq!(pace.next(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn step_is_bounded() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.written(now);
        pace.declined(now, Duration::MAX);
        assert_eq!(pace.next(), Some(now + LONGEST));
    }
}
