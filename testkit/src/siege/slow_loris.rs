//! Thousands of connections that send one byte at a time and never finish a line. On the write port they are closed at
//! the login timeout; on the listen port they are ordinary listeners and stay.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use super::options::Options;
use super::table::Table;
use crate::programs::{GUARD, POLL, Peer, Programs, Server};
use crate::quantile::{median, quantile};

/// Seconds within which an honest client must be logged in.
const MAX_LOGIN_S: f64 = 1.0;

/// Number of logins that are measured.
const LOGINS: usize = 40;

pub(super) async fn run(programs: &Programs, options: &Options, table: &mut Table) -> Result<()> {
    let within = options.login_within.to_string();
    for write_port in [true, false] {
        let server = Server::start(programs, &["--login-within", &within], None).await?;
        let (honest, token) = Peer::register(server.write, "Honest").await?;
        drop(honest);
        let quiet = logins(&server, &token).await?;
        let idle = server.idle_descriptors().await?;
        let address = if write_port { server.write } else { server.listen };
        let slow = SlowConnections::open(address, options).await?;
        // The last connections may still be in the backlog.
        let port = if write_port { "write" } else { "listen" };
        let open = server.wait_for_connections(port, options.connections).await?;
        let loaded = logins(&server, &token).await?;
        let posted = server.accepts(programs, &["send", "-u", "Honest", "-m", "hello"]).await?;
        let closed = if write_port { slow.wait_until_closed(options).await } else { slow.closed() };
        drop(slow);
        let left = server.descriptors_come_back(idle).await?;
        let slowest = quantile(&loaded, 1.0);
        let expected = if write_port { options.connections } else { 0 };
        let must = if write_port {
            "an honest login within 1 s; all closed after `--login-within`; the descriptors come back"
        } else {
            "an honest login within 1 s; none closed; the descriptors come back"
        };
        table.add(
            "slow loris",
            format!(
                "{} connections to the {port} port, a byte every {} s, `--login-within {within}`",
                options.connections, options.every,
            ),
            format!(
                "{open} open at once; login median {:.1} ms, slowest {:.1} ms of {LOGINS} (before {:.1} and {:.1}); \
                 {closed} closed by the server; descriptors {idle} → {left}",
                median(&loaded) * 1e3,
                slowest * 1e3,
                median(&quiet) * 1e3,
                quantile(&quiet, 1.0) * 1e3,
            ),
            must,
            open == options.connections && slowest <= MAX_LOGIN_S && posted && closed == expected && left <= idle,
        );
    }
    Ok(())
}

/// Measures some logins. Returns the seconds that each took.
async fn logins(server: &Server, token: &str) -> Result<Vec<f64>> {
    let mut took = Vec::new();
    for _ in 0..LOGINS {
        let began = Instant::now();
        Peer::log_in(server.write, token).await?;
        took.push(began.elapsed().as_secs_f64());
    }
    Ok(took)
}

/// The slow connections, closed when dropped.
struct SlowConnections {
    tasks: JoinSet<()>,
    closed: Arc<AtomicUsize>,
}

impl SlowConnections {
    async fn open(address: SocketAddr, options: &Options) -> Result<Self> {
        let mut slow = Self { tasks: JoinSet::new(), closed: Arc::default() };
        let every = Duration::from_secs_f64(options.every);
        for _ in 0..options.connections {
            let stream = Peer::connect(address).await?.into_stream();
            let closed = Arc::clone(&slow.closed);
            slow.tasks.spawn(async move {
                let (mut reads, mut writes) = stream.into_split();
                let (mut ticks, mut input) = (interval(every), [0; 256]);
                loop {
                    // `tick` and `read` are cancel safe, and the write is in an arm.
                    tokio::select! {
                        _ = ticks.tick() => if writes.write_all(b"x").await.is_err() { break },
                        count = reads.read(&mut input) => if !matches!(count, Ok(1..)) { break },
                    }
                }
                closed.fetch_add(1, Ordering::Relaxed);
            });
        }
        Ok(slow)
    }

    fn closed(&self) -> usize {
        self.closed.load(Ordering::Relaxed)
    }

    async fn wait_until_closed(&self, options: &Options) -> usize {
        let all = async {
            while self.closed() < options.connections {
                sleep(POLL).await;
            }
        };
        let _ = timeout(Duration::from_secs_f64(options.login_within) + GUARD, all).await;
        self.closed()
    }
}
