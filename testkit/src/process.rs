//! Another process: its memory, CPU time and file descriptors from `/proc`, on Linux only, and its end.

use std::fs;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
#[cfg(unix)]
use rustix::param::clock_ticks_per_second;

/// Without `/proc` there are no ticks to convert.
#[cfg(not(unix))]
fn clock_ticks_per_second() -> u64 {
    1
}

/// Returns the peak memory of the process in KiB (`VmHWM`).
///
/// # Errors
/// The process has ended.
pub fn peak_kib(pid: u32) -> Result<u64> {
    status(pid, "VmHWM:")
}

/// Returns the resident memory of the process in KiB (`VmRSS`).
///
/// # Errors
/// The process has ended.
pub fn resident_kib(pid: u32) -> Result<u64> {
    status(pid, "VmRSS:")
}

/// Returns the peak memory of the process in MiB.
///
/// # Errors
/// The process has ended.
pub fn peak_mib(pid: u32) -> Result<f64> {
    // A count of KiB is far below the precision of f64.
    Ok(peak_kib(pid)? as f64 / 1024.0)
}

/// Returns the number of open file descriptors of the process.
///
/// # Errors
/// The process has ended.
pub fn descriptors(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd")).context("the process has ended")?.count())
}

/// Resets [`peak_kib`] to the current memory of the process.
///
/// # Errors
/// The process has ended.
pub fn reset_peak(pid: u32) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("could not reset the peak memory")
}

/// Returns the private memory of the process in KiB (`RssAnon`): heaps and stacks without mapped files.
///
/// # Errors
/// The process has ended.
pub fn private_kib(pid: u32) -> Result<u64> {
    status(pid, "RssAnon:")
}

/// Returns the CPU seconds of all threads of the process, ended ones included.
///
/// The kernel counts the whole process in units of 10 ms, and running threads in nanoseconds. Ended threads are only in
/// the former, so the larger of both figures is exact to 10 ms.
///
/// # Errors
/// The process has ended.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let mut nanoseconds = 0.0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).context("the process has ended")? {
        // The file of a thread that has just ended is missing.
        let stat = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        nanoseconds += stat.split(' ').next().and_then(|word| word.parse::<f64>().ok()).unwrap_or_default();
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the process has ended")?;
    let ticks = ticks(&stat).context("no times in its stat")?;
    Ok(f64::max(nanoseconds / 1e9, ticks as f64 / clock_ticks_per_second() as f64))
}

fn status(pid: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the process has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name} in it"))?;
    line.split_whitespace().next().and_then(|word| word.parse().ok()).with_context(|| format!("{name} is no number"))
}

/// Parses user and system time. The program name before them may contain any character, so fields are counted from the
/// last closing parenthesis.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    Some(times.next()?.parse::<u64>().ok()? + times.next()?.parse::<u64>().ok()?)
}

/// Waits for the end of a process that was asked to end, and kills it when that takes too long.
pub fn end_within(process: &mut Child, within: Duration) {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        if !matches!(process.try_wait(), Ok(None)) {
            return;
        }
        sleep(Duration::from_millis(5));
    }
    let _ = process.kill();
    let _ = process.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_shifts_no_field() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 120 34 0 0 20 0 3";
        assert_eq!(ticks(stat), Some(154));
    }

    #[test]
    fn reads_this_process() -> Result<()> {
        let pid = std::process::id();
        assert!(cpu_seconds(pid)? >= 0.0 && peak_kib(pid)? > 0 && private_kib(pid)? > 0);
        Ok(())
    }
}
