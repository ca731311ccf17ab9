//! CPU time of the calling thread, which is the cost of a load generator. Other processes are in `process`.

use rustix::time::{ClockId, clock_gettime};

/// Returns the CPU seconds of this thread, user and system.
pub(crate) fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
