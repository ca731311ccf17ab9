//! The network of a simulation: a server that is killed and restarted, and in-memory links to it with faults from a
//! seed.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat_client::{BoxedIo, ConnectError, Dial, Side};
use chat_server::{ActionDraft, EmbeddedServer, JournalError, ServerConfig};
use fastrand::Rng;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::io::{DuplexStream, duplex, split};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::journal::Disk;
use crate::fault::{Direction, FaultProfile};
use crate::link::{Faults, Pipe, Trigger, carry_both};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Size of the simulated socket buffer in each direction.
const BUFFER: usize = 2048;

/// The server and the links to it.
#[derive(Debug)]
pub(super) struct SimNetwork {
    seed: u64,
    disk: Disk,
    server: Mutex<Option<ServerInstance>>,
    pub(super) faults: Faults,
    /// Changes when all connections must be cut.
    cut: watch::Sender<u64>,
}

/// One lifetime of the server.
#[derive(Debug)]
struct ServerInstance {
    server: EmbeddedServer,
    sessions: JoinSet<()>,
    killed: Arc<AtomicBool>,
}

impl SimNetwork {
    pub(super) fn new(seed: u64, disk: Disk, profile: FaultProfile) -> Arc<Self> {
        let faults = Faults::new(profile);
        Arc::new(Self { seed, disk, server: Mutex::default(), faults, cut: watch::Sender::new(0) })
    }

    /// Starts the server.
    pub(super) fn start_server(&self) -> anyhow::Result<()> {
        let mut config = ServerConfig::default();
        config.seed = Some(self.seed);
        // Small enough that listeners often read from the journal.
        config.limits.ring_bytes = 512;
        // The simulated writers post as fast as they can.
        config.limits = config.limits.without_post_rates();
        let journal = self.disk.open();
        let killed = journal.killed();
        let server = EmbeddedServer::start(config, journal)?;
        *self.lock() = Some(ServerInstance { server, sessions: JoinSet::new(), killed });
        Ok(())
    }

    /// Has the running server store an action. Returns `None` if it is not running.
    pub(super) fn act(&self, draft: ActionDraft) -> Option<impl Future<Output = Result<(), JournalError>> + use<>> {
        self.lock().as_ref().map(|instance| instance.server.act(draft))
    }

    /// Kills the server at this instant, with all its sessions.
    pub(super) fn kill_server(&self) {
        if let Some(instance) = self.lock().take() {
            // Before the sessions are dropped: nothing that the committer still holds may be stored.
            instance.killed.store(true, Ordering::Relaxed);
        }
    }

    /// Injects no more faults and cuts all connections, half-open ones included.
    pub(super) fn stop_faults(&self) {
        self.faults.set_profile(FaultProfile { percent: 0, ..FaultProfile::default() });
        self.cut.send_modify(|times| *times += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Option<ServerInstance>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects to the server. Returns `None` if it is not running.
    fn connect(&self, side: Side) -> Option<DuplexStream> {
        let mut instance = self.lock();
        let ServerInstance { server, sessions, .. } = instance.as_mut()?;
        let (ours, theirs) = duplex(BUFFER);
        match side {
            Side::Listen => sessions.spawn(server.serve_listener(theirs, HERE)),
            Side::Write => sessions.spawn(server.serve_writer(theirs, HERE)),
        };
        while sessions.try_join_next().is_some() {}
        Some(ours)
    }
}

/// Dials the server for one lifetime of one client.
#[derive(Debug)]
pub(super) struct SimDialer {
    network: Arc<SimNetwork>,
    /// Seed of its faults; `None` for links without faults.
    seed: Option<u64>,
    dials: AtomicU64,
    /// Becomes false when the client is killed.
    alive: watch::Receiver<bool>,
}

impl SimDialer {
    /// Creates a dialer with faults, and the sender that cuts its connections.
    pub(super) fn new(network: &Arc<SimNetwork>, seed: u64) -> (Self, watch::Sender<bool>) {
        let (end, alive) = watch::channel(true);
        (Self { network: Arc::clone(network), seed: Some(seed), dials: AtomicU64::new(0), alive }, end)
    }

    /// Creates a dialer without faults.
    pub(super) fn without_faults(network: &Arc<SimNetwork>) -> Self {
        let alive = watch::channel(true).1;
        Self { network: Arc::clone(network), seed: None, dials: AtomicU64::new(0), alive }
    }

    async fn connect(&self, side: Side) -> Result<BoxedIo, ConnectError> {
        let mut alive = self.alive.clone();
        if !*alive.borrow_and_update() {
            // The services of a killed client run until they are dropped, but get no connection.
            return std::future::pending().await;
        }
        let refused = || {
            let source = std::io::ErrorKind::ConnectionRefused.into();
            ConnectError::Connect { address: "the room".into(), source }
        };
        let Some(seed) = self.seed else {
            return Ok(Box::new(self.network.connect(side).ok_or_else(refused)?));
        };
        // A generator per connection: the number of draws on one must not change the faults of another.
        let dials = self.dials.fetch_add(1, Ordering::Relaxed);
        let mut rng = Rng::with_seed(seed.wrapping_add(dials.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let latency = Duration::from_micros(rng.u64(50..8_000));
        tokio::time::sleep(latency).await;
        let server = self.network.connect(side).ok_or_else(refused)?;
        let (ours, client) = duplex(BUFFER);
        let network = Arc::clone(&self.network);
        let mut cut = network.cut.subscribe();
        cut.mark_unchanged();
        tokio::spawn(async move {
            // Biased so that a seed replays exactly. Whichever branch completes ends the connection, and the bytes that
            // the dropped copy still holds are lost as in a real cut.
            tokio::select! {
                biased;
                () = carry(client, server, &network.faults, rng, latency) => {}
                _ = cut.changed() => {}
                _ = alive.changed() => {}
            }
        });
        Ok(Box::new(ours))
    }
}

impl Dial for SimDialer {
    fn dial(&self, side: Side) -> BoxFuture<'_, Result<BoxedIo, ConnectError>> {
        self.connect(side).boxed()
    }
}

async fn carry(client: DuplexStream, server: DuplexStream, faults: &Faults, rng: Rng, latency: Duration) {
    let trigger = Trigger::new(faults, rng);
    let ((client_reads, client_writes), (server_reads, server_writes)) = (split(client), split(server));
    let mut up = Pipe { from: client_reads, to: server_writes, direction: Direction::Up, trigger: &trigger, latency };
    let mut down =
        Pipe { from: server_reads, to: client_writes, direction: Direction::Down, trigger: &trigger, latency };
    carry_both(&mut up, &mut down, &trigger).await;
}
