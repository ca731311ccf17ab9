//! Thousands of connections that say one byte now and then and never end a line. On the write port they are closed when
//! their time to log in is over; on the listen port they are listeners like others and stay.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use super::latency::{median, quantile};
use super::options::Options;
use super::peer::{GUARD, Peer};
use super::programs::Programs;
use super::server::{LOOK, Server};
use super::table::Table;

/// How soon an honest client has to be in.
const SOON: f64 = 1.0;

/// How often it tries.
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
        let crowd = Crowd::gather(address, options).await?;
        // The last of them may still be on their way to the program.
        let port = if write_port { "write" } else { "listen" };
        let open = server.wait_for_connections(port, options.connections).await?;
        let besieged = logins(&server, &token).await?;
        let posted = server.takes(programs, &["send", "-u", "Honest", "-m", "hello"]).await?;
        let closed = if write_port { crowd.wait_until_closed(options).await } else { crowd.closed() };
        drop(crowd);
        let left = server.descriptors_come_back(idle).await?;
        let slowest = quantile(&besieged, 1.0);
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
                median(&besieged) * 1e3,
                slowest * 1e3,
                median(&quiet) * 1e3,
                quantile(&quiet, 1.0) * 1e3,
            ),
            must,
            open == options.connections && slowest <= SOON && posted && closed == expected && left <= idle,
        );
    }
    Ok(())
}

/// How long some logins took, in seconds.
async fn logins(server: &Server, token: &str) -> Result<Vec<f64>> {
    let mut took = Vec::new();
    for _ in 0..LOGINS {
        let began = Instant::now();
        Peer::log_in(server.write, token).await?;
        took.push(began.elapsed().as_secs_f64());
    }
    Ok(took)
}

/// The slow ones; they go when dropped.
struct Crowd {
    tasks: JoinSet<()>,
    closed: Arc<AtomicUsize>,
}

impl Crowd {
    async fn gather(address: SocketAddr, options: &Options) -> Result<Self> {
        let mut crowd = Self { tasks: JoinSet::new(), closed: Arc::default() };
        let every = Duration::from_secs_f64(options.every);
        for _ in 0..options.connections {
            let stream = Peer::connect(address).await?.into_stream();
            let closed = Arc::clone(&crowd.closed);
            crowd.tasks.spawn(async move {
                let (mut reads, mut writes) = stream.into_split();
                let (mut ticks, mut heard) = (interval(every), [0; 256]);
                loop {
                    tokio::select! {
                        _ = ticks.tick() => if writes.write_all(b"x").await.is_err() { break },
                        count = reads.read(&mut heard) => if !matches!(count, Ok(1..)) { break },
                    }
                }
                closed.fetch_add(1, Ordering::Relaxed);
            });
        }
        Ok(crowd)
    }

    fn closed(&self) -> usize {
        self.closed.load(Ordering::Relaxed)
    }

    async fn wait_until_closed(&self, options: &Options) -> usize {
        let all = async {
            while self.closed() < options.connections {
                sleep(LOOK).await;
            }
        };
        let _ = timeout(Duration::from_secs_f64(options.login_within) + GUARD, all).await;
        self.closed()
    }
}
