//! One schedule: a scheduler that lets one part at a time do what is due, in virtual time.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chat_server::SqliteProjection;
use chat_server::replication::rules::EPOCH_KEPT_MS;
use chat_server::replication::{Generation, Projection as _};
use fastrand::Rng;

use super::check;
use super::listener::SimListener;
use super::log::SharedMemoryLog;
use super::node::{NodeCounts, RunningNode, SimNode};
use super::operator::Operator;
use super::writer::{PostState, SimWriter};

const WRITERS: usize = 3;
const LISTENERS: usize = 2;

/// The wall clock at the beginning, in milliseconds since the Unix epoch.
const WALL: i64 = 1_800_000_000_000;

/// How far the clock of a node may be off, in milliseconds.
const CLOCK_OFF: i64 = 3 * 60 * 60 * 1000;

/// How often a node of a quiet room makes an entry, in milliseconds.
const PROBE_EVERY: u64 = 10_000;

/// Virtual milliseconds without faults after which a schedule counts as stuck.
const GUARD: u64 = 300_000;

/// The result of one schedule.
#[derive(Debug)]
pub struct ClusterResult {
    /// Every broken promise.
    pub violations: Vec<String>,
    /// The number of confirmed posts.
    pub confirmed: u64,
    /// The number of faults of the log, the nodes and their disks.
    pub faults: u64,
    /// The number of batches that were skipped because they were applied before.
    pub repeated: u64,
    /// The number of batches that were skipped because one before them was lost.
    pub early: u64,
    /// The number of reads that missed a place.
    pub holes: u64,
    /// The number of registrations that another node was ahead of.
    pub names_taken: u64,
    /// The number of nodes that stopped because the log had taken back what they had read.
    pub stopped: u64,
    /// Virtual time that passed.
    pub virtual_time: Duration,
    /// Hash of what was confirmed and of the virtual time; equal for equal runs.
    pub digest: u64,
}

/// Runs the schedule of a seed on that many nodes, with files in the empty directory `dir`. One schedule in sixteen has a
/// log that takes back what was read: then the nodes must notice it.
///
/// # Errors
/// The simulation itself cannot continue. A violation is not an error.
pub fn simulate(seed: u64, nodes: usize, dir: &Path) -> anyhow::Result<ClusterResult> {
    World::new(seed, nodes, dir)?.run()
}

struct World<'a> {
    dir: &'a Path,
    rng: Rng,
    start: Instant,
    now: u64,
    log: SharedMemoryLog,
    nodes: Vec<SimNode>,
    writers: Vec<SimWriter>,
    listeners: Vec<SimListener>,
    operator: Operator,
    violations: Vec<String>,
    faults: u64,
    /// An old copy of the store of a node.
    old_copy: bool,
    /// How far the quiet weeks have moved all clocks, in milliseconds.
    skipped: i64,
    /// Nodes that were killed, with the time at which they start again.
    down: Vec<(usize, u64)>,
}

impl<'a> World<'a> {
    fn new(seed: u64, count: usize, dir: &'a Path) -> anyhow::Result<Self> {
        let mut rng = Rng::with_seed(seed);
        let log = SharedMemoryLog::new(WALL, &mut rng);
        let new = |number: usize, rng: &mut Rng| {
            SimNode::new(dir.join(format!("node-{number}")), log.clone(), rng.i64(-CLOCK_OFF..CLOCK_OFF))
        };
        let mut nodes: Vec<SimNode> = (0..count).map(|number| new(number, &mut rng)).collect();
        let mut generation = [0; 16];
        generation.iter_mut().for_each(|byte| *byte = rng.u8(..));
        SqliteProjection::create(&nodes[0].dir, Generation::from_bytes(generation))?.close()?;
        // The last node may join later.
        let joined = if rng.bool() { count } else { count - 1 };
        for number in 1..joined {
            copy_store(&nodes[0], &nodes[number].dir)?;
        }
        for node in &mut nodes[..joined] {
            node.start(&mut rng)?;
        }
        let posts = rng.usize(3..12);
        let victim = rng.usize(..2 * WRITERS);
        let writers = (0..WRITERS).map(|number| SimWriter::new(number, posts, number == victim));
        Ok(Self {
            dir,
            start: Instant::now(),
            now: 0,
            writers: writers.collect::<Result<_, _>>()?,
            listeners: (0..LISTENERS).map(|number| SimListener::new(WRITERS + number)).collect(),
            operator: Operator::default(),
            violations: Vec::new(),
            faults: 0,
            old_copy: false,
            skipped: 0,
            down: (joined..count).map(|number| (number, rng.u64(200..1_500))).collect(),
            rng,
            log,
            nodes,
        })
    }

