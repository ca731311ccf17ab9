//! The server as a value: started, asked for its addresses, drained. It joins the parts and does
//! nothing itself.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{
    accept::{accept_loop, open_port},
    admission::Admission,
    committer::Committer,
    config::ServerConfig,
    error::{JournalError, StartError},
    journal::Journal,
    replay::{Replayed, replay},
    room::Room,
    session::{ListenerSession, Orders, Shared, WriterSession},
};

/// How often to look whether the administrator revoked an account. One read of a counter.
const LOOK_FOR_REVOKED: Duration = Duration::from_secs(1);

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
    stop_writers: watch::Sender<bool>,
    stop_listeners: watch::Sender<bool>,
    writers: JoinHandle<()>,
    listeners: JoinHandle<()>,
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
        let Replayed { accounts, room, streams } = replay(&mut journal, &config)?;
        let reader = journal.reader();
        let (committer, closed) = Committer::start(journal, Arc::clone(&room)).map_err(StartError::Thread)?;
        let admission = Admission::new(&config.limits);
        let drain_within = config.limits.drain_within;
        let shared = Arc::new(Shared::new(config, accounts, Arc::clone(&room), streams, reader));

        let (stop_writers, writers_stop) = watch::channel(false);
        let (stop_listeners, listeners_stop) = watch::channel(false);
        let (revoked_news, revoked) = watch::channel(0);
        let revocations = tokio::spawn(watch_revocations(Arc::clone(&shared), committer.clone(), revoked_news));
        let orders = Orders { drain: writers_stop.clone(), revoked };
        let writers = {
            let shared = Arc::clone(&shared);
            let serve = move |stream, admitted| {
                let (shared, committer) = (Arc::clone(&shared), committer.clone());
                WriterSession::new(shared, committer, orders.clone(), admitted, stream).run()
            };
            tokio::spawn(accept_loop(write_port, Arc::clone(&admission), writers_stop, drain_within, serve))
        };
        let listeners = {
            let serve = move |stream, admitted| {
                let tide = shared.room.tide();
                let now = *tide.borrow();
                let mut session = ListenerSession::new(Arc::clone(&shared), stream, now);
                async move {
                    let _admitted = admitted;
                    if let Err(gone) = session.run(tide).await {
                        tracing::trace!(error = &gone as &dyn std::error::Error, "a listener is gone");
                    }
                }
            };
            tokio::spawn(accept_loop(listen_port, admission, listeners_stop, drain_within, serve))
        };
        let closed = Some(closed);
        Ok(ServerHandle { listen, write, room, stop_writers, stop_listeners, writers, listeners, revocations, closed })
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
        let _ = (&mut self.writers).await;
        let _ = (&mut self.revocations).await;
        // With the last writer the storing thread has lost its last handle: it ends by itself.
        let closed = match self.closed.take() {
            Some(closed) => closed.await.unwrap_or(Ok(())),
            None => Ok(()),
        };
        self.stop_listeners.send_replace(true);
        self.room.close();
        let _ = (&mut self.listeners).await;
        closed
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        for task in [&self.writers, &self.listeners, &self.revocations] {
            task.abort();
        }
    }
}

fn address(port: &TcpListener, asked: SocketAddr) -> Result<SocketAddr, StartError> {
    port.local_addr().map_err(|source| StartError::Bind { address: asked, source })
}

async fn watch_revocations(shared: Arc<Shared>, committer: Committer, news: watch::Sender<u64>) {
    let mut ticks = interval(LOOK_FOR_REVOKED);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let revoked = committer.revoked_elsewhere().await;
        if shared.accounts.revoke(&revoked) {
            news.send_modify(|count| *count += 1);
        }
    }
}
