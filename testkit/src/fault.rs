//! Faults of one connection, drawn from a seed.

use std::time::Duration;

use fastrand::Rng;

/// Kinds of connection faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// Both sides are closed cleanly at an arbitrary byte.
    Cut,
    /// Both sides are reset; bytes in transit are lost.
    Reset,
    /// No byte passes for a while, then traffic continues.
    Stall,
    /// No byte passes any more, and neither side gets an error.
    HalfOpen,
    /// Bytes arrive a few at a time.
    Split,
    /// Bytes arrive late.
    Delay,
    /// One direction continues; bytes of the other one are dropped.
    OneWay,
}

impl FaultKind {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Cut, Self::Reset, Self::Stall, Self::HalfOpen, Self::Split, Self::Delay, Self::OneWay];

    /// Returns a short name for tables.
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

/// Direction of bytes through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// The next fault of one connection: what happens, after how many bytes of which direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFault {
    /// The fault; `None` for a connection without one.
    pub kind: Option<FaultKind>,
    /// The direction whose bytes are counted; for [`FaultKind::OneWay`], the one that is dropped.
    pub direction: Direction,
    /// Number of bytes that pass before the fault.
    pub after: u64,
    /// Length of a stall or delay.
    pub pause: Duration,
}

/// Probabilities and bounds from which faults are drawn.
#[derive(Debug, Clone)]
pub struct FaultProfile {
    /// Percentage of connections with a fault.
    pub percent: u8,
    /// Kinds to draw from with equal probability. A repeated kind is drawn more often.
    pub kinds: Vec<FaultKind>,
    /// Upper bound of the bytes before a fault.
    pub within: u64,
    /// Upper bound of stalls and delays.
    pub pause: Duration,
}

impl Default for FaultProfile {
    /// Breaks nearly every connection early, mostly with faults that take no time.
    fn default() -> Self {
        use FaultKind::{Cut, Delay, HalfOpen, OneWay, Reset, Split, Stall};
        let kinds =
            [Cut, Cut, Cut, Cut, Cut, Reset, Reset, Reset, Reset, Reset, Split, Split, Delay, Stall, HalfOpen, OneWay];
        Self { percent: 95, kinds: kinds.to_vec(), within: 6000, pause: Duration::from_millis(30) }
    }
}

impl FaultProfile {
    /// Draws the next fault of a connection.
    #[must_use]
    pub fn draw(&self, rng: &mut Rng) -> LinkFault {
        let direction = if rng.bool() { Direction::Up } else { Direction::Down };
        // Half of the faults fall into the dialogue at the beginning, which has the most states.
        let after = if rng.bool() { rng.u64(0..400.min(self.within.max(1))) } else { rng.u64(0..self.within.max(1)) };
        let kind = (rng.u8(0..100) < self.percent && !self.kinds.is_empty())
            .then(|| self.kinds[rng.usize(0..self.kinds.len())]);
        let pause = self.pause.mul_f64(rng.f64());
        LinkFault { kind, direction, after, pause }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_seed_repeats_its_faults() {
        let draw = |seed| {
            let mut rng = Rng::with_seed(seed);
            (0..100).map(|_| FaultProfile::default().draw(&mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let kinds: HashSet<_> = draw(7).into_iter().filter_map(|fault| fault.kind).collect();
        assert_eq!(kinds.len(), FaultKind::ALL.len());
    }
}
