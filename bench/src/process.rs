//! What the kernel says of another process: its memory and its processor time.

use std::fs;

use anyhow::{Context, Result};
use rustix::param::clock_ticks_per_second;

/// The most memory the process ever had, in KiB (`VmHWM`).
pub fn peak_kib(pid: u32) -> Result<u64> {
    status(pid, "VmHWM:")
}

/// The memory that the process has now, in KiB (`VmRSS`).
pub fn resident_kib(pid: u32) -> Result<u64> {
    status(pid, "VmRSS:")
}

/// Lets [`peak_kib`] begin anew from what the process has now.
pub fn forget_peak(pid: u32) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("the kernel does not forget the peak")
}

/// The memory that is its own and not a file's, in KiB (`RssAnon`): heaps and stacks, as far as they were touched.
pub fn private_kib(pid: u32) -> Result<u64> {
    status(pid, "RssAnon:")
}

/// The processor time in seconds of all threads that it has and had.
///
/// The kernel counts the whole process in hundredths of a second, and living threads to the nanosecond. Ended threads
/// are in the first only, so the larger of both is right to a hundredth.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let mut nanoseconds = 0.0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).context("the process is gone")? {
        // A thread that ends in this moment has no file any more.
        let stat = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        nanoseconds += stat.split(' ').next().and_then(|word| word.parse::<f64>().ok()).unwrap_or_default();
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the process is gone")?;
    let ticks = ticks(&stat).context("no times in its stat")?;
    Ok(f64::max(nanoseconds / 1e9, ticks as f64 / clock_ticks_per_second() as f64))
}

fn status(pid: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the process is gone")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name} in it"))?;
    line.split_whitespace().next().and_then(|word| word.parse().ok()).with_context(|| format!("{name} is no number"))
}

/// User and system time. The name of the program comes before them and may hold anything, so counting starts behind
/// its bracket.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    Some(times.next()?.parse::<u64>().ok()? + times.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 120 34 0 0 20 0 3";
        assert_eq!(ticks(stat), Some(154));
    }

    #[test]
    fn this_process_has_times_and_memory() -> Result<()> {
        let pid = std::process::id();
        assert!(cpu_seconds(pid)? >= 0.0 && peak_kib(pid)? > 0 && private_kib(pid)? > 0);
        Ok(())
    }
}
