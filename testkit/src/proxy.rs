//! A TCP proxy that injects faults into every connection. The upstream server may restart on another port; clients
//! keep dialling the same address.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fault::{Direction, FaultKind, FaultProfile};
use crate::link::{Faults, LinkEnd, Pipe, Trigger, carry_both};

/// A running proxy. Dropping it closes its port and all its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    upstream: watch::Sender<Option<SocketAddr>>,
    rng: Mutex<Rng>,
    faults: Faults,
    /// Changes when all open connections must be cut.
    cut: watch::Sender<u64>,
}

impl Proxy {
    /// Starts a proxy on a free port of the loopback address.
    ///
    /// # Errors
    /// The port could not be bound.
    pub async fn start(upstream: Option<SocketAddr>, profile: FaultProfile, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream: watch::Sender::new(upstream),
            rng: Mutex::new(Rng::with_seed(seed)),
            faults: Faults::new(profile),
            cut: watch::Sender::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, task })
    }

    /// Returns the address for clients.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the address of the server. With `None`, connections are reset, as on a machine without the server.
    pub fn set_upstream(&self, upstream: Option<SocketAddr>) {
        self.shared.upstream.send_replace(upstream);
    }

    /// Sets the profile of faults that are drawn from now on.
    pub fn set_profile(&self, profile: FaultProfile) {
        self.shared.faults.set_profile(profile);
    }

    /// Cuts all open connections.
    pub fn cut_all(&self) {
        self.shared.cut.send_modify(|times| *times += 1);
    }

    /// Returns how often each kind of fault has been injected.
    #[must_use]
    pub fn faults(&self) -> BTreeMap<FaultKind, u64> {
        self.shared.faults.counts()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut_all();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                let rng = shared.rng.lock().unwrap_or_else(PoisonError::into_inner).fork();
                tokio::spawn(carry(client, rng, Arc::clone(&shared)));
            }
            // Out of descriptors for a moment while all clients reconnect.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Copies one connection until it ends.
async fn carry(client: TcpStream, rng: Rng, shared: Arc<Shared>) {
    let Some(upstream) = *shared.upstream.borrow() else { return reset(client) };
    let Ok(server) = TcpStream::connect(upstream).await else { return reset(client) };
    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let mut cut = shared.cut.subscribe();
    cut.mark_unchanged();
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    let (trigger, latency) = (Trigger::new(&shared.faults, rng), Duration::ZERO);
    let mut up = Pipe { from: client_reads, to: server_writes, direction: Direction::Up, trigger: &trigger, latency };
    let mut down =
        Pipe { from: server_reads, to: client_writes, direction: Direction::Down, trigger: &trigger, latency };
    let end = tokio::select! {
        // Both branches end the connection: bytes that a dropped copy still holds are lost as in a real cut.
        end = carry_both(&mut up, &mut down, &trigger) => end,
        _ = cut.changed() => LinkEnd::Closed,
    };
    if end == LinkEnd::Reset {
        for (reads, writes) in [(up.from, down.to), (down.from, up.to)] {
            if let Ok(stream) = reads.reunite(writes) {
                reset(stream);
            }
        }
    }
}

/// Closes the stream so that the other side gets a reset instead of an end of file.
fn reset(stream: TcpStream) {
    // tokio's `set_linger` is deprecated because lingering can block; a linger of zero never does.
    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}
