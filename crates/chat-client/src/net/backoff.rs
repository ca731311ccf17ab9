//! The delay before the next attempt: full jitter below a bound that doubles each time all nodes have failed.

use std::time::Duration;

use crate::config::RetryPolicy;

/// A sequence of random delays between 0 and `base·2ⁿ`, at most `cap`. Between two nodes of one round the bound is `base`:
/// the next one is likely to be there.
#[derive(Debug)]
pub(crate) struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
    nodes: u32,
    chance: fastrand::Rng,
}

impl Backoff {
    pub(crate) fn new(policy: &RetryPolicy, seed: Option<u64>, nodes: u32) -> Self {
        let chance = seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self { base: policy.base, cap: policy.cap, failures: 0, nodes: nodes.max(1), chance }
    }

    /// Returns the number of failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts one more failure and returns the delay before the next attempt.
    pub(crate) fn next(&mut self) -> Duration {
        let round = self.failures / self.nodes;
        self.failures = self.failures.saturating_add(1);
        let doublings = if self.failures.is_multiple_of(self.nodes) { round } else { 0 };
        let doubled = self.base.saturating_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX));
        doubled.min(self.cap).mul_f64(self.chance.f64())
    }

    /// Starts again at the first bound, after a connection that lasted.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(seed: u64, count: usize) -> Vec<Duration> {
        let mut backoff = Backoff::new(&RetryPolicy::default(), Some(seed), 1);
        std::iter::repeat_with(|| backoff.next()).take(count).collect()
    }

    #[test]
    fn delays_stay_below_bound_and_cap() {
        for seed in 0..200 {
            for (n, delay) in delays(seed, 100).into_iter().enumerate() {
                let bound = Duration::from_millis(500).saturating_mul(2u32.saturating_pow(n as u32));
                assert!(delay <= bound.min(Duration::from_secs(30)));
            }
        }
    }

    #[test]
    fn spreads_clients_over_the_whole_bound() {
        let mut tenths = [0; 10];
        for seed in 0..1000 {
            tenths[(delays(seed, 5)[4].as_secs_f64() / 8.0 * 10.0) as usize] += 1;
        }
        assert!(tenths.iter().all(|&count| (60..150).contains(&count)), "{tenths:?}");
    }

    #[test]
    fn a_round_of_nodes_is_quick() {
        for seed in 0..200 {
            let mut backoff = Backoff::new(&RetryPolicy::default(), Some(seed), 3);
            for n in 0..60 {
                let bound = if n % 3 == 2 { 500 << (n / 3).min(20) } else { 500 };
                assert!(backoff.next() <= Duration::from_millis(bound.min(30_000)), "{n}");
            }
        }
    }

    #[test]
    fn same_seed_gives_same_delays() {
        assert_eq!(delays(7, 20), delays(7, 20));
        assert_ne!(delays(7, 20), delays(8, 20));
    }
}
