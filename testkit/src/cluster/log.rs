//! A log in memory that keeps only what an engine has to keep: one order, and what was read once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chat_server::replication::{BatchLog, PlacedBatch};
use fastrand::Rng;

/// The number of copies from which nodes read.
const COPIES: usize = 3;

/// The longest time in milliseconds between an append and its storing.
const LONGEST_DELAY: u64 = 1_500;

/// What is stored, and what is on its way to be stored.
#[derive(Debug)]
pub(super) struct LogContent {
    now: u64,
    clock: i64,
    stored: Vec<PlacedBatch>,
    /// When each batch was stored.
    stored_at: Vec<u64>,
    /// By the time at which they are stored, and a number that makes the key unique.
    coming: BTreeMap<(u64, u64), Bytes>,
    appended: u64,
    /// How far each copy is behind, in milliseconds.
    lags: [u64; COPIES],
    /// The places that each copy has lost, although it has later ones.
    lost: [Option<(u64, u64)>; COPIES],
    faulty: bool,
    /// Nothing can be appended or read.
    away: bool,
    pub(super) faults: u64,
}

/// The log, shared by all nodes.
#[derive(Debug, Clone)]
pub(super) struct SharedMemoryLog(Arc<Mutex<LogContent>>);

impl SharedMemoryLog {
    /// Creates an empty log. `clock` is the time of the log at its beginning.
    pub(super) fn new(clock: i64, rng: &mut Rng) -> Self {
        let mut lags = [0, rng.u64(..300), rng.u64(..1_000)];
        rng.shuffle(&mut lags);
        Self(Arc::new(Mutex::new(LogContent {
            now: 0,
            clock,
            stored: Vec::new(),
            stored_at: Vec::new(),
            coming: BTreeMap::new(),
            appended: 0,
            lags,
            lost: [None; COPIES],
            faulty: true,
            away: false,
            faults: 0,
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, LogContent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the log for one node.
    pub(super) fn open(&self, rng: &mut Rng) -> MemoryLog {
        MemoryLog { shared: self.clone(), copy: rng.usize(..COPIES), failed: false, rng: rng.fork() }
    }
}

impl LogContent {
    /// Lets time pass, in milliseconds since the beginning.
    pub(super) fn advance(&mut self, now: u64) {
        self.now = now;
        while let Some(first) = self.coming.first_entry()
            && first.key().0 <= now
        {
            let ((due, _), bytes) = first.remove_entry();
            let at = self.clock + i64::try_from(due).unwrap_or(0);
            self.stored.push(PlacedBatch { place: self.stored.len() as u64 + 1, at, bytes });
            self.stored_at.push(now);
        }
    }

    /// Lets a long time pass, in milliseconds. What is on its way is lost.
    pub(super) fn skip(&mut self, passed: i64) {
        self.clock += passed;
        self.coming.clear();
    }

    pub(super) fn set_away(&mut self, away: bool) {
        self.away = away;
    }

    /// Makes one copy lose some of the places that it has, in the middle.
    pub(super) fn damage_copy(&mut self, rng: &mut Rng) {
        let stored = self.stored.len() as u64;
        // One copy of three: more than one damaged copy is more than the log promises to bear.
        if stored > 2 && self.lost.iter().all(Option::is_none) {
            let first = rng.u64(1..stored);
            self.lost[rng.usize(..COPIES)] = Some((first, rng.u64(first..=stored)));
            self.faults += 1;
        }
    }

    /// Takes back everything after a random place, which no engine may do. Returns whether anything was there.
    pub(super) fn rewind(&mut self, rng: &mut Rng) -> bool {
        if self.stored.is_empty() {
            return false;
        }
        let kept = self.stored.len() - rng.usize(1..=self.stored.len().min(6));
        self.stored.truncate(kept);
        self.stored_at.truncate(kept);
        self.lost = [None; COPIES];
        true
    }

    /// Stops all faults except damaged copies.
    pub(super) fn settle(&mut self) {
        (self.faulty, self.away) = (false, false);
        self.lags = [0; COPIES];
    }

    /// Returns whether nothing is on its way to be stored.
    pub(super) fn is_quiet(&self) -> bool {
        self.coming.is_empty()
    }

    /// Returns the last place.
    pub(super) fn end(&self) -> u64 {
        self.stored.len() as u64
    }
}

/// The log as one node sees it.
#[derive(Debug)]
pub(super) struct MemoryLog {
    shared: SharedMemoryLog,
    copy: usize,
    failed: bool,
    rng: Rng,
}

impl MemoryLog {
    /// Returns whether an append was reported as failed since the last call. It may be stored nevertheless.
    pub(super) fn take_failure(&mut self) -> bool {
        std::mem::take(&mut self.failed)
    }
}

impl BatchLog for MemoryLog {
    fn append(&mut self, batch: Bytes) {
        let mut shared = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.away {
            self.failed = true;
            return;
        }
        let mut times = 1;
        if shared.faulty {
            self.failed = self.rng.u8(..10) == 0;
            times = match self.rng.u8(..10) {
                0 => 0,
                1 => 2,
                _ => 1,
            };
            shared.faults += u64::from(times != 1) + u64::from(self.failed);
        }
        for _ in 0..times {
            let slow = shared.faulty && self.rng.u8(..6) == 0;
            let due = shared.now + if slow { self.rng.u64(..LONGEST_DELAY) } else { self.rng.u64(1..4) };
            shared.appended += 1;
            let key = (due, shared.appended);
            shared.coming.insert(key, batch.clone());
        }
    }

    fn read(&mut self, after: u64) -> Vec<PlacedBatch> {
        let shared = self.shared.lock();
        if shared.away {
            return Vec::new();
        }
        let (lag, lost) = (shared.lags[self.copy], shared.lost[self.copy]);
        let mut read = Vec::new();
        for (batch, at) in
            shared.stored.iter().zip(&shared.stored_at).skip(usize::try_from(after).unwrap_or(usize::MAX))
        {
            let is_lost = lost.is_some_and(|(first, last)| (first..=last).contains(&batch.place));
            // What is sent to readers may be lost on the way.
            let misses = shared.faulty && self.rng.u8(..20) == 0;
            if *at + lag > shared.now || read.len() == 16 {
                break;
            }
            if !is_lost && !misses {
                read.push(batch.clone());
            }
        }
        // A reader may be shown again what it has.
        if shared.faulty && after > 0 && self.rng.u8(..20) == 0 {
            let old = self.rng.u64(..after);
            read.splice(0..0, shared.stored.get(usize::try_from(old).unwrap_or(usize::MAX)).cloned());
        }
        read
    }

    fn change_copy(&mut self) {
        self.copy = (self.copy + 1) % COPIES;
    }
}
