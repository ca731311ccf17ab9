//! The port of the gateway: accepting, TLS, and HTTP over one connection.

mod balancer;
pub(crate) mod connection;
pub(crate) mod port;
pub(crate) mod tls;
