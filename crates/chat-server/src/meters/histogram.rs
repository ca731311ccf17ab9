//! Histograms of the time that transactions and confirmations take.

use std::time::Duration;

use super::count::Count;

/// Upper bounds of the steps, in microseconds: from memory that answers at once to a failing disk.
const BOUNDS: [u64; 14] =
    [200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000];

/// The bounds as durations. Slower transactions are only in the count.
pub const COMMIT_BOUNDS: [Duration; BOUNDS.len()] = {
    let mut bounds = [Duration::ZERO; BOUNDS.len()];
    let mut at = 0;
    while at < BOUNDS.len() {
        bounds[at] = Duration::from_micros(BOUNDS[at]);
        at += 1;
    }
    bounds
};

/// The times of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitTimes {
    /// How many were within each bound of [`COMMIT_BOUNDS`], and not within an earlier one.
    pub steps: [u64; COMMIT_BOUNDS.len()],
    /// How many took longer than the last bound.
    pub slower: u64,
    /// The sum of all times.
    pub sum: Duration,
}

impl CommitTimes {
    /// Returns the number of transactions.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.steps.iter().sum::<u64>() + self.slower
    }
}

#[derive(Debug, Default)]
pub(crate) struct Histogram {
    steps: [Count; BOUNDS.len()],
    slower: Count,
    nanoseconds: Count,
}

impl Histogram {
    /// Counts `times` events that took this long each.
    pub(crate) fn observe(&self, took: Duration, times: u64) {
        let step = COMMIT_BOUNDS.iter().position(|bound| took <= *bound);
        step.and_then(|step| self.steps.get(step)).unwrap_or(&self.slower).add(times);
        self.nanoseconds.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).saturating_mul(times));
    }

    pub(super) fn read(&self) -> CommitTimes {
        CommitTimes {
            steps: self.steps.each_ref().map(Count::read),
            slower: self.slower.read(),
            sum: Duration::from_nanos(self.nanoseconds.read()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_time_once() {
        let histogram = Histogram::default();
        for micros in [0, 200, 201, 5_000_000, 5_000_001] {
            histogram.observe(Duration::from_micros(micros), 1);
        }
        let times = histogram.read();
        assert_eq!((times.steps[0], times.steps[1], times.steps[13], times.slower), (2, 1, 1, 1));
        assert_eq!((times.count(), times.sum), (5, Duration::from_micros(10_000_402)));
    }
}
