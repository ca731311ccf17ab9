//! A rate limiter: a leaky bucket that empties at a steady rate. The time is an argument.

use std::time::{Duration, Instant};

use crate::limits::Rate;

/// One bucket, stored as the time at which it would be empty again.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    empty_at: Option<Instant>,
}

/// More was taken than can be paid back soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overdrawn;

/// The largest debt of an account. One connection takes at most one post in advance, because it then pauses; many
/// connections of one account together take no more than this.
pub(crate) const LARGEST_DEBT: Duration = Duration::from_secs(5);

/// Longer waits are not distinguished.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Bucket {
    /// Takes one if the rate permits it.
    ///
    /// # Errors
    /// The time until the rate permits it; nothing was taken.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        match self.wait(rate, 1, now) {
            Some(wait) => Err(wait),
            None => {
                self.add(rate, 1, now);
                Ok(())
            }
        }
    }

    /// Takes one even if the rate does not permit it, and returns how long the caller must pause.
    ///
    /// # Errors
    /// The debt is at its limit; nothing was taken.
    pub(crate) fn overdraw(&mut self, rate: Rate, now: Instant) -> Result<Option<Duration>, Overdrawn> {
        let wait = self.wait(rate, 1, now);
        if wait.is_some_and(|wait| wait > LARGEST_DEBT.max(2 * time_of(rate, 1))) {
            return Err(Overdrawn);
        }
        self.add(rate, 1, now);
        Ok(wait)
    }

    /// Returns true if the rate does not permit one more.
    pub(crate) fn is_full(&self, rate: Rate, now: Instant) -> bool {
        self.wait(rate, 1, now).is_some()
    }

    /// Returns whether the bucket is empty, so that dropping it changes nothing.
    pub(crate) fn is_empty(&self, now: Instant) -> bool {
        self.empty_at.is_none_or(|at| at <= now)
    }

    /// Returns the time until the rate permits `amount` more, if it does not now. An amount above the burst passes when
    /// the bucket is empty.
    pub(crate) fn wait(&self, rate: Rate, amount: usize, now: Instant) -> Option<Duration> {
        let depth = time_of(rate, rate.burst.max(1) as usize).max(time_of(rate, amount));
        let filled = self.empty_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        (filled + time_of(rate, amount)).checked_sub(depth).filter(|wait| !wait.is_zero())
    }

    /// Takes `amount`, whether the rate permits it or not.
    pub(crate) fn add(&mut self, rate: Rate, amount: usize, now: Instant) {
        let from = self.empty_at.unwrap_or(now).max(now);
        // Bounded, so that the addition cannot exceed the range of the clock.
        self.empty_at = Some((from + time_of(rate, amount)).min(now + 2 * LONGEST));
    }
}

/// Returns the time in which a rate permits an amount.
fn time_of(rate: Rate, amount: usize) -> Duration {
    let seconds = amount as f64 / rate.per_second;
    if seconds.is_finite() && seconds > 0.0 {
        Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST)
    } else {
        LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10.0, burst: 3 };

    #[test]
    fn debt_is_bounded() {
        let (mut bucket, start) = (Bucket::default(), Instant::now());
        let taken = (0..1000).filter(|_| bucket.overdraw(RATE, start).is_ok()).count();
        assert!((50..60).contains(&taken), "{taken}");
        assert!(bucket.overdraw(RATE, start + LARGEST_DEBT).is_ok());
    }

    #[test]
    fn burst_passes_then_the_rate_applies() {
        let (mut bucket, start) = (Bucket::default(), Instant::now());
        for _ in 0..3 {
            assert_eq!(bucket.take(RATE, start), Ok(()));
        }
        let wait = bucket.take(RATE, start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert!(bucket.take(RATE, start + wait).is_ok());
        assert!(bucket.take(RATE, start + wait).is_err());
        assert!(!bucket.is_empty(start + wait) && bucket.is_empty(start + Duration::from_secs(1)));
    }

    #[test]
    fn debt_is_paid_back() {
        let (mut bucket, start) = (Bucket::default(), Instant::now());
        let pauses: Vec<_> = (0..5).map(|_| bucket.overdraw(RATE, start)).collect();
        assert_eq!(
            pauses,
            [Ok(None), Ok(None), Ok(None), Ok(Some(Duration::from_millis(100))), Ok(Some(Duration::from_millis(200)))]
        );
    }

    #[test]
    fn odd_rates_pass_the_burst_only() {
        for per_second in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
            let (mut bucket, start) = (Bucket::default(), Instant::now());
            let rate = Rate { per_second, burst: 1 };
            assert!(bucket.take(rate, start).is_ok());
            for _ in 0..1000 {
                let _ = bucket.overdraw(rate, start);
            }
        }
    }
}
