//! The room under test: its server's process, which comes and goes, and the proxies at which it is
//! always found.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use super::child::Process;
use super::ledger::{Ledger, Who};
use super::patience::GUARD;
use crate::fault::Profile;
use crate::proxy::Proxy;

/// Server and proxies.
#[derive(Debug)]
pub(super) struct Room {
    dir: PathBuf,
    ledger: Arc<Ledger>,
    process: Option<Process>,
    listen: SocketAddr,
    write: SocketAddr,
    /// Two groups of clients, one with shorter lives than the other.
    listen_proxies: Vec<Proxy>,
    write_proxies: Vec<Proxy>,
}

impl Room {
    pub(super) async fn start(dir: PathBuf, ledger: &Arc<Ledger>, seed: u64) -> anyhow::Result<Self> {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut room = Self {
            dir,
            ledger: Arc::clone(ledger),
            process: None,
            listen: nowhere,
            write: nowhere,
            listen_proxies: Vec::new(),
            write_proxies: Vec::new(),
        };
        for (place, within) in [40_000, 200_000].into_iter().enumerate() {
            let profile = Profile { percent: 100, within, ..Profile::default() };
            room.listen_proxies.push(Proxy::start(None, profile, seed ^ (10 + place as u64)).await?);
        }
        for (place, within) in [1_500, 4_000].into_iter().enumerate() {
            let profile = Profile { percent: 100, within, ..Profile::default() };
            room.write_proxies.push(Proxy::start(None, profile, seed ^ (20 + place as u64)).await?);
        }
        room.start_server(0).await?;
        Ok(room)
    }

    /// Kills the server without warning, and starts it again on other ports.
    pub(super) async fn restart(&mut self, clock: i64) -> anyhow::Result<()> {
        if let Some(process) = self.process.take() {
            process.kill().await;
        }
        for proxy in self.proxies() {
            proxy.set_upstream(None);
        }
        self.start_server(clock).await
    }

    async fn start_server(&mut self, clock: i64) -> anyhow::Result<()> {
        let dir = self.dir.display().to_string();
        let arguments = ["server", "--dir", &dir, "--clock", &clock.to_string()].map(str::to_owned);
        let (process, ready) = Process::start(Who::Server, &arguments, &self.ledger)?;
        self.process = Some(process);
        let ready = tokio::time::timeout(GUARD, ready).await.context("the server hangs")?.context("no server")?;
        let (listen, write) = ready.split_once(' ').context("not ready")?;
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
            process.tell(&format!("clock {offset}")).await;
        }
    }

    pub(super) fn has_died(&mut self) -> bool {
        self.process.as_mut().is_none_or(Process::has_died)
    }

    /// No faults from now on; what was broken is cut.
    pub(super) fn calm(&self) {
        for proxy in self.proxies() {
            proxy.set_profile(Profile { percent: 0, ..Profile::default() });
            proxy.cut_all();
        }
    }

    /// Both ports without a proxy.
    pub(super) fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.listen, self.write)
    }

    /// Where this listener dials.
    pub(super) fn listen_port(&self, listener: usize) -> u16 {
        self.listen_proxies[listener % self.listen_proxies.len()].address().port()
    }

    /// Where this writer dials.
    pub(super) fn write_port(&self, writer: usize) -> u16 {
        self.write_proxies[writer % self.write_proxies.len()].address().port()
    }

    pub(super) fn proxies(&self) -> impl Iterator<Item = &Proxy> {
        self.listen_proxies.iter().chain(&self.write_proxies)
    }
}
