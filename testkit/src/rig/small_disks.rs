//! Where the rig's files are: two disks of its own that can be full, where it may mount them, and
//! plain directories elsewhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::disk::Disk;

/// Tried again so often, a hundredth of a second apart, until a full disk is free.
const FREE_PAUSE: Duration = Duration::from_millis(10);

/// The disk under the store and the one under some clients' files.
#[derive(Debug)]
pub(super) struct SmallDisks {
    dir: PathBuf,
    store: Option<Fillable>,
    client: Option<Fillable>,
    why_not: Option<String>,
}

#[derive(Debug)]
struct Fillable {
    disk: Arc<Disk>,
    full: Arc<AtomicBool>,
}

impl SmallDisks {
    pub(super) fn prepare(dir: &Path) -> anyhow::Result<Self> {
        let mut disks = Self { dir: dir.to_owned(), store: None, client: None, why_not: None };
        for path in [disks.store_dir(), disks.client_dir()] {
            std::fs::create_dir_all(path)?;
        }
        match (Disk::mount(&disks.store_dir()), Disk::mount(&disks.client_dir())) {
            (Ok(store), Ok(client)) => {
                (disks.store, disks.client) = (Some(Fillable::new(store)), Some(Fillable::new(client)));
            }
            (Err(error), _) | (_, Err(error)) => disks.why_not = Some(format!("full disk ({error})")),
        }
        Ok(disks)
    }

    pub(super) fn store_dir(&self) -> PathBuf {
        self.dir.join("store")
    }

    pub(super) fn client_dir(&self) -> PathBuf {
        self.dir.join("client")
    }

    /// What was left out, and why.
    pub(super) fn skipped(&self) -> Vec<String> {
        self.why_not.iter().cloned().collect()
    }

    /// Says whether the disk is full now; it will not be for longer.
    pub(super) fn fill_store(&self, how_long: Duration) -> bool {
        self.store.as_ref().is_some_and(|disk| disk.fill(how_long))
    }

    /// The same for the other one.
    pub(super) fn fill_client(&self, how_long: Duration) -> bool {
        self.client.as_ref().is_some_and(|disk| disk.fill(how_long))
    }

    /// Waits until there is room on both.
    pub(super) async fn free(&self) {
        for fillable in self.store.iter().chain(&self.client) {
            while fillable.full.load(Ordering::Relaxed) {
                tokio::time::sleep(FREE_PAUSE).await;
            }
        }
    }
}

impl Fillable {
    fn new(disk: Disk) -> Self {
        Self { disk: Arc::new(disk), full: Arc::default() }
    }

    fn fill(&self, how_long: Duration) -> bool {
        if self.full.swap(true, Ordering::Relaxed) {
            return false;
        }
        if !self.disk.fill() {
            self.full.store(false, Ordering::Relaxed);
            return false;
        }
        let (disk, full) = (Arc::clone(&self.disk), Arc::clone(&self.full));
        tokio::spawn(async move {
            tokio::time::sleep(how_long).await;
            while disk.free().is_err() {
                tokio::time::sleep(FREE_PAUSE).await;
            }
            full.store(false, Ordering::Relaxed);
        });
        true
    }
}
