//! Opens ports and accepts connections.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::{ProxyHeader, ProxyProgress};
use futures_util::FutureExt as _;
use ipnet::IpNet;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::admission::{Admission, ConnectionPermit};
use crate::error::StartError;
use crate::hooks::Hooks;
use crate::limits::SEND_BUFFER;
use crate::live_limits::LiveLimits;
use crate::meters::Port;
use crate::rate_limited_log::RateLimitedLog;

/// Connections that the kernel queues: a thousand clients return at once after a restart.
const BACKLOG: i32 = 4_096;

/// The silence after which the kernel probes the peer, the interval, and the number of probes. A peer that vanished is
/// noticed after about two minutes.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(15), 4);

/// The pause when no descriptor is left; other connections may close in the meantime.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// How long a balancer may take for its header, which it sends at once.
const PROXY_HEADER_WITHIN: Duration = Duration::from_secs(5);

/// How many connections of balancers may wait for their header: a restart of all clients fits.
const PROXIES_WAITING: usize = 4_096;

/// Opens a port. On Linux its connections inherit the socket options, which saves four calls for each; elsewhere
/// [`prepare`] sets them again.
pub(crate) fn open_port(address: SocketAddr) -> Result<TcpListener, StartError> {
    let open = || -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // Without this a restarted server could not listen while old connections are in TIME_WAIT.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        set_options(&socket)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    open().map_err(|source| StartError::Bind { address, source })
}

/// Sets the options of a socket. Each turn of the dialogue is one write, so nothing is gained by delaying segments. The
/// send buffer must be set before the handshake.
fn set_options(socket: &Socket) -> io::Result<()> {
    let (idle, every, times) = KEEPALIVE;
    socket.set_tcp_nodelay(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    let keepalive = TcpKeepalive::new().with_time(idle).with_interval(every);
    #[cfg(unix)]
    let keepalive = keepalive.with_retries(times);
    #[cfg(not(unix))]
    let _ = times;
    socket.set_tcp_keepalive(&keepalive)
}

fn prepare(stream: TcpStream) -> io::Result<TcpStream> {
    if cfg!(target_os = "linux") {
        return Ok(stream);
    }
    let socket = Socket::from(stream.into_std()?);
    set_options(&socket)?;
    TcpStream::from_std(socket.into())
}

/// Accepts the connections of one port.
pub(crate) struct AcceptLoop {
    pub(crate) admission: Arc<Admission>,
    pub(crate) port: Port,
    pub(crate) hooks: Option<Hooks>,
    /// The balancers whose PROXY header names the real peer.
    pub(crate) proxies: Arc<[IpNet]>,
    /// Dropped when the port is closed.
    pub(crate) open: mpsc::Sender<()>,
    /// Becomes true when the port is to be closed.
    pub(crate) stop: watch::Receiver<bool>,
    /// Becomes true when sessions must end.
    pub(crate) drain: watch::Receiver<bool>,
    /// How long sessions may then take to end.
    pub(crate) limits: Arc<LiveLimits>,
}

impl AcceptLoop {
    /// Accepts connections until it is stopped, closes the port, and gives the sessions time to end. Dropping the
    /// future closes them at once. A connection for which `serve` returns `None` needs no task.
    pub(crate) async fn run<S, F>(mut self, listener: TcpListener, serve: S)
    where
        S: Fn(TcpStream, ConnectionPermit) -> Option<F> + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let mut sessions = JoinSet::new();
        loop {
            // All branches are cancel safe: an accepted connection is returned or stays in the kernel's queue.
            let accepted = tokio::select! {
                biased;
                // An error means that the handle was dropped, which stops the server too.
                _ = self.stop.wait_for(|stop| *stop) => break,
                Some(_) = sessions.join_next(), if !sessions.is_empty() => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    self.spawn(&mut sessions, stream, peer, &serve);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    RateLimitedLog::NotAccepted.log_error(&error);
                    sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
        // The kernel has already accepted these. Closing the port would reset them; as sessions they end cleanly.
        while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
            self.spawn(&mut sessions, stream, peer, &serve);
        }
        drop(listener);
        drop(self.open);
        // Sessions continue until `drain` changes, because the other ports are closed first. An error ends them too.
        let told = self.drain.wait_for(|drain| *drain);
        tokio::pin!(told);
        loop {
            tokio::select! {
                biased;
                _ = &mut told => break,
                Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
            }
        }
        let ended = timeout(self.limits.load().drain_within, async { while sessions.join_next().await.is_some() {} });
        if ended.await.is_err() {
            tracing::warn!(connections = sessions.len(), "closed connections that did not end in time");
        }
    }

    fn spawn<S, F>(&self, sessions: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr, serve: &S)
    where
        S: Fn(TcpStream, ConnectionPermit) -> Option<F> + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let gate = Gate { admission: Arc::clone(&self.admission), hooks: self.hooks.clone(), port: self.port };
        if self.proxies.iter().any(|network| network.contains(&peer.ip().to_canonical())) {
            let serve = serve.clone();
            sessions.spawn(async move {
                if let Some((stream, peer)) = behind_proxy(stream, peer).await
                    && let Some((stream, permit)) = gate.admit(stream, peer)
                    && let Some(session) = serve(stream, permit)
                {
                    session.await;
                }
            });
        } else if let Some((stream, permit)) = gate.admit(stream, peer)
            && let Some(session) = serve(stream, permit)
        {
            sessions.spawn(session);
        }
    }
}

/// Decides whether a connection is served.
struct Gate {
    admission: Arc<Admission>,
    hooks: Option<Hooks>,
    port: Port,
}

impl Gate {
    /// Returns the stream and its permit. The hook comes first, so that a connection that it refuses takes no place.
    fn admit(&self, stream: TcpStream, peer: SocketAddr) -> Option<(TcpStream, ConnectionPermit)> {
        if let Some(hooks) = &self.hooks {
            // Without its own address the peer has already disconnected.
            let local = stream.local_addr().ok()?;
            hooks.may_connect(peer, local).then_some(())?;
        }
        let permit = self.admission.admit(peer.ip(), self.port)?;
        // An error means that the peer has already disconnected.
        Some((prepare(stream).ok()?, permit))
    }
}

/// Connections of balancers that have not sent their header yet.
static WITHOUT_HEADER: Semaphore = Semaphore::const_new(PROXIES_WAITING);

/// Reads the header of a balancer at `proxy`. Returns the stream and the address of the real peer, or that of the balancer
/// if it connects for itself. `None` if the connection is to be closed. One that ends before its header, as health checks
/// do, costs nothing and is not logged.
async fn behind_proxy(mut stream: TcpStream, proxy: SocketAddr) -> Option<(TcpStream, SocketAddr)> {
    let _place = WITHOUT_HEADER.try_acquire().ok()?;
    match timeout(PROXY_HEADER_WITHIN, ProxyHeader::read(&mut stream)).await {
        Ok(Ok(Some(ProxyProgress::Client(peer)))) => Some((stream, peer)),
        Ok(Ok(Some(ProxyProgress::Own))) => Some((stream, proxy)),
        Ok(Ok(_)) => None,
        Ok(Err(_)) | Err(_) => {
            RateLimitedLog::NoProxyHeader.log_peer(proxy.ip());
            None
        }
    }
}

/// Returns true if an error of `accept` concerns one connection that is gone again, rather than the port.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
