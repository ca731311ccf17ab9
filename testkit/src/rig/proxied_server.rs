//! The server under test: a process that is killed and restarted, behind proxies whose addresses stay the same.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use super::doors::Doors;
use super::ledger::{Ledger, Reporter};
use super::process::Process;
use super::timeouts::GUARD;
use crate::fault::FaultProfile;
use crate::proxy::Proxy;

/// The server process and its proxies.
#[derive(Debug)]
pub(super) struct ProxiedServer {
    dir: PathBuf,
    /// Most bytes of the store; 0 for no limit.
    retain: u64,
    ledger: Arc<Ledger>,
    process: Option<Process>,
    listen: SocketAddr,
    write: SocketAddr,
    /// Two proxies per port, one with shorter connections than the other.
    listen_proxies: Vec<Proxy>,
    write_proxies: Vec<Proxy>,
}

impl ProxiedServer {
    pub(super) async fn start(dir: PathBuf, retain: u64, ledger: &Arc<Ledger>, seed: u64) -> anyhow::Result<Self> {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self {
            dir,
            retain,
            ledger: Arc::clone(ledger),
            process: None,
            listen: nowhere,
            write: nowhere,
            listen_proxies: Vec::new(),
            write_proxies: Vec::new(),
        };
        for (index, within) in [40_000, 200_000].into_iter().enumerate() {
            let profile = FaultProfile { percent: 100, within, ..FaultProfile::default() };
            server.listen_proxies.push(Proxy::start(None, profile, seed ^ (10 + index as u64)).await?);
        }
        for (index, within) in [1_500, 4_000].into_iter().enumerate() {
            let profile = FaultProfile { percent: 100, within, ..FaultProfile::default() };
            server.write_proxies.push(Proxy::start(None, profile, seed ^ (20 + index as u64)).await?);
        }
        server.start_server(0).await?;
        Ok(server)
    }

    /// Kills the server with SIGKILL and starts it again on other ports.
    pub(super) async fn restart(&mut self, clock: i64) -> anyhow::Result<()> {
        if let Some(process) = self.process.take() {
            process.kill().await?;
        }
        for proxy in self.proxies() {
            proxy.set_upstream(None);
        }
        self.start_server(clock).await
    }

    async fn start_server(&mut self, clock: i64) -> anyhow::Result<()> {
        let dir = self.dir.display().to_string();
        let (clock, retain) = (clock.to_string(), self.retain.to_string());
        let arguments = ["server", "--dir", &dir, "--clock", &clock, "--retain", &retain].map(str::to_owned);
        let (process, ready) = Process::start(Reporter::Server, &arguments, &self.ledger)?;
        self.process = Some(process);
        let ready = tokio::time::timeout(GUARD, ready).await.context("the server does not get ready")?;
        let ready = ready.context("the server ended before it was ready")?;
        let (listen, write) = ready.split_once(' ').context("the ready line of the server has no two addresses")?;
        (self.listen, self.write) = (listen.parse()?, write.parse()?);
        for (proxies, address) in [(&self.listen_proxies, self.listen), (&self.write_proxies, self.write)] {
            for proxy in proxies {
                proxy.set_upstream(Some(address));
            }
        }
        Ok(())
    }

    pub(super) async fn set_clock(&mut self, offset: i64) {
        if let Some(process) = &mut self.process {
            process.send(&format!("clock {offset}")).await;
        }
    }

    pub(super) fn has_exited(&mut self) -> bool {
        self.process.as_mut().is_none_or(Process::has_exited)
    }

    /// Injects no more faults and cuts all connections, half-open ones included.
    pub(super) fn stop_faults(&self) {
        for proxy in self.proxies() {
            proxy.set_profile(FaultProfile { percent: 0, ..FaultProfile::default() });
            proxy.cut_all();
        }
    }

    /// Returns the listen and the write address of the server itself.
    pub(super) fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.listen, self.write)
    }

    pub(super) fn proxies(&self) -> impl Iterator<Item = &Proxy> {
        self.listen_proxies.iter().chain(&self.write_proxies)
    }
}

impl Doors for ProxiedServer {
    fn listen_ports(&self, listener: usize) -> Vec<u16> {
        vec![self.listen_proxies[listener % self.listen_proxies.len()].address().port()]
    }

    fn write_ports(&self, writer: usize) -> Vec<u16> {
        vec![self.write_proxies[writer % self.write_proxies.len()].address().port()]
    }
}
