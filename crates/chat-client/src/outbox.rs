//! Unconfirmed messages, kept over restarts, and the echoes that prove their delivery.

pub(crate) mod access;
pub(crate) mod echo;
pub(crate) mod entry;
pub(crate) mod error;
#[cfg(feature = "files")]
pub(crate) mod log;
#[cfg(feature = "files")]
mod record;
#[cfg(feature = "files")]
mod replay;
