//! Starts a server.

use std::net::SocketAddr;
use std::sync::Arc;

use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::handle::{Parts, ServerHandle};
use super::maintenance::{Maintainer, Stop, watch_journal};
use super::services::{ListenerService, WriterService};
use crate::admission::Admission;
use crate::committer::{Committer, JournalEnd};
use crate::config::ServerConfig;
use crate::error::StartError;
use crate::fan_out::FanOut;
use crate::journal::Journal;
use crate::meters::Port;
#[cfg(feature = "tls")]
use crate::net::TlsPorts;
use crate::net::{AcceptLoop, open_port};
#[cfg(feature = "sqlite")]
use crate::replication::{Projection, SharedBatchLog};
use crate::session::{SessionContext, ShutdownSignal};

/// Starts servers.
///
/// ```
/// use chat_server::{MemoryJournal, Server, ServerConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::start(ServerConfig::on_free_ports(), MemoryJournal::new()).await?;
/// assert_ne!(server.listen_addr().port(), 0);
/// server.drain().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server;

/// A port that is open and its real address.
struct OpenPort {
    listener: TcpListener,
    address: SocketAddr,
}

impl OpenPort {
    fn open(asked: SocketAddr) -> Result<Self, StartError> {
        let listener = open_port(asked)?;
        let address = listener.local_addr().map_err(|source| StartError::Bind { address: asked, source })?;
        Ok(Self { listener, address })
    }
}

/// The open ports of a server.
struct OpenPorts {
    listen: OpenPort,
    write: OpenPort,
    #[cfg(feature = "tls")]
    tls: Option<(TlsPorts, OpenPort, OpenPort)>,
}

impl OpenPorts {
    fn open(config: &ServerConfig) -> Result<Self, StartError> {
        Ok(Self {
            listen: OpenPort::open(config.listen)?,
            write: OpenPort::open(config.write)?,
            #[cfg(feature = "tls")]
            tls: match &config.tls {
                Some(ports) => Some((ports.clone(), OpenPort::open(ports.listen)?, OpenPort::open(ports.write)?)),
                None => None,
            },
        })
    }
}

impl Server {
    /// Opens the ports, reads accounts and the end of the log from the journal, and serves on the current Tokio runtime.
    /// The journal is read on a blocking thread.
    ///
    /// # Errors
    /// [`StartError`] when a port cannot be opened or the journal cannot be read.
    ///
    /// # Cancel safety
    /// When the future is dropped, the ports are closed again, and the journal is dropped as soon as its read ends.
    pub async fn start<J: Journal>(config: ServerConfig, mut journal: J) -> Result<ServerHandle, StartError> {
        let ports = OpenPorts::open(&config)?;
        let load = move || SessionContext::load(config, &mut journal).map(|context| (context, journal));
        let loaded = tokio::task::spawn_blocking(load).await;
        let (context, journal) = loaded.map_err(|failed| StartError::Thread(failed.into()))??;
        let context = Arc::new(context);
        let started = Committer::start(journal, context.committer_parts());
        let (committer, journal_end) = started.map_err(|error| StartError::Thread(error.into()))?;
        Ok(serve(ports, context, committer, journal_end))
    }

    /// Opens the ports, and serves as one of several nodes: `projection` is the store of this node, and `log` the log that
    /// all nodes of the room share. Listeners are served although the log cannot be reached; posts are declined until it
    /// is.
    ///
    /// # Errors
    /// [`StartError`] when a port cannot be opened or the store cannot be read.
    ///
    /// # Cancel safety
    /// As [`start`](Self::start).
    #[cfg(feature = "sqlite")]
    pub async fn start_node<P: Projection, L: SharedBatchLog>(
        config: ServerConfig,
        mut projection: P,
        log: L,
    ) -> Result<ServerHandle, StartError> {
        let ports = OpenPorts::open(&config)?;
        let load = move || SessionContext::load_node(config, &mut projection).map(|context| (context, projection));
        let loaded = tokio::task::spawn_blocking(load).await;
        let (context, projection) = loaded.map_err(|failed| StartError::Thread(failed.into()))??;
        let context = Arc::new(context);
        let (epoch, _) = uuid::Uuid::new_v4().as_u64_pair();
        let started = Committer::start_node(projection, log, epoch, context.committer_parts());
        let (committer, journal_end) = started.map_err(|error| StartError::Thread(error.into()))?;
        // Set once, here.
        let _ = context.barrier.set(committer.barrier());
        Ok(serve(ports, context, committer, journal_end))
    }
}

