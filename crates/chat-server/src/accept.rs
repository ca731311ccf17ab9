//! Opens a port and lets connections in. It knows nothing of what is said on them.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::admission::{Admission, Admitted};
use crate::error::StartError;
use crate::limits::SEND_BUFFER;
use crate::meters::Port;

/// Connections that the system may hold for us: a thousand clients come back at once after a
/// restart.
const BACKLOG: i32 = 4_096;

/// How long a silent connection waits before the system asks whether the peer is still there, and
/// how often it asks. A peer that vanished is found after about two minutes.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(15), 4);

/// How long to leave the system alone when it has no descriptor left: others will close meanwhile.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// Opens a port. What the options say is inherited by every connection on Linux, which saves four
/// calls for each; elsewhere [`prepare`] sets them again.
pub(crate) fn open_port(address: SocketAddr) -> Result<TcpListener, StartError> {
    let open = || -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // A restarted server takes its port back at once.
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

/// Each turn is one write, so nothing is gained by waiting for more. The buffer has to be set before the handshake.
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

/// Lets connections in until `stop` says true or goes away, then closes the port and gives those
/// that are there `drain_within` to end. Dropping the future cuts all of them off.
pub(crate) async fn accept_loop<F>(
    port: TcpListener,
    (admission, side): (Arc<Admission>, Port),
    mut stop: watch::Receiver<bool>,
    drain_within: Duration,
    mut serve: impl FnMut(TcpStream, Admitted) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut sessions = JoinSet::new();
    let mut exhausted = false;
    loop {
        let accepted = tokio::select! {
            biased;
            // An error is the end of the handle, which is an order to stop too.
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = sessions.join_next(), if !sessions.is_empty() => continue,
            accepted = port.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                exhausted = false;
                if let Some((stream, admitted)) = admit(stream, peer.ip(), &admission, side) {
                    sessions.spawn(serve(stream, admitted));
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !std::mem::replace(&mut exhausted, true) {
                    tracing::warn!(%error, "cannot accept connections now");
                }
                sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
    drop(port);
    let ended = timeout(drain_within, async { while sessions.join_next().await.is_some() {} });
    if ended.await.is_err() {
        tracing::warn!(connections = sessions.len(), "some connections did not end in time and were cut off");
    }
}

fn admit(stream: TcpStream, peer: IpAddr, admission: &Arc<Admission>, side: Port) -> Option<(TcpStream, Admitted)> {
    let admitted = admission.admit(peer, side)?;
    match prepare(stream) {
        Ok(stream) => Some((stream, admitted)),
        // It has gone already.
        Err(_) => None,
    }
}

/// Whether an error of `accept` is about a connection that has gone again, rather than about us.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