    fn run(mut self) -> anyhow::Result<ClusterResult> {
        let rewinds = self.rng.u8(..16) == 0;
        let end = self.rng.u64(500..4_000);
        let mut rewound = false;
        while self.now < end {
            self.step()?;
            if self.rng.u16(..40) == 0 {
                self.break_something()?;
            }
            if self.rng.u16(..60) == 0 {
                self.operator.tick(self.now, &mut self.nodes, &self.writers, &mut self.rng)?;
            }
            if self.rng.u16(..300) == 0 {
                self.skip_days();
            }
            if rewinds && !rewound && self.now > end / 2 {
                rewound = self.log.lock().rewind(&mut self.rng);
            }
        }
        self.log.lock().settle();
        for node in 0..self.nodes.len() {
            self.nodes[node].mend_disk();
            if self.nodes[node].running.is_none() {
                self.start(node)?;
            }
        }
        self.down.clear();
        if rewound {
            self.settle_rewound()?;
        } else {
            self.settle()?;
        }
        self.finish()
    }

    /// Lets one part do what is due.
    fn step(&mut self) -> anyhow::Result<()> {
        self.now += self.rng.u64(1..4);
        self.log.lock().advance(self.now);
        let (nodes, writers) = (self.nodes.len(), self.writers.len());
        match self.rng.usize(..nodes + writers + self.listeners.len()) {
            part if part < nodes => {
                let was = self.nodes[part].running.is_some();
                let wall = WALL + self.skipped + i64::try_from(self.now)?;
                self.nodes[part].tick(self.now, wall, self.start, &mut self.rng)?;
                if was && self.nodes[part].running.is_none() {
                    self.down.push((part, self.now + self.rng.u64(1..800)));
                }
                let replies = self.nodes[part].running.as_mut().map(|running| std::mem::take(&mut running.outbox));
                for (connection, reply) in replies.unwrap_or_default() {
                    match connection.0.checked_sub(writers) {
                        None => self.writers[connection.0].deliver(connection, reply),
                        Some(listener) => self.listeners[listener].deliver(connection, reply),
                    }
                }
            }
            part if part < nodes + writers => {
                self.writers[part - nodes].tick(self.now, &mut self.nodes, &mut self.rng, &mut self.violations);
            }
            part => {
                let listener = &mut self.listeners[part - nodes - writers];
                listener.tick(self.now, &mut self.nodes, &mut self.rng, &mut self.violations)?;
            }
        }
        let now = self.now;
        let due: Vec<usize> = self.down.extract_if(.., |(_, at)| *at <= now).map(|(node, _)| node).collect();
        for node in due {
            self.start(node)?;
        }
        Ok(())
    }

    /// Starts a node. One that has no store gets a copy of another one's, and one that was killed sometimes an old copy.
    fn start(&mut self, node: usize) -> anyhow::Result<()> {
        let store = self.nodes[node].dir.join("room.db");
        if !store.exists() {
            let from = (0..self.nodes.len()).find(|other| self.nodes[*other].dir.join("room.db").exists());
            copy_store(&self.nodes[from.context("no node has a store")?], &self.nodes[node].dir)?;
        } else if self.old_copy && self.rng.u8(..4) == 0 {
            self.faults += 1;
            replace_store(&self.dir.join("old-copy.db"), &self.nodes[node].dir)?;
        }
        self.nodes[node].start(&mut self.rng)
    }

    /// Lets days pass in which nothing reaches the log: long enough that nodes forget each other's epochs, or nearly.
    fn skip_days(&mut self) {
        self.faults += 1;
        let passed = EPOCH_KEPT_MS / 8 * self.rng.i64(1..=16);
        self.skipped += passed;
        self.log.lock().skip(passed);
    }

