//! The server as a value: started, asked for its addresses, drained. It joins the parts and does
//! nothing itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use crate::accept::{accept_loop, open_port};
use crate::admission::Admission;
use crate::committer::Committer;
use crate::config::ServerConfig;
use crate::error::{JournalError, StartError};
use crate::fan_out::FanOut;
use crate::journal::Journal;
use crate::meters::{Meters, Observer, Port};
use crate::replay::{Replayed, replay};
use crate::room::Room;
use crate::services::{Listeners, Writers};
use crate::session::{Orders, Shared};
use crate::tls::TlsPorts;

/// How often to look whether the administrator revoked an account, which is one read of a counter, and
/// whether the store can be written, where somebody wants to know.
const LOOK_AFTER_STORE: Duration = Duration::from_secs(1);

/// Starts servers.
#[derive(Debug)]
pub struct Server;

/// A server that runs. Dropping it stops it at once; what was confirmed is stored.
#[derive(Debug)]
#[must_use = "a server stops when its handle is dropped"]
pub struct ServerHandle {
    listen: SocketAddr,
    write: SocketAddr,
    room: Arc<Room>,
    meters: Arc<Meters>,
    stop_writers: watch::Sender<bool>,
    stop_listeners: watch::Sender<bool>,
    tls: Option<(SocketAddr, SocketAddr)>,
    /// One task for each port, and the fan-out; dropping them cuts their connections off.
    writers: JoinSet<()>,
    listeners: JoinSet<()>,
    revocations: JoinHandle<()>,
    closed: Option<oneshot::Receiver<Result<(), JournalError>>>,
}

impl Server {
    /// Opens both ports, takes in the journal, and serves on the current Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] when a port cannot be opened or the journal cannot be read.
    pub async fn start<J: Journal>(config: ServerConfig, mut journal: J) -> Result<ServerHandle, StartError> {
        let (listen_port, write_port) = (open_port(config.listen)?, open_port(config.write)?);
        let (listen, write) = (address(&listen_port, config.listen)?, address(&write_port, config.write)?);
        let secure = config.tls.as_ref().map(SecurePorts::open).transpose()?;
        let tls = secure.as_ref().map(SecurePorts::addresses).transpose()?;
        let Replayed { accounts, room, streams } = replay(&mut journal, &config)?;
        let reader = journal.reader();
        let meters: Arc<Meters> = Arc::default();
        let (committer, closed) =
            Committer::start(journal, Arc::clone(&room), Arc::clone(&meters)).map_err(StartError::Thread)?;
        let admission = Admission::new(&config.limits, Arc::clone(&meters));
        let drain_within = config.limits.drain_within;
        let shared = Arc::new(Shared::new(config, accounts, Arc::clone(&room), Arc::clone(&meters), streams, reader));

        let (stop_writers, writers_stop) = watch::channel(false);
        let (stop_listeners, listeners_stop) = watch::channel(false);
        let (revoked_news, revoked) = watch::channel(0);
        let revocations = tokio::spawn(watch_revocations(Arc::clone(&shared), committer.clone(), revoked_news));
        let orders = Orders { drain: writers_stop.clone(), revoked };
        let writers = Writers { shared: Arc::clone(&shared), committer, orders };
        let fan_out = FanOut::new(Arc::clone(&room), Arc::clone(&meters));
        let listeners = Listeners { shared, fan_out: Arc::clone(&fan_out) };
        let to = |port| (Arc::clone(&admission), port);
        let mut writer_ports = JoinSet::new();
        let mut listener_ports = JoinSet::new();
        listener_ports.spawn(fan_out.run(room.tide()));
        if let Some(SecurePorts { ports, listen, write }) = secure {
            let (service, secure) = (writers.clone(), ports.clone());
            let serve = move |stream, admitted| service.serve_secure(&secure, stream, admitted);
            let stop = writers_stop.clone();
            writer_ports.spawn(accept_loop(write, to(Port::Write), stop, drain_within, serve));
            let service = listeners.clone();
            let serve = move |stream, admitted| service.serve_secure(&ports, stream, admitted);
            let stop = listeners_stop.clone();
            listener_ports.spawn(accept_loop(listen, to(Port::Listen), stop, drain_within, serve));
        }
        let serve = move |stream, admitted| writers.serve(stream, admitted);
        writer_ports.spawn(accept_loop(write_port, to(Port::Write), writers_stop, drain_within, serve));
        let serve = move |stream, admitted| listeners.serve(stream, admitted);
        listener_ports.spawn(accept_loop(listen_port, to(Port::Listen), listeners_stop, drain_within, serve));
        let closed = Some(closed);
        Ok(ServerHandle {
            listen,
            write,
            tls,
            room,
            meters,
            stop_writers,
            stop_listeners,
            writers: writer_ports,
            listeners: listener_ports,
            revocations,
            closed,
        })
    }
}

impl ServerHandle {
    /// Where listeners connect.
    #[must_use]
    pub fn listen_addr(&self) -> SocketAddr {
        self.listen
    }

    /// Where writers connect.
    #[must_use]
    pub fn write_addr(&self) -> SocketAddr {
        self.write
    }

    /// Where listeners and writers connect by TLS, if they can.
    #[must_use]
    pub fn tls_addrs(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.tls
    }

    /// Looks at the server from outside, for as long as it likes.
    #[must_use]
    pub fn observer(&self) -> Observer {
        Observer::new(Arc::clone(&self.meters), Arc::clone(&self.room), self.stop_writers.subscribe())
    }

    /// Stops in an orderly way: no new connections, posts in hand are stored and answered, every
    /// listener gets what was stored, both ports are closed, and so is the journal. Peers that do
    /// not keep up are cut off after [`Limits::drain_within`](crate::Limits::drain_within).
    ///
    /// # Errors
    /// [`JournalError`] when the journal could not be closed in an orderly way. What was confirmed
    /// is stored all the same.
    pub async fn drain(mut self) -> Result<(), JournalError> {
        self.revocations.abort();
        self.stop_writers.send_replace(true);
        // Neither task panics; if one did, the rest is still closed.
        while self.writers.join_next().await.is_some() {}
        let _ = (&mut self.revocations).await;
        // With the last writer the storing thread has lost its last handle: it ends by itself.
        let closed = match self.closed.take() {
            Some(closed) => closed.await.unwrap_or(Ok(())),
            None => Ok(()),
        };
        self.stop_listeners.send_replace(true);
        self.room.close();
        while self.listeners.join_next().await.is_some() {}
        closed
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.revocations.abort();
    }
}

/// The two TLS ports, opened.
struct SecurePorts {
    ports: TlsPorts,
    listen: TcpListener,
    write: TcpListener,
}

impl SecurePorts {
    fn open(ports: &TlsPorts) -> Result<Self, StartError> {
        Ok(Self { ports: ports.clone(), listen: open_port(ports.listen)?, write: open_port(ports.write)? })
    }

    fn addresses(&self) -> Result<(SocketAddr, SocketAddr), StartError> {
        Ok((address(&self.listen, self.ports.listen)?, address(&self.write, self.ports.write)?))
    }
}

fn address(port: &TcpListener, asked: SocketAddr) -> Result<SocketAddr, StartError> {
    port.local_addr().map_err(|source| StartError::Bind { address: asked, source })
}

async fn watch_revocations(shared: Arc<Shared>, committer: Committer, news: watch::Sender<u64>) {
    let mut ticks = interval(LOOK_AFTER_STORE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let revoked = committer.look_after(shared.meters.take_probe()).await;
        if shared.accounts.revoke(&revoked) {
            news.send_modify(|count| *count += 1);
        }
    }
}
