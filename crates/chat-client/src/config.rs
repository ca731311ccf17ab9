//! The configuration of the services: addresses, deadlines, retries.

pub(crate) mod host;
pub(crate) mod node_address;

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use chat_proto::{Keepalive, Position};

use self::host::{bare_host, host_problem};
use self::node_address::NodeAddress;
use crate::net::error::ConnectError;
#[cfg(feature = "tls")]
use crate::net::trust::{ClientIdentity, Trust};

/// The addresses of a room, and how long to wait for it. The defaults suit the public room.
///
/// A room may run on several nodes. Services begin with one of them at random and continue with the next one after each
/// failure; the position in the log and the ids of posts are the same on all nodes, so nothing is lost or doubled.
///
/// ```
/// use std::time::Duration;
///
/// use chat_client::{ClientConfig, Side};
///
/// let mut config = ClientConfig::new("chat.example.org");
/// config.write_port = 5051;
/// config.retry.max_time = Some(Duration::from_secs(60));
/// assert_eq!(config.address(Side::Write), ("chat.example.org", 5051));
///
/// let config = config.with_nodes(["n1.example.org".into(), "n2.example.org:6000:6050".into()]);
/// assert_eq!(config.addresses_text(Side::Write), "n1.example.org:5051, n2.example.org:6050");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The room's host: a name or an address.
    pub host: String,
    /// The host of the write port; `None` is `host`.
    pub write_host: Option<String>,
    /// The port that sends messages to listeners.
    pub listen_port: u16,
    /// The port that accepts messages.
    pub write_port: u16,
    /// The other nodes of a room that runs on several; each has both ports.
    pub other_nodes: Vec<NodeAddress>,
    /// The deadline for name lookup and connecting to one node, all addresses of its name included.
    pub connect_timeout: Duration,
    /// The deadline for each answer of the server.
    pub answer_timeout: Duration,
    /// When an idle connection is probed. Idle time and probe time together bound how long a half-open connection stays
    /// unnoticed.
    pub keepalive: Keepalive,
    /// How failed connections are retried.
    pub retry: RetryPolicy,
    /// Where a listener starts, if the server numbers its messages.
    pub resume: Resume,
    /// Which certificates to trust when the ports use TLS; `None` is plain TCP.
    #[cfg(feature = "tls")]
    pub tls: Option<Trust>,
    /// The certificate that proves the client's identity to a server that asks for one.
    #[cfg(feature = "tls")]
    pub client_identity: Option<ClientIdentity>,
    /// The seed of the jitter; `None` takes one from the system.
    pub seed: Option<u64>,
}

/// How failed connections are retried: after a random time below a bound that doubles with every failure ("full
/// jitter"), so that a thousand clients of a restarted server do not connect at the same moment.
///
/// ```
/// use std::time::Duration;
///
/// use chat_client::ClientConfig;
///
/// let mut config = ClientConfig::new("chat.example.org");
/// // A program that should fail rather than wait for long.
/// config.retry.max_time = Some(Duration::from_secs(30));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The first bound.
    pub base: Duration,
    /// The largest bound.
    pub cap: Duration,
    /// How many attempts in a row may fail before the service gives up; `None` is unlimited. With several nodes an
    /// attempt tries each of them once.
    pub max_attempts: Option<u32>,
    /// For how long attempts in a row may fail before the service gives up; `None` is unlimited.
    pub max_time: Option<Duration>,
    /// How long a connection must last before failures are counted from zero again. If it were too short, a server that
    /// accepts and closes would be flooded with connections.
    pub reset_after: Duration,
}

/// Where a listener starts. If the server does not number its messages, the listener always starts with the next one.
///
/// ```
/// use chat_client::{ClientConfig, Resume};
///
/// let mut config = ClientConfig::new("chat.example.org");
/// // A position is text in a file or a database, and continues there in the next run.
/// config.resume = Resume::after("k3f9:1042".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resume {
    /// With the next message, without requesting missed ones: after a reconnect there is a gap.
    Off,
    /// With the next message; after a reconnect with the one after the last received.
    Live,
    /// With the message after a position that an earlier run received.
    ///
    /// If the server does not answer the request, it is repeated for up to a minute before the server counts as one
    /// without numbers and the gap is reported, because giving up loses the position. Until then the state is not
    /// online.
    After {
        /// The position of the last message received.
        position: Position,
        /// When the room was last received, for [`Gap::since`](crate::Gap::since); `None` counts as now.
        last_heard: Option<SystemTime>,
    },
    /// With this many of the newest messages.
    Last(u64),
    /// With the messages since this time.
    Since(SystemTime),
}

impl Resume {
    /// Starts after this position, with an unknown time of the last message.
    #[must_use]
    pub fn after(position: Position) -> Self {
        Self::After { position, last_heard: None }
    }
}

/// The two ports of a room. The protocol has no others, so a match can be exhaustive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The port that sends messages to listeners.
    Listen,
    /// The port that accepts messages.
    Write,
}

