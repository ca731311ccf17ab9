//! The processor time of the calling thread: what our load generators cost. Other processes are in `process`.

use rustix::time::{ClockId, clock_gettime};

/// Processor seconds that this thread has used, user and system.
pub fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
