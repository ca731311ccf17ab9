//! Opens the stream to one of a room's two ports.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::{ClientConfig, Side};
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;

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
pub trait Dial: Send + Sync + 'static {
    /// Opens a stream to one port. The future is dropped when the service no longer needs it.
    fn dial(&self, side: Side) -> DialFuture<'_>;
}

impl<D: Dial + ?Sized> Dial for Box<D> {
    fn dial(&self, side: Side) -> DialFuture<'_> {
        (**self).dial(side)
    }
}

/// Dials over TCP. All addresses of the host are tried, a new one every 250 ms; the first that answers is used.
#[derive(Clone, Debug)]
pub struct TcpDial {
    config: ClientConfig,
}

impl TcpDial {
    /// Takes hosts, ports and deadlines from a configuration.
    #[must_use]
    pub fn new(config: &ClientConfig) -> Self {
        Self { config: config.clone() }
    }

    async fn connect(&self, side: Side) -> Result<BoxedIo, ConnectError> {
        let (host, (_, port)) = (self.config.checked_host(side)?, self.config.address(side));
        let address = self.config.addr_text(side);
        let connected = timeout(self.config.connect_timeout, async {
            let found = tokio::net::lookup_host((host, port)).await;
            let found = found.map_err(|source| ConnectError::Resolve { host: host.into(), source: Some(source) })?;
            let addresses = interleaved(found.collect());
            if addresses.is_empty() {
                return Err(ConnectError::Resolve { host: host.into(), source: None });
            }
            let failed = |source| ConnectError::Connect { address: address.as_str().into(), source };
            let stream = first_to_connect(addresses).await.map_err(failed)?;
            self.set_keepalive(&stream);
            Ok(Box::new(stream) as BoxedIo)
        });
        let after = self.config.connect_timeout;
        connected.await.unwrap_or_else(|_| Err(ConnectError::TimedOut { address: address.as_str().into(), after }))
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

impl Dial for TcpDial {
    fn dial(&self, side: Side) -> DialFuture<'_> {
        Box::pin(self.connect(side))
    }
}

/// Alternates between the address families, starting with the one that the resolver put first.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let mut mixed = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.drain(..), other.drain(..));
    loop {
        let pair = [one.next(), other.next()];
        if pair == [None, None] {
            return mixed;
        }
        mixed.extend(pair.into_iter().flatten());
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

    #[test]
    fn alternates_address_families() {
        let all: Vec<SocketAddr> =
            ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].iter().map(|a| a.parse().unwrap()).collect();
        let mixed: Vec<String> = interleaved(all).iter().map(ToString::to_string).collect();
        assert_eq!(mixed, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
        assert_eq!(interleaved(Vec::new()), []);
    }

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
}