impl ClientConfig {
    /// Creates the defaults for a room on `host`.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self { host: host.to_owned(), ..Self::default() }
    }

    /// Sets the nodes of the room, in place of its address. A node without ports gets those of this configuration; no
    /// nodes change nothing.
    #[must_use]
    pub fn with_nodes(mut self, nodes: impl IntoIterator<Item = NodeAddress>) -> Self {
        let (listen_port, write_port) = (self.listen_port, self.write_port);
        let mut nodes = nodes.into_iter().map(|node| NodeAddress {
            listen_port: Some(node.listen_port.unwrap_or(listen_port)),
            write_port: Some(node.write_port.unwrap_or(write_port)),
            ..node
        });
        let Some(first) = nodes.next() else { return self };
        self.other_nodes = nodes.collect();
        (self.host, self.write_host) = (first.host, None);
        self.listen_port = first.listen_port.unwrap_or(listen_port);
        self.write_port = first.write_port.unwrap_or(write_port);
        self
    }

    /// Returns a configuration for each node of the room, which has only the address of this node.
    #[must_use]
    pub fn each_node(&self) -> Vec<Self> {
        let first = Self { other_nodes: Vec::new(), ..self.clone() };
        let others = self.other_nodes.iter().map(|node| Self {
            host: node.host.clone(),
            write_host: None,
            listen_port: node.listen_port.unwrap_or(self.listen_port),
            write_port: node.write_port.unwrap_or(self.write_port),
            ..first.clone()
        });
        let others: Vec<Self> = others.collect();
        std::iter::once(first).chain(others).collect()
    }

    /// Returns host and port of one side; with several nodes, those of the first one.
    #[must_use]
    pub fn address(&self, side: Side) -> (&str, u16) {
        match side {
            Side::Listen => (&self.host, self.listen_port),
            Side::Write => (self.write_host.as_deref().unwrap_or(&self.host), self.write_port),
        }
    }

    /// Returns the host of one side without brackets, as it is looked up; with several nodes, that of the first one.
    ///
    /// # Errors
    /// [`ConnectError::Host`] when it, or the host of another node, cannot be a host.
    pub fn checked_host(&self, side: Side) -> Result<&str, ConnectError> {
        let (given, _) = self.address(side);
        for host in std::iter::once(given).chain(self.other_nodes.iter().map(|node| node.host.as_str())) {
            if let Some(problem) = host_problem(host) {
                return Err(ConnectError::Host { host: host.into(), problem });
            }
        }
        Ok(bare_host(given))
    }

    /// Returns host and port of one side for display, as `host:port`; with several nodes, those of the first one.
    #[must_use]
    pub fn addr_text(&self, side: Side) -> String {
        address_text(self.address(side))
    }

    /// Returns host and port of one side of all nodes for display, separated by commas.
    #[must_use]
    pub fn addresses_text(&self, side: Side) -> String {
        self.each_node().iter().map(|node| node.addr_text(side)).collect::<Vec<_>>().join(", ")
    }

    /// Returns whether the token would be sent unencrypted to another machine: over plain TCP, to a host that is not
    /// local. With several nodes one such host suffices.
    #[must_use]
    pub fn exposes_token(&self) -> bool {
        let (first, _) = self.address(Side::Write);
        let here = |host: &str| {
            let host = bare_host(host);
            host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        };
        let all_here = here(first) && self.other_nodes.iter().all(|node| here(&node.host));
        !all_here && !self.uses_tls()
    }

    /// Returns whether the ports use TLS.
    pub(crate) fn uses_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    /// Returns the address of the listen port for display: `host:port`.
    #[must_use]
    pub fn listen_addr_text(&self) -> String {
        address_text(self.address(Side::Listen))
    }

    /// Returns the address of the write port for display: `host:port`.
    #[must_use]
    pub fn write_addr_text(&self) -> String {
        address_text(self.address(Side::Write))
    }
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            // The defaults of all programs match, so they work together on a fresh machine.
            host: "127.0.0.1".to_owned(),
            write_host: None,
            listen_port: 5000,
            write_port: 5050,
            other_nodes: Vec::new(),
            // The kernel repeats a lost SYN after 1, 3 and 7 s.
            connect_timeout: Duration::from_secs(10),
            // The public room answers within 1 s; a server that is busy with fsync may need longer.
            answer_timeout: Duration::from_secs(10),
            // In total 15 s until a half-open connection is noticed.
            keepalive: Keepalive::new(Duration::from_secs(5), Duration::from_secs(10)),
            retry: RetryPolicy::default(),
            resume: Resume::Live,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "tls")]
            client_identity: None,
            seed: None,
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            // A restarted server is back within a second or two.
            base: Duration::from_millis(500),
            // A server that is away for hours is tried twice a minute.
            cap: Duration::from_secs(30),
            max_attempts: None,
            max_time: None,
            reset_after: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// Creates a policy with a single attempt.
    #[must_use]
    pub fn never() -> Self {
        Self { max_attempts: Some(1), ..Self::default() }
    }
}

fn address_text((host, port): (&str, u16)) -> String {
    let host = bare_host(host);
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
