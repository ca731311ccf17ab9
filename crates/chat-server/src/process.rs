//! What the binary asks of the operating system.

pub(crate) mod logging;
pub(crate) mod rlimits;
pub(crate) mod signals;
