//! A file system in an image file, which can lose its power.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;

/// File systems that can be shut down without a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileSystem {
    /// XFS
    Xfs,
    /// ext4
    Ext4,
}

/// A mounted file system, unmounted when dropped.
#[derive(Debug)]
pub(crate) struct Volume {
    image: PathBuf,
    mounted_at: PathBuf,
}

impl Volume {
    /// Creates an empty file system of `mib` MiB in `dir`, and mounts it.
    pub(crate) fn create(dir: &Path, kind: FileSystem, mib: u64) -> Result<Self> {
        let (image, mounted_at) = (dir.join("image"), dir.join("disk"));
        fs::create_dir_all(&mounted_at)?;
        fs::File::create(&image)?.set_len(mib * 1024 * 1024)?;
        let mut format = match kind {
            FileSystem::Xfs => Command::new("mkfs.xfs"),
            FileSystem::Ext4 => Command::new("mkfs.ext4"),
        };
        run(format.args(["-q"]).arg(&image))?;
        let volume = Self { image, mounted_at };
        volume.mount()?;
        Ok(volume)
    }

    /// Returns the directory of its files.
    pub(crate) fn path(&self) -> &Path {
        &self.mounted_at
    }

    /// Cuts the power: what was not synced is lost, and every access fails from now on. The shutdown does not flush the
    /// journal of the file system either.
    pub(crate) fn cut(&self) -> Result<()> {
        run(Command::new("xfs_io").args(["-x", "-c", "shutdown"]).arg(&self.mounted_at))
    }

    /// Mounts it again after a cut, when no process uses it.
    pub(crate) fn restore_power(&self) -> Result<()> {
        run(Command::new("umount").arg(&self.mounted_at))?;
        self.mount()
    }

    fn mount(&self) -> Result<()> {
        run(Command::new("mount").args(["-o", "loop"]).args([&self.image, &self.mounted_at]))
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = run(Command::new("umount").arg("-l").arg(&self.mounted_at));
    }
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("could not run {name}"))?;
    ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
