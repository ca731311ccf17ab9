//! The HTTP port for monitoring: metrics, liveness and readiness.

mod port;
mod process;
mod routes;
mod text;

pub(crate) use self::port::MetricsPort;
