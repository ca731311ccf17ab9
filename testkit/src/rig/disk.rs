//! A disk of our own that can be full for a while: a tmpfs whose size is set to what is in it. That
//! needs the right to mount.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// What the disk holds at most while it is not full.
const SIZE: &str = "8g";

/// A mounted disk; it is unmounted when dropped.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Mounts one on a directory that is there.
    pub(super) fn mount(path: &Path) -> anyhow::Result<Self> {
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={SIZE},mode=0700"), "tmpfs"]).arg(path))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Leaves no room, and says whether that worked: somebody may have written meanwhile.
    pub(super) fn fill(&self) -> bool {
        let room = || -> anyhow::Result<()> {
            let used = run(Command::new("df").args(["-B1", "--output=used"]).arg(&self.path))?;
            let used: u64 = used.lines().nth(1).context("no figure")?.trim().parse()?;
            self.resize(&used.max(4096).to_string())
        };
        room().is_ok()
    }

    /// Makes room again.
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
