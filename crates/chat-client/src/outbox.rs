//! Unconfirmed messages, kept over restarts, and the echoes that prove their delivery.

pub(crate) mod echo;
pub(crate) mod entry;
pub(crate) mod error;
pub(crate) mod log;
mod record;
