//! The listen port: messages, gaps, and a position in the log that survives restarts.

#[cfg(feature = "files")]
pub(crate) mod cursor;
pub(crate) mod event;
pub(crate) mod gap;
pub(crate) mod handle;
mod link;
mod task;
