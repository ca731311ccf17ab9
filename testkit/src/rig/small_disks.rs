//! Directories of the rig's files: two tmpfs disks that can be filled where mounting is permitted, otherwise plain
//! directories.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;

use super::disk::Disk;
use super::timeouts::GUARD;

/// Pause between attempts to enlarge a full disk.
const FREE_PAUSE: Duration = Duration::from_millis(10);

/// The disk of the server's store and the one of the first writer's and first listener's files.
#[derive(Debug)]
pub(super) struct SmallDisks {
    dir: PathBuf,
    store: Option<FillableDisk>,
    client: Option<FillableDisk>,
    why_not: Option<String>,
}

#[derive(Debug)]
struct FillableDisk {
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
                (disks.store, disks.client) = (Some(FillableDisk::new(store)), Some(FillableDisk::new(client)));
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

    /// Returns the faults that cannot be injected here, with the reason.
    pub(super) fn skipped(&self) -> Vec<String> {
        self.why_not.iter().cloned().collect()
    }

    /// Fills the disk of the store for this long. Returns false if it is full already or cannot be filled.
    pub(super) fn fill_store(&self, how_long: Duration) -> bool {
        self.store.as_ref().is_some_and(|disk| disk.fill(how_long))
    }

    /// Fills the clients' disk for this long. Returns false if it is full already or cannot be filled.
    pub(super) fn fill_client(&self, how_long: Duration) -> bool {
        self.client.as_ref().is_some_and(|disk| disk.fill(how_long))
    }

    /// Waits until neither disk is full.
    ///
    /// # Errors
    /// A disk could not be enlarged in time.
    pub(super) async fn wait_until_free(&self) -> anyhow::Result<()> {
        let free = async {
            for disk in self.store.iter().chain(&self.client) {
                while disk.full.load(Ordering::Relaxed) {
                    tokio::time::sleep(FREE_PAUSE).await;
                }
            }
        };
        tokio::time::timeout(GUARD, free).await.context("could not enlarge a full disk")
    }
}

impl FillableDisk {
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
