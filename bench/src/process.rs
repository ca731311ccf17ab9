//! What the kernel says of another process: its memory and its processor time.

use std::fs;

use anyhow::{Context, Result};

/// The most memory the process ever had, in KiB (`VmHWM`).
pub fn peak_kib(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the process is gone")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in its status")?;
    line.split_whitespace().next().and_then(|word| word.parse().ok()).context("VmHWM is not a number")
}

/// The processor time in seconds of all threads that it has now, exact to the nanosecond (`schedstat`).
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let mut nanoseconds = 0.0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).context("the process is gone")? {
        // A thread that ends in this moment has no file any more.
        let stat = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        nanoseconds += stat.split(' ').next().and_then(|word| word.parse::<f64>().ok()).unwrap_or_default();
    }
    Ok(nanoseconds / 1e9)
}