/// Starts all tasks of a server.
fn serve(
    ports: OpenPorts,
    context: Arc<SessionContext>,
    committer: Committer,
    journal_end: JournalEnd,
) -> ServerHandle {
    let OpenPorts {
        listen,
        write,
        #[cfg(feature = "tls")]
        tls,
    } = ports;
    let (log, meters) = (Arc::clone(&context.log), Arc::clone(&context.meters));
    let admission = Admission::new(Arc::clone(&context.limits), Arc::clone(&meters));
    let (open, ports_closed) = mpsc::channel(1);
    let (stop, stopping) = Stop::new();
    let revoked = context.moderation.watch_accounts();

    let (fan_out, woken) = FanOut::new(Arc::clone(&log), Arc::clone(&meters));
    let signal = ShutdownSignal { drain: stopping.writers.clone(), revoked };
    let writer_service = WriterService { context: Arc::clone(&context), committer: committer.clone(), signal };
    let listener_service = ListenerService { context: Arc::clone(&context), fan_out: Arc::clone(&fan_out) };
    let proxies: Arc<[IpNet]> = context.config.proxy_from.clone().into();
    let accept = |port: Port, drain: &watch::Receiver<bool>| AcceptLoop {
        admission: Arc::clone(&admission),
        port,
        hooks: context.config.hooks.clone(),
        proxies: Arc::clone(&proxies),
        open: open.clone(),
        stop: stopping.ports.clone(),
        drain: drain.clone(),
        limits: Arc::clone(&context.limits),
    };
    let (on_write, on_listen) =
        (|| accept(Port::Write, &stopping.writers), || accept(Port::Listen, &stopping.listeners));
    let (mut writers, mut listeners) = (JoinSet::new(), JoinSet::new());
    listeners.spawn(fan_out.run(log.watch_head()));
    listeners.spawn(woken.run(log.watch_head(), Arc::clone(&context.limits)));
    #[cfg(feature = "tls")]
    let tls_addrs = tls.map(|(ports, listen, write)| {
        let (service, own) = (writer_service.clone(), ports.clone());
        let serve = move |stream, permit| Some(service.serve_tls(&own, stream, permit));
        writers.spawn(on_write().run(write.listener, serve));
        let service = listener_service.clone();
        let serve = move |stream, permit| Some(service.serve_tls(&ports, stream, permit));
        listeners.spawn(on_listen().run(listen.listener, serve));
        (listen.address, write.address)
    });
    #[cfg(not(feature = "tls"))]
    let tls_addrs = None;
    let serve = move |stream, permit| Some(writer_service.serve(stream, permit));
    writers.spawn(on_write().run(write.listener, serve));
    let serve = move |stream, permit| listener_service.serve(stream, permit);
    listeners.spawn(on_listen().run(listen.listener, serve));
    // The loops hold the other senders: when the last port is closed, the channel is.
    drop(open);
    let (all, closing) = (stop.clone(), Arc::clone(&log));
    let ends = watch_journal(journal_end, move || {
        all.all();
        closing.close();
    });
    let maintainer = Maintainer { context: Arc::clone(&context), committer: committer.clone() };
    let maintenance = maintainer.spawn();
    ServerHandle::new(Parts {
        listen: listen.address,
        write: write.address,
        tls: tls_addrs,
        context,
        committer,
        stop,
        ports_closed,
        writers,
        listeners,
        maintenance,
        ends,
    })
}
