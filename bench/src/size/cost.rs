//! What one of several things costs: the difference of what a server uses with them and without.

use serde::Serialize;

/// What one costs.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Cost {
    /// Private memory of the server in bytes.
    pub(super) memory: f64,
    /// Bytes of the files in its directory.
    pub(super) disk: f64,
    /// Processor time in microseconds.
    pub(super) cpu_us: f64,
}

/// The difference of two measurements of a server, for each of that many things.
pub(super) fn each(number: u64, before: Usage, after: Usage) -> Cost {
    let number = number as f64;
    Cost {
        memory: (after.memory - before.memory) / number,
        disk: (after.disk - before.disk) / number,
        cpu_us: (after.cpu_s - before.cpu_s) * 1e6 / number,
    }
}

/// What a server uses, in bytes and seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub(super) memory: f64,
    pub(super) disk: f64,
    pub(super) cpu_s: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_is_the_difference_for_each() {
        let usage = |times: f64| Usage { memory: 4096.0 * times, disk: 100.0 * times, cpu_s: 0.001 * times };
        let cost = each(10, usage(1.0), usage(11.0));
        assert_eq!((cost.memory, cost.disk, cost.cpu_us.round()), (4096.0, 100.0, 1000.0));
    }
}
