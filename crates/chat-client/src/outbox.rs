//! Unconfirmed messages, kept over restarts, and the echoes that prove their delivery.

#[cfg(not(feature = "files"))]
mod absent;
pub(crate) mod echo;
pub(crate) mod entry;
#[cfg(feature = "files")]
pub(crate) mod error;
#[cfg(feature = "files")]
pub(crate) mod log;
#[cfg(feature = "files")]
mod record;

#[cfg(not(feature = "files"))]
pub(crate) use absent::{error, log};
