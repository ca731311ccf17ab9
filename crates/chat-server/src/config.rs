//! What a server is started with.

use std::net::{Ipv4Addr, SocketAddr};

use crate::hooks::Hooks;
use crate::limits::Limits;
#[cfg(feature = "tls")]
use crate::net::TlsPorts;

/// The listen port of the original.
pub const DEFAULT_LISTEN_PORT: u16 = 5000;

/// The write port of the original.
pub const DEFAULT_WRITE_PORT: u16 = 5050;

/// How a server is set up. Start from `ServerConfig::default()` and change fields.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Where listeners connect. Default 127.0.0.1:5000; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where writers connect. Default 127.0.0.1:5050; port 0 takes a free one.
    pub write: SocketAddr,
    /// Two further ports that speak TLS. Default none.
    #[cfg(feature = "tls")]
    pub tls: Option<TlsPorts>,
    /// Close after an unknown token instead of going on to registration as the original does.
    /// Default off: clients of the original rely on it.
    pub strict: bool,
    /// Tell the room who registered, as the public one does. Default off: it is a message nobody
    /// wrote.
    pub announce: bool,
    /// Offer ids and resume. Default on; off makes it the original's server to the byte.
    pub extensions: bool,
    /// The limits.
    pub limits: Limits,
    /// Decisions of the program that embeds the server. Default none.
    pub hooks: Option<Hooks>,
    /// Fixes the choice of adjectives, for tests. Tokens are never predictable.
    pub seed: Option<u64>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_LISTEN_PORT)),
            write: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_WRITE_PORT)),
            #[cfg(feature = "tls")]
            tls: None,
            strict: false,
            announce: false,
            extensions: true,
            limits: Limits::default(),
            hooks: None,
            seed: None,
        }
    }
}

impl ServerConfig {
    /// The defaults on free ports of the loopback interface: for tests and for a room inside a
    /// program.
    #[must_use]
    pub fn on_free_ports() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { listen: free, write: free, ..Self::default() }
    }
}
