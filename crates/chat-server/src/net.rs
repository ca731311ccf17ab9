//! Sockets: opening ports, accepting connections, TLS.

mod accept;
mod stream;
#[cfg(feature = "tls")]
mod tls;

#[cfg(feature = "tls")]
pub use self::tls::{TlsCertificate, TlsPorts};
pub(crate) use self::{
    accept::{AcceptLoop, open_port},
    stream::{LingerGuard, SharedStream},
};
