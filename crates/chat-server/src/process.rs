//! What the binary asks of the operating system.

pub(crate) mod log_writer;
pub(crate) mod logging;
pub(crate) mod ready_line;
pub(crate) mod report;
pub(crate) mod rlimits;
pub(crate) mod signals;
