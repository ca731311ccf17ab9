//! Directories of the rig's files: two tmpfs disks that can be filled where mounting is permitted, otherwise plain
//! directories.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;

use super::disk::Disk;
use super::timeouts::GUARD;
use crate::volume::{FileSystem, Volume};

/// Size of a volume in MiB, which is sparse.
const VOLUME_MIB: u64 = 4_096;

/// Pause between attempts to enlarge a full disk.
const FREE_PAUSE: Duration = Duration::from_millis(10);

/// The disk of the server's store and the one of the first writer's and first listener's files.
#[derive(Debug)]
pub(super) struct SmallDisks {
    dir: PathBuf,
    store: Option<FillableDisk>,
    client: Option<FillableDisk>,
    /// In place of `client`: a disk whose power can be cut.
    volume: Option<Volume>,
    why_not: Option<String>,
}

#[derive(Debug)]
struct FillableDisk {
    disk: Arc<Disk>,
    full: Arc<AtomicBool>,
}

impl SmallDisks {
    /// Mounts the disks. With `power_cuts`, which needs the right to mount, the clients' disk is a volume.
    pub(super) fn prepare(dir: &Path, power_cuts: bool) -> anyhow::Result<Self> {
        let mut disks = Self { dir: dir.to_owned(), store: None, client: None, volume: None, why_not: None };
        if power_cuts {
            disks.volume = Some(Volume::create(&dir.join("volume"), FileSystem::Xfs, VOLUME_MIB)?);
        }
        for path in [disks.store_dir(), disks.client_dir()] {
            std::fs::create_dir_all(path)?;
        }
        match (Disk::mount(&disks.store_dir()), disks.mount_client()) {
            (Ok(store), Ok(client)) => {
                (disks.store, disks.client) = (Some(FillableDisk::new(store)), client.map(FillableDisk::new));
            }
            (Err(error), _) | (_, Err(error)) => disks.why_not = Some(format!("full disk ({error})")),
        }
        Ok(disks)
    }

    fn mount_client(&self) -> anyhow::Result<Option<Disk>> {
        if self.volume.is_some() { Ok(None) } else { Disk::mount(&self.client_dir()).map(Some) }
    }

    pub(super) fn store_dir(&self) -> PathBuf {
        self.dir.join("store")
    }

    pub(super) fn client_dir(&self) -> PathBuf {
        self.volume.as_ref().map_or_else(|| self.dir.join("client"), |volume| volume.path().to_owned())
    }

    /// Returns the clients' disk if its power can be cut.
    pub(super) fn volume(&self) -> Option<&Volume> {
        self.volume.as_ref()
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
