//! The common part of all scenarios with peers: selection, rounds, results.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::descriptors;
use crate::measure::{Contender, Series, interleave};
use crate::peers::{self, Peer};
use crate::results::Results;
use crate::server_process::ServerOptions;

/// Options of all scenarios with servers.
#[derive(Debug, clap::Args)]
pub(crate) struct RunOptions {
    /// Rounds of each server
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Write every round as a line of JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

/// Options of all scenarios with peers.
#[derive(Debug, clap::Args)]
pub(crate) struct ComparisonOptions {
    /// Measure only these peers; the first one is compared with the others
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    #[command(flatten)]
    run: RunOptions,
}

/// The selected peers and the file of results.
pub(crate) struct Comparison {
    rounds: usize,
    peers: Vec<Box<dyn Peer>>,
    pub(crate) results: Results,
}

impl Comparison {
    /// Selects the peers that the options name, otherwise those of `defaults`; all peers if that is empty.
    pub(crate) fn prepare(options: &ComparisonOptions, defaults: &[&str]) -> Result<Self> {
        // For this process and the servers that inherit the limit.
        descriptors::raise()?;
        let defaults: Vec<String> = defaults.iter().copied().map(str::to_owned).collect();
        let only = if options.only.is_empty() { &defaults } else { &options.only };
        let peers = peers::select(only, &options.run.server)?;
        Ok(Self { rounds: options.run.rounds, peers, results: Results::open(options.run.json.as_deref())? })
    }

    /// Measures the peers that support this number of listeners, round by round.
    pub(crate) fn run<T>(&self, listeners: usize, round: impl Fn(&dyn Peer) -> Result<T>) -> Vec<Series<T>> {
        let able = self.peers.iter().filter(|peer| listeners <= peer.max_listeners());
        let round = &round;
        interleave(self.rounds, able.map(|peer| Contender::new(peer.name(), move || round(peer.as_ref()))).collect())
    }

    /// Measures the first peer under several conditions, round by round.
    pub(crate) fn compare<C, T, const N: usize>(
        &self,
        conditions: [(String, C); N],
        round: impl Fn(&dyn Peer, &C) -> Result<T>,
    ) -> Result<Vec<Series<T>>> {
        let peer = self.peers.first().context("no peer is selected")?.as_ref();
        let round = &round;
        let contenders = conditions.map(|(name, condition)| Contender::new(name, move || round(peer, &condition)));
        Ok(interleave(self.rounds, contenders.into()))
    }
}
