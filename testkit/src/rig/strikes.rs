//! What strikes next, and when: drawn from the seed. It does nothing itself.

use std::time::Duration;

use fastrand::Rng;

/// What happens besides broken links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Strike {
    KillServer,
    KillWriter(usize),
    KillListener(usize),
    /// The disk under the server's store is full.
    FillStore,
    /// The disk under the first listener's history and the first writer's outbox is full.
    FillHistory,
    /// The server's clock is off by so many milliseconds from now on.
    Clock(i64),
}

/// Somewhat under a hundred years: what lies beyond is no date of this program's.
const FAR: i64 = 3_000_000_000_000;

/// What the dice show at first.
const FIRST: [u8; 8] = [1, 44, 0, 85, 86, 89, 1, 0];

/// Draws strikes without end.
#[derive(Debug)]
pub(super) struct Strikes {
    rng: Rng,
    drawn: usize,
    writers: usize,
    listeners: usize,
}

impl Strikes {
    pub(super) fn new(seed: u64, writers: usize, listeners: usize) -> Self {
        Self { rng: Rng::with_seed(seed), drawn: 0, writers, listeners }
    }

    /// The next strike, and how long to wait before it.
    pub(super) fn next(&mut self) -> (Duration, Strike) {
        let wait = Duration::from_millis(100).mul_f64(-self.rng.f64().max(1e-6).ln());
        // One of each first, so that the shortest run has them all.
        let dice = FIRST.get(self.drawn).copied().unwrap_or_else(|| self.rng.u8(..100));
        self.drawn += 1;
        let strike = match dice {
            // Seldom: a server that starts reads its whole store.
            0 => Strike::KillServer,
            1..44 => Strike::KillWriter(self.rng.usize(..self.writers)),
            44..85 => Strike::KillListener(self.rng.usize(..self.listeners)),
            85..86 => Strike::FillStore,
            86..89 => Strike::FillHistory,
            _ => Strike::Clock(self.clock()),
        };
        (wait, strike)
    }

    /// How long a full disk stays full.
    pub(super) fn full_for(&mut self) -> Duration {
        Duration::from_millis(self.rng.u64(20..400))
    }

    /// How far off the clock is now: seconds, days or decades, in either direction.
    pub(super) fn clock(&mut self) -> i64 {
        let far = [60_000, 86_400_000, FAR][self.rng.usize(..3)];
        self.rng.i64(-far..far)
    }
}

impl Strike {
    /// A short name for tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KillServer => "kill -9 server",
            Self::KillWriter(_) => "kill -9 writer",
            Self::KillListener(_) => "kill -9 listener",
            Self::FillStore => "full disk, store",
            Self::FillHistory => "full disk, client",
            Self::Clock(_) => "clock jump",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_seed_strikes_the_same_way_with_everything_it_has() {
        let draw = |seed| {
            let mut strikes = Strikes::new(seed, 3, 2);
            (0..2000).map(|_| strikes.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
        let kinds: HashSet<_> = draw(5).into_iter().map(|(_, strike)| strike.name()).collect();
        assert_eq!(kinds.len(), 6);
    }
}
