//! How a stream to one of the room's ports comes about. What is said on it is not decided here.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::{ClientConfig, Side};
use crate::error::ConnectError;
use crate::tls::{Connector, TlsError, Trust};

/// How long one address has before the next one is tried beside it (RFC 8305 calls 250 ms a good value).
const STAGGER: Duration = Duration::from_millis(250);

/// A stream in both directions.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A stream, however it came about.
pub type BoxedIo = Box<dyn Io>;

/// Makes streams. [`TcpDial`] is the usual one; [`pipes`] is one for tests.
pub trait Dial: Send + Sync + 'static {
    /// Makes a stream to one port. It is dropped when the service no longer wants it.
    fn dial(&self, side: Side) -> BoxFuture<'_, Result<BoxedIo, ConnectError>>;
}

/// Dials over TCP: every address of the host, a new one beside the others every 250 ms, the first that answers wins.
///
/// With [`ClientConfig::tls`] the stream is encrypted and the server has proven who it is.
#[derive(Clone, Debug)]
pub struct TcpDial {
    config: ClientConfig,
    /// Made with the first connection: reading the platform's roots takes longer than a connection.
    connector: Arc<OnceLock<Connector>>,
}

impl TcpDial {
    /// Takes host, ports and time limits from a configuration.
    #[must_use]
    pub fn new(config: &ClientConfig) -> Self {
        Self { config: config.clone(), connector: Arc::default() }
    }

    async fn connect(&self, side: Side) -> Result<BoxedIo, ConnectError> {
        let (host, port) = self.config.address(side);
        let address = match side {
            Side::Listen => self.config.listen_addr_text(),
            Side::Write => self.config.write_addr_text(),
        };
        let mut answered = false;
        let connected = timeout(self.config.connect_timeout, async {
            let found = tokio::net::lookup_host((host, port)).await;
            let found = found.map_err(|source| ConnectError::Resolve { host: host.into(), source: Some(source) })?;
            let addresses = interleaved(found.collect());
            if addresses.is_empty() {
                return Err(ConnectError::Resolve { host: host.into(), source: None });
            }
            let failed = |source| ConnectError::Connect { address: address.as_str().into(), source };
            let stream = first_to_connect(addresses).await.map_err(failed)?;
            self.watch_over(&stream);
            answered = true;
            match &self.config.tls {
                None => Ok(Box::new(stream) as BoxedIo),
                Some(trust) => match self.connector(trust) {
                    Ok(connector) => connector.secure(host, &address, stream).await,
                    Err(source) => Err(ConnectError::Tls { address: address.as_str().into(), source }),
                },
            }
        });
        let connected = connected.await;
        connected.unwrap_or_else(|_| {
            let (address, after) = (address.as_str().into(), self.config.connect_timeout);
            // Without TLS there is nothing to wait for once somebody has answered.
            Err(match answered {
                true => ConnectError::NoHandshake { address, after },
                false => ConnectError::TimedOut { address, after },
            })
        })
    }

    fn connector(&self, trust: &Trust) -> Result<&Connector, TlsError> {
        match self.connector.get() {
            Some(connector) => Ok(connector),
            None => {
                let made = Connector::new(trust)?;
                Ok(self.connector.get_or_init(|| made))
            }
        }
    }

    /// A plain listen port that is silent answers nothing, so only the network can tell that its other end has gone.
    /// Failing here is no reason to do without the connection.
    fn watch_over(&self, stream: &TcpStream) {
        let limits = self.config.keepalive;
        // Three probes in what is left of the time limit, each at least a second apart.
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
            tracing::debug!(%error, "the socket cannot watch over its link");
        }
    }
}

impl Dial for TcpDial {
    fn dial(&self, side: Side) -> BoxFuture<'_, Result<BoxedIo, ConnectError>> {
        Box::pin(self.connect(side))
    }
}

/// Dials through memory: for tests of programs that use this crate. Each dial gives one end of a pipe to the service
/// and the other one to [`PipeRoom::accept`].
#[must_use]
pub fn pipes() -> (PipeDial, PipeRoom) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (PipeDial { room: sender }, PipeRoom { dialled: receiver })
}

/// The dialling side of [`pipes`].
#[derive(Clone, Debug)]
pub struct PipeDial {
    room: mpsc::UnboundedSender<(Side, DuplexStream)>,
}

/// The room's side of [`pipes`]. While it exists each dial succeeds; afterwards each is refused.
#[derive(Debug)]
pub struct PipeRoom {
    dialled: mpsc::UnboundedReceiver<(Side, DuplexStream)>,
}

/// What a socket buffers in each direction, about.
const PIPE_BYTES: usize = 64 * 1024;

impl Dial for PipeDial {
    fn dial(&self, side: Side) -> BoxFuture<'_, Result<BoxedIo, ConnectError>> {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let dialled = self.room.send((side, theirs));
        Box::pin(async move {
            let refused = |_| ConnectError::Connect {
                address: "the pipe".into(),
                source: io::Error::from(io::ErrorKind::ConnectionRefused),
            };
            dialled.map_err(refused).map(|()| Box::new(ours) as BoxedIo)
        })
    }
}

impl PipeRoom {
    /// The next connection; `None` when nobody can dial any more.
    pub async fn accept(&mut self) -> Option<(Side, DuplexStream)> {
        self.dialled.recv().await
    }
}

/// One address of each family in turn, the family that the resolver put first in front.
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

/// Tries one address after the other, without waiting longer than [`STAGGER`] for each. All other attempts end when
/// the first one succeeds.
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
    fn families_take_turns_and_the_resolver_says_which_is_first() {
        let all: Vec<SocketAddr> =
            ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].iter().map(|a| a.parse().unwrap()).collect();
        let mixed: Vec<String> = interleaved(all).iter().map(ToString::to_string).collect();
        assert_eq!(mixed, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
        assert_eq!(interleaved(Vec::new()), []);
    }

    #[tokio::test]
    async fn a_dead_first_address_does_not_hide_a_living_second() {
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dead = closed.local_addr().unwrap();
        drop(closed);
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = open.local_addr().unwrap();
        assert_eq!(first_to_connect(vec![dead, alive]).await.unwrap().peer_addr().unwrap(), alive);
        assert!(first_to_connect(vec![dead]).await.is_err());
    }

    #[tokio::test]
    async fn an_unknown_host_and_a_closed_port_are_told_apart() {
        let mut config = ClientConfig::new("no such host");
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
