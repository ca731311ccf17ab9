//! How fast a server lets the posts of an account pass, learned from its declines. It says when the next post may be
//! written, not how many may be on their way; a value without clock or chance.

use std::time::Duration;

use tokio::time::Instant;

/// So many posts in a row have passed at one pace when twice the pace is tried. If that is too fast, it costs one
/// decline; if the limit was lifted or another client of the account has gone, it is noticed soon.
const STEADY: u32 = 32;

/// After a pause of so many steps the server has forgotten most of what was posted, and so do we.
const FORGOTTEN_AFTER: u32 = 8;

/// No step is longer, whatever a server says: asking costs one line.
const LONGEST: Duration = Duration::from_secs(30);

/// A shorter step is none: timers are no finer.
const SHORTEST: Duration = Duration::from_millis(1);

/// The time from one post to the next.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Zero while no limit is known.
    step: Duration,
    /// When the last post was written.
    written: Option<Instant>,
    /// When the last post was written that the server took.
    passed: Option<Instant>,
    /// How many have passed since the step was changed.
    steady: u32,
    /// A post was declined and none has passed since: those behind it say nothing new.
    declined: bool,
}

impl Pace {
    /// When the next post may be written; `None` when at once.
    pub(crate) fn next(&self) -> Option<Instant> {
        (!self.step.is_zero()).then_some(self.written? + self.step)
    }

    /// A post leaves.
    pub(crate) fn written(&mut self, now: Instant) {
        if self.written.is_some_and(|last| now - last > self.step * FORGOTTEN_AFTER) {
            self.step = Duration::ZERO;
        }
        self.written = Some(now);
    }

    /// The server took a post that was written then.
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

    /// The server did not take a post that was written then, because it came so much too early.
    pub(crate) fn declined(&mut self, written: Instant, early: Duration) {
        if std::mem::replace(&mut self.declined, true) {
            return;
        }
        // What we kept clear of the post before, and what was missing. A longer pause than the step was our own affair.
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
    async fn the_step_is_what_was_kept_clear_and_what_was_missing() {
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
    async fn a_limit_that_was_lifted_and_one_that_has_rested_are_forgotten() {
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
    async fn no_server_makes_a_step_that_has_no_end() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.written(now);
        pace.declined(now, Duration::MAX);
        assert_eq!(pace.next(), Some(now + LONGEST));
    }
}
