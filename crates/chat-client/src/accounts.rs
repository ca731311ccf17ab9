//! Accounts: creating them, keeping them in a file, choosing one by name, and names that look alike.

pub(crate) mod credentials;
pub(crate) mod error;
pub(crate) mod format;
mod lookup;
pub(crate) mod names_seen;
pub(crate) mod register;