    fn break_something(&mut self) -> anyhow::Result<()> {
        self.faults += 1;
        let node = self.rng.usize(..self.nodes.len());
        match self.rng.u8(..10) {
            0..3 if self.nodes[node].running.is_some() => {
                self.nodes[node].kill();
                self.down.push((node, self.now + self.rng.u64(1..800)));
            }
            3 | 4 => self.nodes[node].break_disk(true),
            5 => self.nodes[node].break_disk(false),
            6 => self.nodes[node].mend_disk(),
            7 => {
                let away = self.rng.bool();
                self.log.lock().set_away(away);
            }
            8 => self.log.lock().damage_copy(&mut self.rng),
            9 if !self.old_copy && self.nodes[node].running.is_some() => {
                self.nodes[node].backup(&self.dir.join("old-copy.db"))?;
                self.old_copy = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// Runs without faults until everything is known everywhere.
    fn settle(&mut self) -> anyhow::Result<()> {
        let guard = self.now + GUARD;
        let mut probe_at = self.now + PROBE_EVERY;
        loop {
            // As the server does in a quiet room: a copy of the log that lacks its end looks like one that has it.
            if self.now >= probe_at {
                probe_at = self.now + PROBE_EVERY;
                self.nodes.iter_mut().for_each(|node| node.running.iter_mut().for_each(RunningNode::probe));
            }
            for _ in 0..50 {
                self.step()?;
            }
            let end = self.log.lock().end();
            let idle = |node: &SimNode| {
                node.running
                    .as_ref()
                    .is_some_and(|running| running.is_idle() && running.node.projection().applied().place == end)
            };
            let head = self.nodes[0].running.as_ref().map_or(0, |running| running.node.projection().head());
            if self.writers.iter().all(SimWriter::is_done)
                && self.nodes.iter().all(idle)
                && self.log.lock().is_quiet()
                && self.listeners.iter().all(|listener| listener.after >= head)
            {
                break;
            }
            if self.now > guard {
                self.violations.push("not all posts were confirmed everywhere after the faults had stopped".to_owned());
                break;
            }
        }
        if let Some(stopped) = self.nodes.iter().filter_map(|node| node.running.as_ref()?.node.stopped()).next() {
            self.violations.push(format!("a node has {stopped}"));
        }
        let mut running: Vec<&mut RunningNode> =
            self.nodes.iter_mut().filter_map(|node| node.running.as_mut()).collect();
        check::stores_are_equal(&mut running, &mut self.violations)?;
        for node in running {
            check::store_keeps_promises(node, &self.writers, &self.listeners, &mut self.violations)?;
        }
        Ok(())
    }

    /// Lets every node append after the log has taken something back. Those that go on must have the same store.
    fn settle_rewound(&mut self) -> anyhow::Result<()> {
        for _ in 0..3 {
            for node in &mut self.nodes {
                node.running.iter_mut().for_each(RunningNode::probe);
            }
            let until = self.now + 12_000;
            while self.now < until {
                self.step()?;
            }
        }
        // What writers and listeners were told before is not true of the log that is left.
        self.violations.clear();
        let end = self.log.lock().end();
        let running = self.nodes.iter_mut().filter_map(|node| node.running.as_mut());
        let mut going: Vec<_> = running
            .filter(|one| one.node.stopped().is_none() && one.node.projection().applied().place == end)
            .collect();
        check::stores_are_equal(&mut going, &mut self.violations)
    }

    fn finish(self) -> anyhow::Result<ClusterResult> {
        let mut hasher = DefaultHasher::new();
        let mut confirmed = 0;
        for post in self.writers.iter().flat_map(|writer| &writer.posts) {
            if let PostState::Stored { seq } = post.state {
                confirmed += 1;
                (post.text.as_str(), seq).hash(&mut hasher);
            }
        }
        self.now.hash(&mut hasher);
        let sum = |count: fn(&NodeCounts) -> u64| self.nodes.iter().map(|node| count(&node.seen)).sum::<u64>();
        let stopped = |node: &&SimNode| node.running.as_ref().is_some_and(|running| running.node.stopped().is_some());
        Ok(ClusterResult {
            confirmed,
            faults: self.faults + self.log.lock().faults + sum(|seen| seen.deaths_in_commit),
            repeated: sum(|seen| seen.repeated),
            early: sum(|seen| seen.early),
            holes: sum(|seen| seen.holes),
            names_taken: sum(|seen| seen.names_taken),
            stopped: self.nodes.iter().filter(stopped).count() as u64,
            virtual_time: Duration::from_millis(self.now),
            digest: hasher.finish(),
            violations: self.violations,
        })
    }
}

/// Gives a new node a copy of the store of another one.
fn copy_store(from: &SimNode, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    from.backup(&to.join("room.db"))
}

/// Puts a copy in the place of the store of a node that does not run.
fn replace_store(copy: &Path, dir: &Path) -> anyhow::Result<()> {
    for name in ["room.db-wal", "room.db-shm", "closed"] {
        match std::fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    std::fs::copy(copy, dir.join("room.db"))?;
    Ok(())
}
