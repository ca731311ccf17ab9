//! Three `nats-server` with the log of a room.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use chat_server::nats::{NatsOptions, log_status, replace_log};
use chat_server::replication::Generation;
use rustix::process::Signal;
use testkit::nats_servers::NatsServers;
use testkit::process;
use tokio::runtime::{Builder, Runtime};

const SERVERS: usize = 3;
/// Time until the log is there, or has a leader again.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Time between two looks at the log.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What the log says of the store that it begins with.
const BEGINNING: &str = "an empty store";

/// What happens to the server that leads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Kill,
    Terminate,
    Pause,
    LameDuck,
}

/// The servers, killed when dropped.
pub(super) struct LogServers {
    nats: NatsServers,
    options: NatsOptions,
    runtime: Runtime,
}

impl LogServers {
    pub(super) fn start() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let nats = runtime.block_on(async { NatsServers::start(&NatsServers::program()?, SERVERS).await })?;
        let options = NatsOptions::new(nats.addresses());
        Ok(Self { nats, options, runtime })
    }

    /// Returns the value of `--nats`.
    pub(super) fn addresses(&self) -> String {
        self.nats.addresses().join(",")
    }

    /// Removes what is in the log, and returns its new generation. The measured peaks of memory begin here.
    pub(super) fn empty_log(&mut self) -> Result<Generation> {
        self.runtime.block_on(self.nats.ready())?;
        let deadline = Instant::now() + READY_WITHIN;
        let log = loop {
            match self.runtime.block_on(replace_log(&self.options, BEGINNING)) {
                Ok(log) => break log,
                // The servers may still elect their leaders.
                Err(_) if Instant::now() < deadline => std::thread::sleep(LOOK_EVERY),
                Err(error) => return Err(error).context("could not create the log"),
            }
        };
        self.pids().try_for_each(process::reset_peak)?;
        log.generation.context("a log without a generation")
    }

    /// Returns the CPU seconds of all servers.
    pub(super) fn cpu_seconds(&self) -> Result<f64> {
        self.pids().map(process::cpu_seconds).sum()
    }

    /// Returns the largest peak of memory of a server.
    pub(super) fn peak_kib(&self) -> Result<u64> {
        let peaks: Result<Vec<u64>> = self.pids().map(process::peak_kib).collect();
        Ok(peaks?.into_iter().max().unwrap_or_default())
    }

    /// Returns the index of the server that leads the log.
    pub(super) fn leader(&self) -> Result<usize> {
        let deadline = Instant::now() + READY_WITHIN;
        while Instant::now() < deadline {
            if let Ok(log) = self.runtime.block_on(log_status(&self.options))
                && let Some(leader) = log.copies.iter().find(|copy| copy.leads)
                && let Some(index) = self.nats.servers().iter().position(|server| server.name() == leader.server)
            {
                return Ok(index);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        bail!("the log has no leader")
    }

    /// Does this to a server, and does not wait for what follows.
    pub(super) fn begin(&mut self, fault: Fault, index: usize) -> Result<()> {
        match fault {
            Fault::Kill => self.nats.kill(index),
            Fault::Terminate => self.nats.signal(index, Signal::TERM),
            Fault::Pause => self.nats.pause(index),
            Fault::LameDuck => self.nats.signal(index, Signal::USR2),
        }
    }

    /// Brings the server back.
    pub(super) fn heal(&mut self, fault: Fault, index: usize) -> Result<()> {
        match fault {
            Fault::Pause => self.nats.go_on(index)?,
            Fault::Kill => self.nats.restart(index)?,
            Fault::Terminate | Fault::LameDuck => {
                self.nats.kill(index)?;
                self.nats.restart(index)?;
            }
        }
        self.runtime.block_on(self.nats.ready())
    }

    fn pids(&self) -> impl Iterator<Item = u32> {
        self.nats.servers().iter().filter_map(testkit::nats_servers::NatsServer::pid)
    }
}
