//! The handle of a running server.

use std::net::SocketAddr;
use std::sync::Arc;

use chat_proto::{Position, Text};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use super::maintenance::{Ends, Stop};
#[cfg(all(feature = "bin", unix))]
use crate::admin::{AdminHandle, AdminSocket};
use crate::committer::Committer;
use crate::entry::{Appended, SERVER_ACCOUNT};
use crate::error::{CommitError, JournalError};
use crate::limits::Limits;
use crate::meters::Observer;
use crate::session::SessionContext;

/// A running server. Dropping it stops the server at once; what was confirmed is stored.
///
/// ```
/// use chat_server::{MemoryJournal, Server, ServerConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::start(ServerConfig::on_free_ports(), MemoryJournal::new()).await?;
/// println!("listeners connect to {}, writers to {}", server.listen_addr(), server.write_addr());
/// let position = server.announce(chat_proto::Text::new("the room is open")?).await?;
/// assert_eq!(position.seq, 1);
/// assert_eq!(server.observer().figures().open.listen, 0);
/// server.drain().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a server stops when its handle is dropped"]
pub struct ServerHandle {
    listen: SocketAddr,
    write: SocketAddr,
    tls: Option<(SocketAddr, SocketAddr)>,
    context: Arc<SessionContext>,
    committer: Option<Committer>,
    stop: Stop,
    /// Closed when the last port is closed.
    ports_closed: mpsc::Receiver<()>,
    /// One task for each port, and the fan-out; dropping them closes their connections.
    writers: JoinSet<()>,
    listeners: JoinSet<()>,
    maintenance: JoinHandle<()>,
    /// The task of the admin socket. It holds a committer, so it ends before the journal can.
    #[cfg(all(feature = "bin", unix))]
    admin: JoinSet<()>,
    ends: Ends,
}

/// What a handle is made of.
pub(super) struct Parts {
    pub(super) listen: SocketAddr,
    pub(super) write: SocketAddr,
    pub(super) tls: Option<(SocketAddr, SocketAddr)>,
    pub(super) context: Arc<SessionContext>,
    pub(super) committer: Committer,
    pub(super) stop: Stop,
    pub(super) ports_closed: mpsc::Receiver<()>,
    pub(super) writers: JoinSet<()>,
    pub(super) listeners: JoinSet<()>,
    pub(super) maintenance: JoinHandle<()>,
    pub(super) ends: Ends,
}

impl ServerHandle {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { listen, write, tls, context, committer, stop, ports_closed, writers, listeners, maintenance, ends } =
            parts;
        let committer = Some(committer);
        Self {
            listen,
            write,
            tls,
            context,
            committer,
            stop,
            ports_closed,
            writers,
            listeners,
            maintenance,
            #[cfg(all(feature = "bin", unix))]
            admin: JoinSet::new(),
            ends,
        }
    }

    /// Returns the address where listeners connect.
    #[must_use]
    pub fn listen_addr(&self) -> SocketAddr {
        self.listen
    }

    /// Returns the address where writers connect.
    #[must_use]
    pub fn write_addr(&self) -> SocketAddr {
        self.write
    }

    /// Returns the addresses where listeners and writers connect over TLS, if there are any.
    #[must_use]
    pub fn tls_addrs(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.tls
    }

    /// Returns a view of the server's figures and readiness, which outlives the server.
    #[must_use]
    pub fn observer(&self) -> Observer {
        let (meters, log) = (Arc::clone(&self.context.meters), Arc::clone(&self.context.log));
        Observer::new(meters, log, self.stop.ports.subscribe())
    }

    /// Replaces the limits. They apply to open connections too, as far as these have not passed them: a lower limit of
    /// connections closes none. The length of nicknames, and the sizes of the log in memory, stay as they are.
    pub fn set_limits(&self, limits: Limits) {
        self.context.limits.store(limits);
    }

    /// Posts a message of the server itself, under the name `Server`. Returns its position when it is stored.
    ///
    /// # Errors
    /// [`JournalError`] when it could not be stored.
    ///
    /// # Cancel safety
    /// When the future is dropped, the message may or may not be stored.
    pub async fn announce(&self, text: Text) -> Result<Position, JournalError> {
        let closed = || JournalError::Broken { reason: "it is closed" };
        let draft = self.context.server_draft(text).ok_or_else(closed)?;
        let committer = self.committer.as_ref().ok_or_else(closed)?;
        match committer.append_one(SERVER_ACCOUNT, draft).await {
            Ok(Appended::Fresh { seq, .. } | Appended::Repeated { seq }) => {
                self.context.position(seq).ok_or_else(closed)
            }
            Ok(Appended::Account(_) | Appended::Action { .. })
            | Err(CommitError::Closed | CommitError::Revoked | CommitError::NameTaken | CommitError::Uncertain) => {
                Err(closed())
            }
            Err(CommitError::Storage(error)) => Err(JournalError::other(error)),
        }
    }

    /// Opens the socket in the data directory over which `chat-server admin` reaches this server.
    ///
    /// # Errors
    /// The socket cannot be opened, for example because the path is too long.
    #[cfg(all(feature = "bin", unix))]
    #[doc(hidden)]
    pub fn open_admin(&mut self, dir: &std::path::Path) -> std::io::Result<()> {
        if let Some(committer) = &self.committer {
            let socket = AdminSocket::open(dir)?;
            self.admin.spawn(socket.serve(AdminHandle::new(Arc::clone(&self.context), committer.clone())));
        }
        Ok(())
    }

    /// Waits until the server has stopped because its journal failed for good. All connections are then closed, and
    /// [`drain`](Self::drain) returns the reason. Without a failure it never resolves.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn failed(&self) {
        let mut failed = self.ends.failed.clone();
        // The sender is dropped when the journal has ended without failure: then there is nothing to wait for.
        if failed.wait_for(|failed| *failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Drains the server: closes all ports, stores and answers the posts that have arrived, sends every listener what
    /// was stored, and closes the journal. Connections that take longer than
    /// [`Limits::drain_within`](crate::Limits::drain_within) are closed.
    ///
    /// # Errors
    /// [`JournalError`] when the journal could not be closed cleanly or has failed before. What was confirmed is stored
    /// nevertheless.
    ///
    /// # Cancel safety
    /// When the future is dropped, the server stops at once.
    pub async fn drain(mut self) -> Result<(), JournalError> {
        // The ports first: a client whose connection ends must not reach this server again.
        self.stop.ports.send_replace(true);
        while self.ports_closed.recv().await.is_some() {}
        self.maintenance.abort();
        #[cfg(all(feature = "bin", unix))]
        self.admin.shutdown().await;
        self.stop.writers.send_replace(true);
        // A task that panicked has closed its connections; the others are still drained.
        while self.writers.join_next().await.is_some() {}
        let _ = (&mut self.maintenance).await;
        // When its last handle is dropped, the journal thread stores what it has, closes the journal and ends.
        self.committer = None;
        let result = (&mut self.ends.result).await.unwrap_or(Ok(()));
        self.stop.listeners.send_replace(true);
        self.context.log.close();
        while self.listeners.join_next().await.is_some() {}
        result
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.maintenance.abort();
    }
}
