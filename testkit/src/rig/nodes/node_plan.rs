//! Draws the faults of a run with several nodes.

use std::time::Duration;

use fastrand::Rng;

use super::damage::Damage;

/// A fault of a client process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientFault {
    KillWriter(usize),
    KillListener(usize),
}

/// A fault of a node. It lasts for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeFault {
    Kill(usize),
    Stop(usize),
    Pause(usize),
    /// The store of the node is replaced by a copy that it had earlier.
    OldCopy(usize),
    /// It is replaced by a backup of another node, as on a new machine.
    NewCopy(usize),
    FullDisk(usize),
}

/// A fault of the servers of NATS, or of the network. It lasts for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogFault {
    Kill(usize),
    KillAll,
    Stop(usize),
    Pause(usize),
    LameDuck(usize),
    FullDisk(usize),
    Damage(usize, Damage),
    /// It comes back with an empty disk.
    Replace(usize),
    /// Cut off from everything.
    CutOff(usize),
    /// Cut off from the other servers; nodes reach it.
    CutFromPeers(usize),
    /// A node is cut off from all servers.
    CutNode(usize),
    /// A node is cut off from one server.
    CutPair(usize, usize),
    /// One direction between two servers.
    OneWay(usize, usize),
}

/// How far clocks are off at most, in seconds: some hours.
const CLOCK: i64 = 6 * 3_600;

/// An endless sequence of faults.
#[derive(Debug)]
pub(super) struct NodePlan {
    rng: Rng,
    nodes: usize,
    writers: usize,
    listeners: usize,
}

impl NodePlan {
    pub(super) fn new(seed: u64, nodes: usize, writers: usize, listeners: usize) -> Self {
        Self { rng: Rng::with_seed(seed), nodes, writers, listeners }
    }

    pub(super) fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Returns the next fault of a client, and the time to wait before it.
    pub(super) fn client(&mut self) -> (Duration, ClientFault) {
        let wait = Duration::from_millis(60).mul_f64(-self.rng.f64().max(1e-6).ln());
        let fault = if self.rng.bool() {
            ClientFault::KillWriter(self.rng.usize(..self.writers))
        } else {
            ClientFault::KillListener(self.rng.usize(..self.listeners))
        };
        (wait, fault)
    }

    /// Returns the next fault of a node, how long it lasts, and how long there is none after it.
    pub(super) fn node(&mut self) -> (NodeFault, Duration, Duration) {
        let node = self.rng.usize(..self.nodes);
        let (fault, longest) = match self.rng.u8(..20) {
            0..7 => (NodeFault::Kill(node), 4_000),
            7..10 => (NodeFault::Stop(node), 3_000),
            10..13 => (NodeFault::Pause(node), 8_000),
            13..15 => (NodeFault::OldCopy(node), 1_000),
            15..17 => (NodeFault::NewCopy(node), 1_000),
            _ => (NodeFault::FullDisk(node), 3_000),
        };
        (fault, self.millis(longest), self.millis(3_000))
    }

    /// Returns the next fault of NATS or the network, how long it lasts, and how long there is none after it.
    pub(super) fn log(&mut self) -> (LogFault, Duration, Duration) {
        let server = self.rng.usize(..self.nodes);
        let other = (server + self.rng.usize(1..self.nodes.max(2))) % self.nodes;
        let node = self.rng.usize(..self.nodes);
        let (fault, longest) = match self.rng.u8(..40) {
            0..6 => (LogFault::Kill(server), 8_000),
            6..8 => (LogFault::KillAll, 3_000),
            8..11 => (LogFault::Stop(server), 4_000),
            11..15 => (LogFault::Pause(server), 12_000),
            15..16 => (LogFault::LameDuck(server), 4_000),
            16..18 => (LogFault::FullDisk(server), 3_000),
            18..20 => (LogFault::Damage(server, Damage::Flip), 8_000),
            20..22 => (LogFault::Damage(server, Damage::Cut), 8_000),
            22..23 => (LogFault::Replace(server), 1_000),
            23..27 => (LogFault::CutOff(server), 15_000),
            27..30 => (LogFault::CutFromPeers(server), 15_000),
            30..34 => (LogFault::CutNode(node), 12_000),
            34..37 => (LogFault::CutPair(node, server), 12_000),
            _ => (LogFault::OneWay(server, other), 12_000),
        };
        (fault, self.millis(longest), self.millis(5_000))
    }

    /// Draws by how many seconds the clock of a process is off; half of them are right.
    pub(super) fn clock(&mut self) -> i64 {
        if self.rng.bool() { 0 } else { self.rng.i64(-CLOCK..CLOCK) }
    }

    fn millis(&mut self, longest: u64) -> Duration {
        Duration::from_millis(self.rng.u64(100..longest))
    }
}

impl ClientFault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KillWriter(_) => "kill -9 writer",
            Self::KillListener(_) => "kill -9 listener",
        }
    }
}

impl NodeFault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kill(_) => "kill -9 node",
            Self::Stop(_) => "stop node",
            Self::Pause(_) => "pause node",
            Self::OldCopy(_) => "old copy of a node",
            Self::NewCopy(_) => "new copy of a node",
            Self::FullDisk(_) => "full disk, node",
        }
    }
}

impl LogFault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kill(_) => "kill -9 NATS",
            Self::KillAll => "kill -9 all of NATS",
            Self::Stop(_) => "stop NATS",
            Self::Pause(_) => "pause NATS",
            Self::LameDuck(_) => "lame duck, NATS",
            Self::FullDisk(_) => "full disk, NATS",
            Self::Damage(_, Damage::Flip) => "flipped bits, NATS",
            Self::Damage(_, Damage::Cut) => "cut file, NATS",
            Self::Replace(_) => "empty disk, NATS",
            Self::CutOff(_) => "NATS cut off",
            Self::CutFromPeers(_) => "NATS cut from peers",
            Self::CutNode(_) => "node cut from NATS",
            Self::CutPair(..) => "node cut from one NATS",
            Self::OneWay(..) => "one way, NATS",
        }
    }
}
