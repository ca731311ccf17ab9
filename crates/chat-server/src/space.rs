//! The space of the store: how much it occupies, and how much is free on its file system.

use std::io;
use std::path::Path;

use crate::limits::Limits;

/// The space of a store at one moment, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StoreSpace {
    /// What the files of the data directory occupy.
    pub(crate) used: u64,
    /// What is free on its file system, for users without privileges. `None` where that is not known.
    pub(crate) free: Option<u64>,
}

/// The reason why nothing more is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpaceShortage {
    /// The store has reached its limit.
    StoreFull,
    /// Too little is free on the file system.
    DiskFull,
}

impl StoreSpace {
    /// Measures a data directory.
    ///
    /// # Errors
    /// The error of the operating system.
    pub(crate) fn measure(dir: &Path) -> io::Result<Self> {
        let mut used = 0;
        for entry in dir.read_dir()? {
            // A file may vanish in between.
            used += entry?.metadata().map_or(0, |found| found.len());
        }
        Ok(Self { used, free: free(dir)? })
    }

    /// Returns whether the limits permit to store more.
    pub(crate) fn shortage(self, limits: &Limits) -> Option<SpaceShortage> {
        if limits.max_store.is_some_and(|max| self.used >= max) {
            Some(SpaceShortage::StoreFull)
        } else if limits.min_free.is_some_and(|min| self.free.is_some_and(|free| free < min)) {
            Some(SpaceShortage::DiskFull)
        } else {
            None
        }
    }
}

#[cfg(unix)]
fn free(dir: &Path) -> io::Result<Option<u64>> {
    let found = rustix::fs::statvfs(dir)?;
    Ok(Some(found.f_bavail.saturating_mul(found.f_frsize)))
}

#[cfg(not(unix))]
fn free(_: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_files_and_free_space() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), [0; 1000]).unwrap();
        std::fs::write(dir.path().join("b"), [0; 24]).unwrap();
        let space = StoreSpace::measure(dir.path()).unwrap();
        assert_eq!(space.used, 1024);
        assert!(space.free.is_none_or(|free| free > 0));
        assert!(StoreSpace::measure(&dir.path().join("nowhere")).is_err());
    }

    #[test]
    fn shortage_by_both_limits() {
        let space = StoreSpace { used: 100, free: Some(50) };
        let shortage = |max_store, min_free| space.shortage(&Limits { max_store, min_free, ..Limits::default() });
        assert_eq!(shortage(None, None), None);
        assert_eq!(shortage(Some(101), Some(50)), None);
        assert_eq!(shortage(Some(100), Some(50)), Some(SpaceShortage::StoreFull));
        assert_eq!(shortage(None, Some(51)), Some(SpaceShortage::DiskFull));
        assert_eq!(StoreSpace::default().shortage(&Limits::default()), None);
    }
}
