//! Opens the stream to one of a room's two ports.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::{ClientConfig, Side};
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;
use crate::net::resolve::{Resolve, SystemResolver, in_turn};

/// How long one address has before the next one is tried in parallel (RFC 8305 recommends 250 ms).
const STAGGER: Duration = Duration::from_millis(250);

/// The future of [`Dial::dial`].
pub type DialFuture<'a> = Pin<Box<dyn Future<Output = Result<BoxedIo, ConnectError>> + Send + 'a>>;

/// Opens streams. [`TcpDial`] is the default; implement the trait to connect through a proxy, a tunnel or memory.
///
/// A dialler opens the bare stream. With [`ClientConfig::tls`] the services run TLS over it.
///
/// ```
/// use chat_client::{ClientConfig, Dial, DialFuture, Listener, Side, TcpDial};
///
/// /// Logs each attempt.
/// struct Logged(TcpDial);
///
/// impl Dial for Logged {
///     fn dial(&self, side: Side) -> DialFuture<'_> {
///         println!("connecting to the {side:?} port");
///         self.0.dial(side)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let config = ClientConfig::default();
/// let listener = Listener::builder(config.clone()).dial(Logged(TcpDial::new(&config))).start();
/// # }
/// ```
///
/// For a room on several nodes, implement [`Dial::nodes`] and [`Dial::dial_node`] too. The services choose the node: one at
/// random, and the next one after each failure. A `Vec` of diallers is a dialler with a node for each.
pub trait Dial: Send + Sync + 'static {
    /// Opens a stream to one port. The future is dropped when the service no longer needs it.
    fn dial(&self, side: Side) -> DialFuture<'_>;

    /// Returns the number of nodes that can be dialled.
    fn nodes(&self) -> usize {
        1
    }

    /// Opens a stream to one port of a node, which is counted from 0.
    fn dial_node(&self, node: usize, side: Side) -> DialFuture<'_> {
        let _ = node;
        self.dial(side)
    }
}

impl<D: Dial + ?Sized> Dial for Box<D> {
    fn dial(&self, side: Side) -> DialFuture<'_> {
        (**self).dial(side)
    }

    fn nodes(&self) -> usize {
        (**self).nodes()
    }

    fn dial_node(&self, node: usize, side: Side) -> DialFuture<'_> {
        (**self).dial_node(node, side)
    }
}

/// Each element is a node of the same room. `dial` uses the first one; without elements every attempt fails.
impl<D: Dial> Dial for Vec<D> {
    fn dial(&self, side: Side) -> DialFuture<'_> {
        self.dial_node(0, side)
    }

    fn nodes(&self) -> usize {
        self.len()
    }

    fn dial_node(&self, node: usize, side: Side) -> DialFuture<'_> {
        match self.get(node) {
            Some(dial) => dial.dial(side),
            None => Box::pin(async { Err(ConnectError::Resolve { host: "".into(), source: None }) }),
        }
    }
}

/// Dials over TCP. All addresses of a host are tried, a new one every 250 ms; the first that answers is used. Each attempt
/// begins with another address, so that a client leaves one that accepts connections and does not serve.
///
/// With several [nodes](ClientConfig::with_nodes), [`Dial::dial`] dials the next one each time.
#[derive(Clone, Debug)]
pub struct TcpDial {
    hosts: Arc<[HostDial]>,
    next: Arc<AtomicUsize>,
}

impl TcpDial {
    /// Takes hosts, ports and deadlines from a configuration.
    #[must_use]
    pub fn new(config: &ClientConfig) -> Self {
        Self::with_resolver(config, &|| Box::new(SystemResolver))
    }

    fn with_resolver(config: &ClientConfig, resolver: &dyn Fn() -> Box<dyn Resolve>) -> Self {
        let seed = config.seed.unwrap_or_else(|| fastrand::u64(..));
        let hosts = config.each_node().into_iter().map(|config| HostDial {
            config,
            resolver: resolver(),
            seed,
            last: [Mutex::default(), Mutex::default()],
        });
        Self { hosts: hosts.collect(), next: Arc::default() }
    }
}

impl Dial for TcpDial {
    fn dial(&self, side: Side) -> DialFuture<'_> {
        self.dial_node(self.next.fetch_add(1, Ordering::Relaxed), side)
    }

    fn nodes(&self) -> usize {
        self.hosts.len()
    }

    fn dial_node(&self, node: usize, side: Side) -> DialFuture<'_> {
        // A configuration has at least one node.
        Box::pin(self.hosts[node % self.hosts.len()].connect(side))
    }
}

/// Dials one host.
#[derive(Debug)]
struct HostDial {
    config: ClientConfig,
    resolver: Box<dyn Resolve>,
    seed: u64,
    /// The address of the last connection to each port.
    last: [Mutex<Option<SocketAddr>>; 2],
}

impl HostDial {
    async fn connect(&self, side: Side) -> Result<BoxedIo, ConnectError> {
        let (host, (_, port)) = (self.config.checked_host(side)?, self.config.address(side));
        let address = self.config.addr_text(side);
        let connected = timeout(self.config.connect_timeout, async {
            let found = self.resolver.lookup(host, port).await;
            let found = found.map_err(|source| ConnectError::Resolve { host: host.into(), source: Some(source) })?;
            let last = *self.last(side);
            let addresses = in_turn(found, self.seed, last);
            if addresses.is_empty() {
                return Err(ConnectError::Resolve { host: host.into(), source: None });
            }
            let failed = |source| ConnectError::Connect { address: address.as_str().into(), source };
            let stream = first_to_connect(addresses).await.map_err(failed)?;
            *self.last(side) = stream.peer_addr().ok();
            self.set_keepalive(&stream);
            Ok(Box::new(stream) as BoxedIo)
        });
        let after = self.config.connect_timeout;
        connected.await.unwrap_or_else(|_| Err(ConnectError::TimedOut { address: address.as_str().into(), after }))
    }

