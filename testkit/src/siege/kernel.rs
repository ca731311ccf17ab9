//! Memory and file descriptors of another process, from `/proc`. Linux only, like all of `siege`.

use std::fs;

use anyhow::{Context as _, Result};

/// Returns the peak resident memory of the process in MiB (`VmHWM`).
pub(super) fn peak_mib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the process has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in its status")?;
    let kib: f64 = line.split_whitespace().next().context("an empty VmHWM")?.parse()?;
    Ok(kib / 1024.0)
}

/// Returns the number of open file descriptors of the process.
pub(super) fn descriptors(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd")).context("the process has ended")?.count())
}
