//! How much of the processors other programs used while something was measured. Linux only; elsewhere nothing is known
//! and the share is 0.

use std::collections::HashMap;
use std::fs;

/// Runs `work`. Returns the share of all processor time in the meantime that neither this process nor one that it has
/// started used: 0.5 is one of two processors.
pub(crate) fn during(work: &mut dyn FnMut()) -> f64 {
    let before = Ticks::now();
    work();
    match (before, Ticks::now()) {
        (Some(before), Some(after)) => after.foreign_share(&before),
        _ => 0.0,
    }
}

/// Processor time since the start of the system, in ticks of the kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ticks {
    /// Of all processors, idle or not.
    total: f64,
    /// Spent in programs, and by other guests of the same host. Not that of interrupts, which measured connections cause.
    busy: f64,
    /// Of this process and its descendants.
    own: f64,
}

impl Ticks {
    fn now() -> Option<Self> {
        let (total, busy) = of_system(&fs::read_to_string("/proc/stat").ok()?)?;
        let mut processes = HashMap::new();
        for entry in fs::read_dir("/proc").ok()?.filter_map(Result::ok) {
            // A process that has ended in the meantime is counted by its parent.
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            processes.extend(of_process(&stat));
        }
        Some(Self { total, busy, own: of_descendants(std::process::id(), &processes) })
    }

    fn foreign_share(self, before: &Self) -> f64 {
        let foreign = (self.busy - before.busy) - (self.own - before.own);
        (foreign / (self.total - before.total).max(1.0)).clamp(0.0, 1.0)
    }
}

/// Returns total and busy time from the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal.
fn of_system(stat: &str) -> Option<(f64, f64)> {
    let fields = stat.lines().next()?.split_whitespace().skip(1).take(8);
    let ticks: Vec<f64> = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
    let &[user, nice, system, _, _, _, _, steal] = &ticks[..] else { return None };
    Some((ticks.iter().sum(), user + nice + system + steal))
}

/// Returns the id of a process with its parent and the time of itself and its ended children, from `/proc/PID/stat`.
fn of_process(stat: &str) -> Option<(u32, (u32, f64))> {
    let pid = stat.split(' ').next()?.parse().ok()?;
    // The name before the last parenthesis may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let times = fields.get(11..15)?.iter().map(|field| field.parse::<f64>());
    Some((pid, (parent, times.sum::<Result<f64, _>>().ok()?)))
}

fn of_descendants(root: u32, processes: &HashMap<u32, (u32, f64)>) -> f64 {
    let belongs = |mut pid: u32| {
        // The depth is bounded, in case a number was used again while the list was read.
        for _ in 0..64 {
            match processes.get(&pid) {
                _ if pid == root => return true,
                Some(&(parent, _)) => pid = parent,
                None => return false,
            }
        }
        false
    };
    processes.iter().filter(|(pid, _)| belongs(**pid)).map(|(_, (_, ticks))| ticks).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_files_of_the_kernel() {
        assert_eq!(of_system("cpu  10 1 20 900 5 3 4 7 0 0\ncpu0 1 1\n"), Some((950.0, 38.0)));
        let stat = "42 (a) b) S 7 2 3 4 5 6 7 8 9 10 120 34 5 1 20 0 3";
        assert_eq!(of_process(stat), Some((42, (7, 160.0))));
        assert_eq!(of_process("42 (cut"), None);
    }

    #[test]
    fn counts_own_processes_only() {
        let processes = HashMap::from([(1, (0, 1.0)), (5, (1, 10.0)), (6, (5, 100.0)), (7, (6, 1e3)), (9, (1, 1e4))]);
        assert_eq!(of_descendants(5, &processes), 1_110.0);
        let before = Ticks { total: 0.0, busy: 0.0, own: 0.0 };
        let after = Ticks { total: 200.0, busy: 150.0, own: 100.0 };
        assert_eq!(after.foreign_share(&before), 0.25);
        assert_eq!(Ticks { own: 160.0, ..after }.foreign_share(&before), 0.0);
    }
}
