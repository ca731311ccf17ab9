//! The nodes of a room, and what they have used.

use std::fs;
use std::net::SocketAddr;

use anyhow::Result;
use chat_server::SqliteProjection;
use tempfile::TempDir;
use testkit::process;

use super::servers::LogServers;
use crate::server_process::{ServerOptions, ServerProcess};

/// The store of a server.
const STORE: &str = "room.db";
/// Each writer has an account.
const UNLIMITED: [&str; 4] = ["--register-rate", "off", "--register-rate-total", "off"];

/// Nodes with an empty log, or a server alone. Killed when dropped.
pub(super) struct Room {
    nodes: Vec<ServerProcess>,
    /// The store with which each node begins.
    beginning: Option<TempDir>,
    nats: String,
}

/// Processor time of a room.
#[derive(Debug, Clone, Copy)]
pub(super) struct CpuTime {
    pub(super) nodes: f64,
    pub(super) log: f64,
}

impl Room {
    /// Starts this number of nodes with an empty log; none is a server alone.
    pub(super) fn start(options: &ServerOptions, servers: &mut LogServers, nodes: usize) -> Result<Self> {
        if nodes == 0 {
            let alone = vec![ServerProcess::start(options, &UNLIMITED)?];
            return Ok(Self { nodes: alone, beginning: None, nats: String::new() });
        }
        let beginning = options.directory()?;
        drop(SqliteProjection::create(beginning.path(), servers.empty_log()?)?);
        let mut room = Self { nodes: Vec::new(), beginning: Some(beginning), nats: servers.addresses() };
        for _ in 0..nodes {
            room.nodes.push(room.another(options)?);
        }
        Ok(room)
    }

    /// Starts another node, which has nothing yet.
    pub(super) fn another(&self, options: &ServerOptions) -> Result<ServerProcess> {
        let directory = options.directory()?;
        if let Some(beginning) = &self.beginning {
            fs::copy(beginning.path().join(STORE), directory.path().join(STORE))?;
        }
        let arguments = [&["--nats", &self.nats], &UNLIMITED[..]].concat();
        ServerProcess::start_with(options, directory, &arguments)
    }

    /// Returns the addresses of each node for listeners and for writers.
    pub(super) fn addresses(&self) -> Vec<(SocketAddr, SocketAddr)> {
        self.nodes.iter().map(|node| (node.listen(), node.write())).collect()
    }

    /// Returns the processor time so far.
    pub(super) fn cpu(&self, servers: &LogServers) -> Result<CpuTime> {
        let nodes: Result<f64> = self.nodes.iter().map(|node| process::cpu_seconds(node.pid())).sum();
        Ok(CpuTime { nodes: nodes?, log: if self.beginning.is_some() { servers.cpu_seconds()? } else { 0.0 } })
    }

    /// Returns the largest peaks of memory of a node and of a server of the log.
    pub(super) fn peaks_kib(&self, servers: &LogServers) -> Result<(u64, u64)> {
        let peaks: Result<Vec<u64>> = self.nodes.iter().map(|node| process::peak_kib(node.pid())).collect();
        let log = if self.beginning.is_some() { servers.peak_kib()? } else { 0 };
        Ok((peaks?.into_iter().max().unwrap_or_default(), log))
    }
}
