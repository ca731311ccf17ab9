//! A disk that can be filled: a tmpfs that is resized to what it contains. Needs the privilege to mount.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Size of the disk while it is not full.
const SIZE: &str = "8g";

/// A mounted tmpfs, unmounted when dropped.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Mounts a tmpfs on an existing directory.
    pub(super) fn mount(path: &Path) -> anyhow::Result<Self> {
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={SIZE},mode=0700"), "tmpfs"]).arg(path))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Shrinks the disk to what it contains. Returns false if that failed, because a process wrote in between.
    pub(super) fn fill(&self) -> bool {
        let shrink = || -> anyhow::Result<()> {
            let used = run(Command::new("df").args(["-B1", "--output=used"]).arg(&self.path))?;
            let used: u64 = used.lines().nth(1).context("no figure")?.trim().parse()?;
            self.resize(&used.max(4096).to_string())
        };
        shrink().is_ok()
    }

    /// Restores the size of the disk.
    pub(super) fn free(&self) -> anyhow::Result<()> {
        self.resize(SIZE)
    }

    fn resize(&self, size: &str) -> anyhow::Result<()> {
        run(Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(&self.path)).map(drop)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = run(Command::new("umount").arg("-l").arg(&self.path));
    }
}

fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
