//! What can happen to one connection, drawn from a seed.

use std::time::Duration;

use fastrand::Rng;

/// The kinds of faults, for choosing and for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// Both sides are closed in order, in the middle of whatever was under way.
    Cut,
    /// Both sides are reset: what was under way in either direction is lost.
    Reset,
    /// Nothing moves for a while, then all goes on.
    Stall,
    /// Nothing moves any more, and nobody is told.
    HalfOpen,
    /// Bytes arrive a few at a time.
    Split,
    /// Bytes arrive late.
    Delay,
    /// One direction goes on, the other one is swallowed.
    OneWay,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Cut, Self::Reset, Self::Stall, Self::HalfOpen, Self::Split, Self::Delay, Self::OneWay];

    /// A short name for tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::Stall => "stall",
            Self::HalfOpen => "half-open",
            Self::Split => "split",
            Self::Delay => "delay",
            Self::OneWay => "one way",
        }
    }
}

/// Which way bytes go through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What will happen to one connection next: nothing until so many bytes have gone one way, then this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What happens; `None` for a connection that is left alone.
    pub kind: Option<FaultKind>,
    /// Bytes of which direction are counted, and for [`FaultKind::OneWay`], which one is swallowed.
    pub direction: Direction,
    /// How many bytes go before it happens.
    pub after: u64,
    /// How long a stall or a delay lasts.
    pub pause: Duration,
}

/// How faults are drawn.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Out of a hundred connections, so many are broken in some way.
    pub percent: u8,
    /// The kinds to choose from, each as likely as the others. Kinds may be repeated.
    pub kinds: Vec<FaultKind>,
    /// At most so many bytes go before a fault.
    pub within: u64,
    /// Stalls and delays last at most so long.
    pub pause: Duration,
}

impl Default for Profile {
    /// Nearly every connection breaks, early, and mostly in ways that cost no time.
    fn default() -> Self {
        use FaultKind::{Cut, Delay, HalfOpen, OneWay, Reset, Split, Stall};
        let kinds =
            [Cut, Cut, Cut, Cut, Cut, Reset, Reset, Reset, Reset, Reset, Split, Split, Delay, Stall, HalfOpen, OneWay];
        Self { percent: 95, kinds: kinds.to_vec(), within: 6000, pause: Duration::from_millis(30) }
    }
}

impl Profile {
    /// Draws what happens to the next connection.
    #[must_use]
    pub fn draw(&self, rng: &mut Rng) -> Plan {
        let direction = if rng.bool() { Direction::Up } else { Direction::Down };
        // Half of the faults hit the dialogue at the beginning, where the states are.
        let after = if rng.bool() { rng.u64(0..400.min(self.within.max(1))) } else { rng.u64(0..self.within.max(1)) };
        let kind = (rng.u8(0..100) < self.percent && !self.kinds.is_empty())
            .then(|| self.kinds[rng.usize(0..self.kinds.len())]);
        let pause = self.pause.mul_f64(rng.f64());
        Plan { kind, direction, after, pause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_faults() {
        let draw = |seed| {
            let mut rng = Rng::with_seed(seed);
            (0..100).map(|_| Profile::default().draw(&mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let kinds: std::collections::HashSet<_> = draw(7).into_iter().filter_map(|plan| plan.kind).collect();
        assert_eq!(kinds.len(), FaultKind::ALL.len());
    }
}
