//! Sockets: opening ports, accepting connections, TLS.

mod accept;
mod proxy_header;
mod stream;
#[cfg(feature = "tls")]
mod tls;

pub use self::proxy_header::{ProxyHeader, ProxyHeaderError, ProxyProgress};
#[cfg(feature = "tls")]
pub use self::tls::{TlsCertificate, TlsPorts};
pub(crate) use self::{
    accept::{AcceptLoop, open_port},
    stream::{LingerGuard, SharedStream},
};
