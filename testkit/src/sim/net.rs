//! The network of a simulation: a server that comes and goes, and links to it that break as a seed says.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat_client::dial::BoxedIo;
use chat_client::{ConnectError, Dial, Side};
use chat_server::{EmbeddedServer, ServerConfig};
use fastrand::Rng;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::io::{DuplexStream, duplex, split};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::journal::Disk;
use crate::fault::{Direction, Profile};
use crate::link::{Faults, Pipe, Trigger, carry_both};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What the system would hold of a stream in either direction.
const BUFFER: usize = 2048;

/// The room's machine and the way to it.
#[derive(Debug)]
pub(super) struct Net {
    seed: u64,
    disk: Disk,
    server: Mutex<Option<Life>>,
    pub(super) faults: Faults,
    /// Changes when all that is broken is to be cut.
    cut: watch::Sender<u64>,
}

/// One life of the server.
#[derive(Debug)]
struct Life {
    server: EmbeddedServer,
    sessions: JoinSet<()>,
    dead: Arc<AtomicBool>,
}

impl Net {
    pub(super) fn new(seed: u64, disk: Disk, profile: Profile) -> Arc<Self> {
        let faults = Faults::new(profile);
        Arc::new(Self { seed, disk, server: Mutex::default(), faults, cut: watch::Sender::new(0) })
    }

    /// The server is there from now on.
    pub(super) fn start_server(&self) -> anyhow::Result<()> {
        let mut config = ServerConfig::default();
        config.seed = Some(self.seed);
        // So little that listeners read on from the journal.
        config.limits.ring_bytes = 512;
        let journal = self.disk.open();
        let dead = journal.dead();
        let server = EmbeddedServer::start(config, journal)?;
        *self.lock() = Some(Life { server, sessions: JoinSet::new(), dead });
        Ok(())
    }

    /// The server is gone, in the middle of whatever it did.
    pub(super) fn kill_server(&self) {
        if let Some(life) = self.lock().take() {
            life.dead.store(true, Ordering::Relaxed);
        }
    }

    /// No faults from now on.
    pub(super) fn calm(&self) {
        self.faults.set_profile(Profile { percent: 0, ..Profile::default() });
        self.cut.send_modify(|times| *times += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Life>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stream to the server, if it is there.
    fn connect(&self, side: Side) -> Option<DuplexStream> {
        let mut life = self.lock();
        let Life { server, sessions, .. } = life.as_mut()?;
        let (ours, theirs) = duplex(BUFFER);
        match side {
            Side::Listen => sessions.spawn(server.serve_listener(theirs, HERE)),
            Side::Write => sessions.spawn(server.serve_writer(theirs, HERE)),
        };
        while sessions.try_join_next().is_some() {}
        Some(ours)
    }
}

/// How one life of one client reaches the room.
#[derive(Debug)]
pub(super) struct Way {
    net: Arc<Net>,
    /// What its faults are drawn from; `None` for a way without faults.
    seed: Option<u64>,
    dials: AtomicU64,
    /// Turns false when the client dies.
    alive: watch::Receiver<bool>,
}

impl Way {
    /// A way with faults, and what ends it.
    pub(super) fn new(net: &Arc<Net>, seed: u64) -> (Self, watch::Sender<bool>) {
        let (end, alive) = watch::channel(true);
        (Self { net: Arc::clone(net), seed: Some(seed), dials: AtomicU64::new(0), alive }, end)
    }

    /// A way without faults.
    pub(super) fn clean(net: &Arc<Net>) -> Self {
        let alive = watch::channel(true).1;
        Self { net: Arc::clone(net), seed: None, dials: AtomicU64::new(0), alive }
    }

    async fn connect(&self, side: Side) -> Result<BoxedIo, ConnectError> {
        let mut alive = self.alive.clone();
        if !*alive.borrow_and_update() {
            // The dead do not dial.
            return std::future::pending().await;
        }
        let refused = || {
            let source = std::io::ErrorKind::ConnectionRefused.into();
            ConnectError::Connect { address: "the room".into(), source }
        };
        let Some(seed) = self.seed else {
            return Ok(Box::new(self.net.connect(side).ok_or_else(refused)?));
        };
        // Of each connection's own, so that what happens on one does not change what happens on another.
        let dials = self.dials.fetch_add(1, Ordering::Relaxed);
        let mut rng = Rng::with_seed(seed.wrapping_add(dials.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let latency = Duration::from_micros(rng.u64(50..8_000));
        tokio::time::sleep(latency).await;
        let server = self.net.connect(side).ok_or_else(refused)?;
        let (ours, client) = duplex(BUFFER);
        let net = Arc::clone(&self.net);
        let mut cut = net.cut.subscribe();
        cut.mark_unchanged();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = carry(client, server, &net.faults, rng, latency) => {}
                _ = cut.changed() => {}
                _ = alive.changed() => {}
            }
        });
        Ok(Box::new(ours))
    }
}

impl Dial for Way {
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
