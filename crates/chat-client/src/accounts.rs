//! Accounts: creating them, keeping them in a file, choosing one by name, and names that look alike.

#[cfg(feature = "files")]
pub(crate) mod credentials;
#[cfg(feature = "files")]
pub(crate) mod error;
#[cfg(feature = "files")]
pub(crate) mod format;
#[cfg(feature = "files")]
pub(crate) mod lookup;
pub(crate) mod names_seen;
pub(crate) mod register;
