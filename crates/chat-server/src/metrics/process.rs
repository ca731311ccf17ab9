//! The figures of the process, under the names that Prometheus' client libraries use. Linux only.

#[cfg(target_os = "linux")]
use std::time::{SystemTime, UNIX_EPOCH};

/// What the operating system reports about this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProcessFigures {
    pub(super) cpu_seconds: f64,
    pub(super) resident_bytes: u64,
    pub(super) open_files: u64,
    pub(super) max_files: u64,
    pub(super) started: f64,
}

impl ProcessFigures {
    /// Reads the figures; `None` if the system does not have them.
    #[cfg(target_os = "linux")]
    pub(super) fn read() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program, in parentheses, may contain spaces.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // Numbered as in proc(5), where the first field here is the third.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let per_second = rustix::param::clock_ticks_per_second().max(1) as f64;
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) as f64 / per_second,
            resident_bytes: field(24)? * rustix::param::page_size() as u64,
            // The directory itself is open while it is read.
            open_files: std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as u64,
            max_files: rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX),
            started: boot_time()? + field(22)? as f64 / per_second,
        })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn read() -> Option<Self> {
        None
    }
}

/// Returns the time of the boot in seconds since the Unix epoch.
#[cfg(target_os = "linux")]
fn boot_time() -> Option<f64> {
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let up: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    Some(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64() - up)
}
