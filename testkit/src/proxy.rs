//! A TCP proxy on a port of its own that does to each connection what its plans say. The server
//! behind it may go and come back elsewhere; the clients never notice more than broken connections.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fault::{Direction, FaultKind, Profile};
use crate::link::{End, Faults, Pipe, Trigger, carry_both};

/// A running proxy; it ends when dropped.
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
    /// Changes when everything that is open is to be cut.
    cut: watch::Sender<u64>,
}

impl Proxy {
    /// Starts on a free port of the loopback address.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn start(upstream: Option<SocketAddr>, profile: Profile, seed: u64) -> io::Result<Self> {
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

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the server is from now on; `None` refuses, as a machine without the server does.
    pub fn set_upstream(&self, upstream: Option<SocketAddr>) {
        self.shared.upstream.send_replace(upstream);
    }

    /// What happens to connections that are made from now on.
    pub fn set_profile(&self, profile: Profile) {
        self.shared.faults.set_profile(profile);
    }

    /// Cuts everything that is open.
    pub fn cut_all(&self) {
        self.shared.cut.send_modify(|times| *times += 1);
    }

    /// How often each kind of fault has happened so far.
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
            // Descriptors run short for a moment under a storm of reconnects.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Carries one connection to its end.
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
        end = carry_both(&mut up, &mut down, &trigger) => end,
        _ = cut.changed() => End::Closed,
    };
    if end == End::Reset {
        for (reads, writes) in [(up.from, down.to), (down.from, up.to)] {
            if let Ok(stream) = reads.reunite(writes) {
                reset(stream);
            }
        }
    }
}

/// Closes so that the other side gets a reset instead of an end.
fn reset(stream: TcpStream) {
    // Tokio's own call would warn about lingering; a zero linger never waits.
    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}
