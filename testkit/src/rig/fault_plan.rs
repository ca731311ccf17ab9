//! Draws the faults of the rig other than those of connections: kills, full disks, clock jumps, and an operator's actions.

use std::time::Duration;

use fastrand::Rng;

/// A fault of a process, disk or clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum RigFault {
    KillServer,
    KillWriter(usize),
    KillListener(usize),
    /// Fills the disk of the server's store.
    FillStore,
    /// Fills the disk of the first listener's history and the first writer's outbox.
    FillHistory,
    /// Cuts the power of that disk, in place of filling it.
    CutClient,
    /// Does something as an operator, which the number chooses; the server is killed meanwhile or not.
    Operate {
        draw: u64,
        kill: bool,
    },
    /// Sets the offset of the server's clock, in milliseconds.
    Clock(i64),
}

/// Largest clock offset in milliseconds, about 95 years. The programs do not support dates much further away.
const FAR: i64 = 3_000_000_000_000;

/// The first draws, one of each kind, so that the shortest run has them all.
const FIRST: [u8; 9] = [1, 44, 0, 85, 86, 95, 1, 0, 89];

/// An endless sequence of faults.
#[derive(Debug)]
pub(super) struct FaultPlan {
    rng: Rng,
    drawn: usize,
    writers: usize,
    listeners: usize,
    power_cuts: bool,
}

impl FaultPlan {
    pub(super) fn new(seed: u64, writers: usize, listeners: usize, power_cuts: bool) -> Self {
        Self { rng: Rng::with_seed(seed), drawn: 0, writers, listeners, power_cuts }
    }

    /// Returns the next fault and the time to wait before it.
    pub(super) fn next(&mut self) -> (Duration, RigFault) {
        let wait = Duration::from_millis(100).mul_f64(-self.rng.f64().max(1e-6).ln());
        let dice = FIRST.get(self.drawn).copied().unwrap_or_else(|| self.rng.u8(..100));
        self.drawn += 1;
        let fault = match dice {
            // Rare, because a server that starts after a kill reads its whole store.
            0 => RigFault::KillServer,
            1..44 => RigFault::KillWriter(self.rng.usize(..self.writers)),
            44..85 => RigFault::KillListener(self.rng.usize(..self.listeners)),
            85..86 => RigFault::FillStore,
            86..89 if self.power_cuts => RigFault::CutClient,
            86..89 => RigFault::FillHistory,
            // One in sixteen is a kill more.
            89..95 => RigFault::Operate { draw: self.rng.u64(..), kill: self.rng.u8(..16) == 0 },
            _ => RigFault::Clock(self.clock()),
        };
        (wait, fault)
    }

    /// Draws how long a disk stays full.
    pub(super) fn full_for(&mut self) -> Duration {
        Duration::from_millis(self.rng.u64(20..400))
    }

    /// Draws a clock offset in milliseconds: a minute, a day or decades, in either direction.
    pub(super) fn clock(&mut self) -> i64 {
        let far = [60_000, 86_400_000, FAR][self.rng.usize(..3)];
        self.rng.i64(-far..far)
    }
}

impl RigFault {
    /// Returns a short name for tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KillServer => "kill -9 server",
            Self::KillWriter(_) => "kill -9 writer",
            Self::KillListener(_) => "kill -9 listener",
            Self::FillStore => "full disk, store",
            Self::FillHistory => "full disk, client",
            Self::CutClient => "power cut, client",
            Self::Operate { kill: false, .. } => "operator",
            Self::Operate { kill: true, .. } => "operator, kill -9 server",
            Self::Clock(_) => "clock jump",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_seed_repeats_and_covers_all_faults() {
        let draw = |seed| {
            let mut plan = FaultPlan::new(seed, 3, 2, false);
            (0..2000).map(|_| plan.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
        let kinds: HashSet<_> = draw(5).into_iter().map(|(_, fault)| fault.name()).collect();
        assert_eq!(kinds.len(), 8);
    }
}