    fn last(&self, side: Side) -> MutexGuard<'_, Option<SocketAddr>> {
        self.last[side as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enables TCP keepalive, which is the only way to notice a lost peer on a plain listen port. A connection without
    /// keepalive is better than none, so a failure is only logged.
    fn set_keepalive(&self, stream: &TcpStream) {
        let limits = self.config.keepalive;
        // Three probes in the rest of the deadline, each at least 1 s apart.
        let interval = Duration::from_secs((limits.answer_timeout.as_secs() / 3).max(1));
        let keepalive = TcpKeepalive::new().with_time(limits.idle.max(Duration::from_secs(1))).with_interval(interval);
        #[cfg(not(windows))]
        let keepalive = keepalive.with_retries(3);
        let socket = SockRef::from(stream);
        let set = stream.set_nodelay(true).and_then(|()| socket.set_tcp_keepalive(&keepalive));
        #[cfg(target_os = "linux")]
        // Linux ends the link at the first probe after this time: between the third and the fourth.
        let set = set.and_then(|()| socket.set_tcp_user_timeout(Some(limits.idle + interval * 2 + interval / 3)));
        if let Err(error) = set {
            tracing::debug!(%error, "could not enable TCP keepalive");
        }
    }
}

/// Tries the addresses in turn and starts the next attempt after [`STAGGER`]. All other attempts end when the first one
/// succeeds.
async fn first_to_connect(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut running = JoinSet::new();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        if let Some(address) = waiting.next() {
            running.spawn(TcpStream::connect(address));
        }
        let more = waiting.len() > 0;
        match timeout(if more { STAGGER } else { Duration::MAX }, running.join_next()).await {
            Ok(Some(Ok(Ok(stream)))) => return Ok(stream),
            Ok(Some(Ok(Err(error)))) => last_error = error,
            Ok(Some(Err(error))) => last_error = io::Error::other(error),
            Ok(None) if !more => return Err(last_error),
            Ok(None) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::resolve::LookupFuture;

    #[tokio::test]
    async fn falls_back_to_the_second_address() {
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dead = closed.local_addr().unwrap();
        drop(closed);
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = open.local_addr().unwrap();
        assert_eq!(first_to_connect(vec![dead, alive]).await.unwrap().peer_addr().unwrap(), alive);
        assert!(first_to_connect(vec![dead]).await.is_err());
    }

    #[tokio::test]
    async fn distinguishes_lookup_and_connect_errors() {
        let mut config = ClientConfig::new("no-such-host.invalid");
        let failed = TcpDial::new(&config).dial(Side::Listen).await.err();
        assert!(matches!(failed, Some(ConnectError::Resolve { .. })), "{failed:?}");
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        config.host = "127.0.0.1".to_owned();
        config.write_port = closed.local_addr().unwrap().port();
        drop(closed);
        let failed = TcpDial::new(&config).dial(Side::Write).await.err();
        assert!(matches!(failed, Some(ConnectError::Connect { .. })), "{failed:?}");
    }

    /// Knows these addresses for every host.
    #[derive(Clone, Debug)]
    struct Records(Vec<SocketAddr>);

    impl Resolve for Records {
        fn lookup<'a>(&'a self, _: &'a str, _: u16) -> LookupFuture<'a> {
            Box::pin(async { Ok(self.0.clone()) })
        }
    }

    #[tokio::test]
    async fn every_record_of_a_name_is_a_candidate() {
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
        }
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let records = open.iter().chain([&closed]).map(|listener| listener.local_addr().unwrap());
        let records = Records(records.collect());
        drop(closed);
        let config = ClientConfig::new("room.example");
        let dial = TcpDial::with_resolver(&config, &|| Box::new(records.clone()));
        // They accept connections and may still not serve, so the next attempt must go to another one.
        let mut streams = Vec::new();
        for _ in 0..3 {
            streams.push(dial.dial(Side::Listen).await.unwrap());
        }
        for listener in &open {
            let accepted = timeout(Duration::from_secs(10), listener.accept()).await;
            assert!(accepted.unwrap().is_ok(), "each record was used once");
        }
        assert!(dial.dial(Side::Write).await.is_ok());
    }

    #[tokio::test]
    async fn dials_nodes_in_turn() {
        let one = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let two = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = |listener: &tokio::net::TcpListener| {
            let port = listener.local_addr().unwrap().port();
            crate::NodeAddress::from(format!("127.0.0.1:{port}:{port}").as_str())
        };
        let dial = TcpDial::new(&ClientConfig::default().with_nodes([node(&one), node(&two)]));
        assert_eq!(dial.nodes(), 2);
        let _streams = [dial.dial(Side::Write).await.unwrap(), dial.dial(Side::Write).await.unwrap()];
        for listener in [&one, &two] {
            assert!(timeout(Duration::from_secs(10), listener.accept()).await.unwrap().is_ok());
        }
    }
}
