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
    /// Does something as an operator, to what the number chooses; the server is killed meanwhile or not.
    Operate {
        act: OperatorAct,
        draw: u64,
        kill: bool,
    },
    /// Sets the offset of the server's clock, in milliseconds.
    Clock(i64),
}

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum OperatorAct {
    /// Removes a confirmed message.
    Remove,
    /// Bans the guest, or ends its ban.
    Ban,
    /// Mutes the guest, or ends its mute.
    Mute,
    /// Revokes the token of the guest, or restores it.
    Revoke,
    /// Mutes a writer for a moment.
    MuteWriter,
    /// Closes the connections of a writer.
    Kick,
    /// Resumes behind a position, which may have expired.
    Resume,
}

/// Largest clock offset in milliseconds, about 95 years. The programs do not support dates much further away.
const FAR: i64 = 3_000_000_000_000;

/// The first draws, one of each kind, so that the shortest run has them all.
const FIRST: [u8; 16] = [1, 34, 70, 70, 0, 70, 65, 66, 95, 70, 1, 70, 0, 70, 70, 70];

/// The acts of an operator; the first ones are done in this order.
const ACTS: [OperatorAct; 8] = [
    OperatorAct::Mute,
    OperatorAct::Revoke,
    OperatorAct::Remove,
    OperatorAct::Ban,
    OperatorAct::MuteWriter,
    OperatorAct::Resume,
    OperatorAct::Kick,
    OperatorAct::Remove,
];

/// An endless sequence of faults.
#[derive(Debug)]
pub(super) struct FaultPlan {
    rng: Rng,
    drawn: usize,
    acts: usize,
    writers: usize,
    listeners: usize,
    power_cuts: bool,
}

impl FaultPlan {
    pub(super) fn new(seed: u64, writers: usize, listeners: usize, power_cuts: bool) -> Self {
        Self { rng: Rng::with_seed(seed), drawn: 0, acts: 0, writers, listeners, power_cuts }
    }

    /// Returns the next fault and the time to wait before it.
    pub(super) fn next(&mut self) -> (Duration, RigFault) {
        let wait = Duration::from_millis(100).mul_f64(-self.rng.f64().max(1e-6).ln());
        let dice = FIRST.get(self.drawn).copied().unwrap_or_else(|| self.rng.u8(..100));
        self.drawn += 1;
        let fault = match dice {
            // Rare, because a server that starts after a kill reads its whole store.
            0 => RigFault::KillServer,
            1..34 => RigFault::KillWriter(self.rng.usize(..self.writers)),
            34..65 => RigFault::KillListener(self.rng.usize(..self.listeners)),
            65..66 => RigFault::FillStore,
            66..70 if self.power_cuts => RigFault::CutClient,
            66..70 => RigFault::FillHistory,
            // One in sixteen is a kill more.
            70..95 => RigFault::Operate { act: self.act(), draw: self.rng.u64(..), kill: self.rng.u8(..16) == 0 },
            _ => RigFault::Clock(self.clock()),
        };
        (wait, fault)
    }

    fn act(&mut self) -> OperatorAct {
        self.acts += 1;
        ACTS.get(self.acts - 1).copied().unwrap_or_else(|| ACTS[self.rng.usize(..ACTS.len())])
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
            Self::Operate { act: OperatorAct::Remove, .. } => "operator, remove",
            Self::Operate { act: OperatorAct::Ban, .. } => "operator, ban or unban",
            Self::Operate { act: OperatorAct::Mute, .. } => "operator, mute or unmute",
            Self::Operate { act: OperatorAct::Revoke, .. } => "operator, revoke or restore",
            Self::Operate { act: OperatorAct::MuteWriter, .. } => "operator, mute a writer",
            Self::Operate { act: OperatorAct::Kick, .. } => "operator, kick",
            Self::Operate { act: OperatorAct::Resume, .. } => "operator, resume",
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
        assert_eq!(kinds.len(), 13);
    }
}
