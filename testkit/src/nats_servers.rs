//! Several `nats-server` that are one cluster, as processes that a test stops, kills and starts again. Their files are in a
//! folder that is removed with them.

mod server;

use std::env;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use self::server::LOOK_EVERY;
pub use self::server::{NatsPlace, NatsServer};
use crate::scratch;

/// Names the program, for a machine on which `.ci/nats-server` is of no use.
const PROGRAM: &str = "NATS_SERVER";

/// How long a cluster may take until it stores something. Electing a leader takes up to 9 seconds.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How often other ports are tried when another program was quicker.
const ATTEMPTS: usize = 5;

/// Several `nats-server`. Dropping it kills them.
#[derive(Debug)]
pub struct NatsServers {
    servers: Vec<NatsServer>,
    folder: TempDir,
}

impl NatsServers {
    /// Returns the program that `.ci/nats-server` finds or brings, or that the environment variable `NATS_SERVER` names.
    ///
    /// # Errors
    /// There is none for this machine.
    pub fn program() -> Result<PathBuf> {
        if let Some(named) = env::var_os(PROGRAM) {
            return Ok(named.into());
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/nats-server");
        let found = Command::new(&script).output().with_context(|| format!("could not run {}", script.display()))?;
        ensure!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr).trim());
        Ok(String::from_utf8(found.stdout)?.trim().into())
    }

    /// Starts servers on an address of the loopback network that nothing else on this machine uses, and waits until they
    /// store something.
    ///
    /// # Errors
    /// They do not start, or are not ready in time.
    pub async fn start(program: &Path, count: usize) -> Result<Self> {
        let address = loopback();
        Self::start_at(program, &vec![NatsPlace { address, prefix: Vec::new() }; count]).await
    }

    /// As [`start`](Self::start), one server at each place.
    ///
    /// # Errors
    /// They do not start, or are not ready in time.
    pub async fn start_at(program: &Path, places: &[NatsPlace]) -> Result<Self> {
        let mut attempt = 1;
        loop {
            let mut cluster = Self::prepare(program, places)?;
            for index in 0..places.len() {
                cluster.restart(index)?;
            }
            match cluster.ready().await {
                Ok(()) => return Ok(cluster),
                // One that ended at once could not have its ports.
                Err(_) if attempt < ATTEMPTS && cluster.servers.iter_mut().any(NatsServer::has_ended) => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn prepare(program: &Path, places: &[NatsPlace]) -> Result<Self> {
        // In memory where that can be: with each write synced, servers on a disk that others use elect leaders for minutes.
        let folder = scratch::dir()?;
        let mut servers = Vec::new();
        for (index, place) in places.iter().enumerate() {
            servers.push(NatsServer::new(program, place.clone(), format!("n{}", index + 1), folder.path())?);
        }
        let routes: Vec<_> = servers.iter().map(NatsServer::route).collect();
        servers.iter().try_for_each(|server| server.write_config(&routes))?;
        Ok(Self { servers, folder })
    }

    /// Returns the addresses for `--nats`, in the order of the places.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.servers.iter().map(NatsServer::address).collect()
    }

    /// Returns the servers, in the order of the places.
    #[must_use]
    pub fn servers(&self) -> &[NatsServer] {
        &self.servers
    }

    /// Returns the folder with their configurations, logs and stores.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a server that was stopped or killed. It is ready some time later.
    ///
    /// # Errors
    /// It runs, or could not be started.
    pub fn restart(&mut self, index: usize) -> Result<()> {
        self.server(index)?.start()
    }

    /// Kills a server with SIGKILL.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self, index: usize) -> Result<()> {
        self.server(index)?.kill()
    }

    /// Stops a server in an orderly way, with SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// It does not run, or does not end.
    pub async fn stop(&mut self, index: usize) -> Result<()> {
        self.server(index)?.end(rustix::process::Signal::TERM).await
    }

    /// Stops a server in the mode in which it first sends its clients away, with SIGUSR2, and waits for its end.
    ///
    /// # Errors
    /// It does not run, or does not end.
    pub async fn lame_duck(&mut self, index: usize) -> Result<()> {
        self.server(index)?.end(rustix::process::Signal::USR2).await
    }

    /// Holds a server with SIGSTOP: its connections stay open and silent.
    ///
    /// # Errors
    /// It does not run.
    pub fn pause(&mut self, index: usize) -> Result<()> {
        self.server(index)?.signal(rustix::process::Signal::STOP)
    }

    /// Lets a server run on that was paused.
    ///
    /// # Errors
    /// It does not run.
    pub fn go_on(&mut self, index: usize) -> Result<()> {
        self.server(index)?.signal(rustix::process::Signal::CONT)
    }

    /// Sends a signal to a server, and does not wait for what it does.
    ///
    /// # Errors
    /// It does not run.
    pub fn signal(&mut self, index: usize, signal: rustix::process::Signal) -> Result<()> {
        self.server(index)?.signal(signal)
    }

    /// Waits until all servers that run say that they are healthy: their stores are read, and those that store something
    /// have a leader.
    ///
    /// # Errors
    /// One has ended, or is not healthy in time.
    pub async fn ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        for server in self.servers.iter_mut().filter(|server| server.is_started()) {
            while !server.is_healthy().await {
                ensure!(!server.has_ended(), "nats-server has ended:\n{}", server.log());
                ensure!(Instant::now() < deadline, "nats-server is not ready:\n{}", server.log());
                sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }

    fn server(&mut self, index: usize) -> Result<&mut NatsServer> {
        self.servers.get_mut(index).with_context(|| format!("there is no server {index}"))
    }
}

/// Returns an address that connections of other tests do not use, so that a server which is started again finds its ports
/// free. Only Linux has such addresses.
fn loopback() -> IpAddr {
    let random = Ipv4Addr::new(127, fastrand::u8(1..), fastrand::u8(..), fastrand::u8(1..255));
    if TcpListener::bind((random, 0)).is_ok() { random.into() } else { Ipv4Addr::LOCALHOST.into() }
}
