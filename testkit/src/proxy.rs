//! A TCP proxy on a port of its own that does to each connection what its plans say. The server
//! behind it may go and come back elsewhere; the clients never notice more than broken connections.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fault::{Direction, FaultKind, Plan, Profile};

/// How long a half-open connection is kept before the proxy forgets it, so that a long run does not
/// collect thousands.
const HALF_OPEN_FOR: Duration = Duration::from_secs(5);

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
    profile: Mutex<Profile>,
    rng: Mutex<Rng>,
    faults: Mutex<BTreeMap<FaultKind, u64>>,
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
            profile: Mutex::new(profile),
            rng: Mutex::new(Rng::with_seed(seed)),
            faults: Mutex::default(),
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
        *lock(&self.shared.profile) = profile;
    }

    /// Cuts everything that is open.
    pub fn cut_all(&self) {
        self.shared.cut.send_modify(|times| *times += 1);
    }

    /// How often each kind of fault has happened so far.
    #[must_use]
    pub fn faults(&self) -> BTreeMap<FaultKind, u64> {
        lock(&self.shared.faults).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                tokio::spawn(carry(client, Trigger::new(Arc::clone(&shared)), Arc::clone(&shared)));
            }
            // Descriptors run short for a moment under a storm of reconnects.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Carries one connection to its end.
async fn carry(client: TcpStream, trigger: Trigger, shared: Arc<Shared>) {
    let Some(upstream) = *shared.upstream.borrow() else { return reset(client) };
    let Ok(server) = TcpStream::connect(upstream).await else { return reset(client) };
    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let mut cut = shared.cut.subscribe();
    cut.mark_unchanged();
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    let trigger = Arc::new(trigger);
    let up = Pipe { from: client_reads, to: server_writes, direction: Direction::Up, trigger: Arc::clone(&trigger) };
    let watched = Arc::clone(&trigger);
    let down = Pipe { from: server_reads, to: client_writes, direction: Direction::Down, trigger };
    let both = async {
        let (mut up, mut down) = (up, down);
        let end = tokio::select! {
            // An orderly end of one direction leaves the other one open, as a half-closed stream does.
            (up_end, down_end) = async { tokio::join!(up.run(), down.run()) } => {
                if up_end == End::Reset || down_end == End::Reset { End::Reset } else { End::Closed }
            }
            end = watched.ends() => end,
        };
        (up, down, end)
    };
    tokio::select! {
        (up, down, end) = both => if end == End::Reset {
            for (reads, writes) in [(up.from, down.to), (down.from, up.to)] {
                if let Ok(stream) = reads.reunite(writes) {
                    reset(stream);
                }
            }
        },
        _ = cut.changed() => {}
    }
}

/// Closes so that the other side gets a reset instead of an end.
fn reset(stream: TcpStream) {
    // Tokio's own call would warn about lingering; a zero linger never waits.
    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
}

/// What both directions of a connection know of its faults. One that breaks nothing is followed by
/// another.
struct Trigger {
    shared: Arc<Shared>,
    phase: Mutex<Phase>,
    /// The fault that the connection does not get over.
    fatal: watch::Sender<Option<FaultKind>>,
}

struct Phase {
    plan: Plan,
    rng: Rng,
    /// Bytes that went the plan's way since it was drawn.
    carried: u64,
    fired: bool,
    /// How often a fault that lasts still shows.
    left: u32,
}

/// How many reads a slow or torn stretch lasts.
const STRETCH: u32 = 8;

/// What becomes of the next bytes.
enum Step {
    Pass(usize),
    Late(Duration),
    Torn,
    Pause(Duration),
    Swallow,
    Hang,
}

impl Trigger {
    fn new(shared: Arc<Shared>) -> Self {
        let mut rng = lock(&shared.rng).fork();
        let plan = lock(&shared.profile).draw(&mut rng);
        let phase = Mutex::new(Phase { plan, rng, carried: 0, fired: false, left: STRETCH });
        Self { shared, phase, fatal: watch::Sender::new(None) }
    }

    /// Decides about the next `count` bytes of one direction.
    fn step(&self, direction: Direction, count: usize) -> Step {
        let mut phase = lock(&self.phase);
        let Some(kind) = phase.plan.kind else { return Step::Pass(count) };
        let ours = phase.plan.direction == direction;
        if !phase.fired {
            if !ours {
                return Step::Pass(count);
            }
            let before = usize::try_from(phase.plan.after - phase.carried).unwrap_or(usize::MAX);
            phase.carried += count.min(before) as u64;
            if count < before {
                return Step::Pass(count);
            }
            phase.fired = true;
            *lock(&self.shared.faults).entry(kind).or_default() += 1;
            if matches!(kind, FaultKind::Cut | FaultKind::Reset | FaultKind::HalfOpen | FaultKind::OneWay) {
                self.fatal.send_replace(Some(kind));
            }
            if before > 0 {
                // What comes before the fault still arrives.
                return Step::Pass(before);
            }
        }
        match kind {
            FaultKind::Cut | FaultKind::Reset | FaultKind::HalfOpen => Step::Hang,
            FaultKind::OneWay if ours => Step::Swallow,
            FaultKind::Stall if ours => {
                let pause = phase.plan.pause;
                self.next(&mut phase);
                Step::Pause(pause)
            }
            FaultKind::Delay | FaultKind::Split => {
                let pause = phase.plan.pause / 8;
                phase.left -= 1;
                if phase.left == 0 {
                    self.next(&mut phase);
                }
                if kind == FaultKind::Split { Step::Torn } else { Step::Late(pause) }
            }
            FaultKind::OneWay | FaultKind::Stall => Step::Pass(count),
        }
    }

    fn next(&self, phase: &mut Phase) {
        phase.plan = lock(&self.shared.profile).draw(&mut phase.rng);
        (phase.carried, phase.fired, phase.left) = (0, false, STRETCH);
    }

    /// Resolves when a fault ends the connection; never for the milder kinds.
    async fn ends(&self) -> End {
        let mut fatal = self.fatal.subscribe();
        let kind = fatal.wait_for(Option::is_some).await.ok().and_then(|kind| *kind);
        match kind {
            Some(FaultKind::Cut) => End::Closed,
            Some(FaultKind::Reset) => End::Reset,
            _ => {
                tokio::time::sleep(HALF_OPEN_FOR).await;
                End::Closed
            }
        }
    }
}

struct Pipe {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    direction: Direction,
    trigger: Arc<Trigger>,
}

impl Pipe {
    async fn run(&mut self) -> End {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = match self.from.read(&mut buffer).await {
                Ok(0) => {
                    let _ = self.to.shutdown().await;
                    return End::Closed;
                }
                Ok(count) => count,
                Err(_) => return End::Reset,
            };
            if self.pass(&buffer[..count]).await.is_err() {
                return End::Reset;
            }
        }
    }

    async fn pass(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.trigger.step(self.direction, bytes.len()) {
                Step::Pass(count) => {
                    self.to.write_all(&bytes[..count]).await?;
                    bytes = &bytes[count..];
                }
                Step::Late(pause) => {
                    tokio::time::sleep(pause).await;
                    return self.to.write_all(bytes).await;
                }
                Step::Torn => {
                    for piece in bytes.chunks(7) {
                        self.to.write_all(piece).await?;
                        tokio::task::yield_now().await;
                    }
                    return Ok(());
                }
                Step::Pause(pause) => tokio::time::sleep(pause).await,
                Step::Swallow => return Ok(()),
                Step::Hang => std::future::pending().await,
            }
        }
        Ok(())
    }
}
