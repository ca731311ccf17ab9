//! The operating system: resource limits, signals, log output.

pub(crate) mod clock;
pub(crate) mod log_writer;
pub(crate) mod logging;
pub(crate) mod ready_line;
pub(crate) mod report;
pub(crate) mod rlimits;
pub(crate) mod service_manager;
pub(crate) mod signals;
pub(crate) mod store_lock;
