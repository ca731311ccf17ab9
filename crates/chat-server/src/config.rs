//! The configuration of a server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use crate::hooks::Hooks;
use crate::limits::Limits;
#[cfg(feature = "tls")]
use crate::net::TlsPorts;

/// The listen port of the original server.
pub const DEFAULT_LISTEN_PORT: u16 = 5000;

/// The write port of the original server.
pub const DEFAULT_WRITE_PORT: u16 = 5050;

/// The configuration of a server. Start from `ServerConfig::default()` and change fields.
///
/// ```
/// use std::time::Duration;
///
/// use chat_server::ServerConfig;
///
/// let mut config = ServerConfig::default();
/// config.listen = "0.0.0.0:5000".parse()?;
/// config.write = "0.0.0.0:5050".parse()?;
/// config.announce = true;
/// config.limits.login_within = Duration::from_secs(30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The address for listeners. Default 127.0.0.1:5000; port 0 picks a free port.
    pub listen: SocketAddr,
    /// The address for writers. Default 127.0.0.1:5050; port 0 picks a free port.
    pub write: SocketAddr,
    /// Two additional ports with TLS. Default none.
    #[cfg(feature = "tls")]
    pub tls: Option<TlsPorts>,
    /// Close after an unknown token instead of continuing with registration as the original does. Default off, because
    /// clients of the original rely on it.
    pub strict: bool,
    /// Announce new accounts to the room, as the public server does. Default off: the room then contains only messages
    /// of its users.
    pub announce: bool,
    /// Offer ids and resume. Default on; without them the server behaves exactly like the original.
    pub extensions: bool,
    /// The limits.
    pub limits: Limits,
    /// Decisions of the program that embeds the server. Default none.
    pub hooks: Option<Hooks>,
    /// The networks of balancers that send a PROXY header (version 1 or 2) before each connection. Limits and the log then
    /// use the address in it. Default none.
    pub proxy_from: Vec<IpNet>,
    /// The directory whose space is watched for [`Limits::max_store`] and [`Limits::min_free`]: that of the journal.
    /// Default none.
    pub store_dir: Option<PathBuf>,
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
            proxy_from: Vec::new(),
            store_dir: None,
            seed: None,
        }
    }
}

impl ServerConfig {
    /// Returns the defaults on free ports of the loopback interface, for tests and for a room inside a program.
    #[must_use]
    pub fn on_free_ports() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { listen: free, write: free, ..Self::default() }
    }
}
