//! A number that only grows, and one that goes up and down. Neither signal anything: whoever reads them sees about now.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often something happened.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, how_many: u64) {
        self.0.fetch_add(how_many, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How much of something there is now.
#[derive(Debug, Default)]
pub(crate) struct Level(AtomicU64);

impl Level {
    pub(crate) fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// One more until the guard is dropped, however that comes.
    pub(crate) fn while_held(&self) -> LevelGuard<'_> {
        self.up();
        LevelGuard(self)
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts in a [`Level`].
#[derive(Debug)]
pub(crate) struct LevelGuard<'a>(&'a Level);

impl Drop for LevelGuard<'_> {
    fn drop(&mut self) {
        self.0.down();
    }
}
