//! A TCP proxy on a port of its own that does to each connection what its plan says. The server
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
                let plan = lock(&shared.profile).draw(&mut lock(&shared.rng));
                tokio::spawn(carry(client, plan, Arc::clone(&shared)));
            }
            // Descriptors run short for a moment under a storm of reconnects.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Carries one connection to its end.
async fn carry(client: TcpStream, plan: Plan, shared: Arc<Shared>) {
    let Some(upstream) = *shared.upstream.borrow() else { return reset(client) };
    let Ok(server) = TcpStream::connect(upstream).await else { return reset(client) };
    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let mut cut = shared.cut.subscribe();
    cut.mark_unchanged();
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    let trigger = Arc::new(Trigger { plan, shared: Arc::clone(&shared), fired: watch::Sender::new(false) });
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

/// What both directions of a connection know of its fault.
struct Trigger {
    plan: Plan,
    shared: Arc<Shared>,
    fired: watch::Sender<bool>,
}

impl Trigger {
    fn fire(&self) {
        if let Some(kind) = self.plan.kind
            && !self.fired.send_replace(true)
        {
            *lock(&self.shared.faults).entry(kind).or_default() += 1;
        }
    }

    /// Resolves when the fault ends the connection; never for the milder kinds.
    async fn ends(&self) -> End {
        let mut fired = self.fired.subscribe();
        let _ = fired.wait_for(|fired| *fired).await;
        match self.plan.kind {
            Some(FaultKind::Cut) => End::Closed,
            Some(FaultKind::Reset) => End::Reset,
            Some(FaultKind::HalfOpen | FaultKind::OneWay) => {
                tokio::time::sleep(HALF_OPEN_FOR).await;
                End::Closed
            }
            _ => std::future::pending().await,
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
        let mut carried = 0u64;
        loop {
            let count = match self.from.read(&mut buffer).await {
                Ok(0) => {
                    let _ = self.to.shutdown().await;
                    return End::Closed;
                }
                Ok(count) => count,
                Err(_) => return End::Reset,
            };
            if self.pass(&buffer[..count], &mut carried).await.is_err() {
                return End::Reset;
            }
        }
    }

    async fn pass(&mut self, mut bytes: &[u8], carried: &mut u64) -> io::Result<()> {
        let plan = self.trigger.plan.clone();
        if plan.kind.is_some() && plan.direction == self.direction && *carried + bytes.len() as u64 >= plan.after {
            // What comes before the fault still arrives.
            let before = usize::try_from(plan.after.saturating_sub(*carried)).unwrap_or(bytes.len()).min(bytes.len());
            self.to.write_all(&bytes[..before]).await?;
            bytes = &bytes[before..];
            *carried += before as u64;
            self.trigger.fire();
        }
        *carried += bytes.len() as u64;
        let fired = *self.trigger.fired.borrow();
        match plan.kind.filter(|_| fired) {
            Some(FaultKind::Cut | FaultKind::Reset | FaultKind::HalfOpen) => std::future::pending().await,
            Some(FaultKind::OneWay) if plan.direction == self.direction => Ok(()),
            Some(FaultKind::Stall) if !bytes.is_empty() && plan.direction == self.direction => {
                tokio::time::sleep(plan.pause).await;
                self.to.write_all(bytes).await
            }
            Some(FaultKind::Delay) => {
                tokio::time::sleep(plan.pause / 8).await;
                self.to.write_all(bytes).await
            }
            Some(FaultKind::Split) => {
                for piece in bytes.chunks(7) {
                    self.to.write_all(piece).await?;
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
            _ => self.to.write_all(bytes).await,
        }
    }
}
