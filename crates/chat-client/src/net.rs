//! Connections: dialling, TLS, waiting between attempts, and the state that callers watch.

pub(crate) mod backoff;
pub(crate) mod connect;
pub(crate) mod counters;
pub(crate) mod dial;
pub(crate) mod error;
pub(crate) mod io;
pub(crate) mod resolve;
pub(crate) mod state;
pub(crate) mod supervisor;
#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(feature = "tls")]
pub(crate) mod trust;
pub(crate) mod turn;
