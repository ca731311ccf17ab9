//! What the kernel says of another process: its memory and its descriptors. Linux only, like the whole siege.

use std::fs;

use anyhow::{Context as _, Result};

/// The most memory the process ever had, in MiB (`VmHWM`).
pub(super) fn peak_mib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the process is gone")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in its status")?;
    let kib: f64 = line.split_whitespace().next().context("an empty VmHWM")?.parse()?;
    Ok(kib / 1024.0)
}

/// How many descriptors it has open.
pub(super) fn descriptors(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd")).context("the process is gone")?.count())
}
