//! What every scenario asks for: who takes part, how often, and where the rounds are kept.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::descriptors;
use crate::measure::{Contender, Series, interleave};
use crate::peers::{self, Peer};
use crate::results::Results;
use crate::server_process::ServerOptions;

/// The options of all scenarios with peers.
#[derive(Debug, clap::Args)]
pub struct ContestOptions {
    /// How often each takes its turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only these, the first of them being compared with the others
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Keep every round as a line of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    pub server: ServerOptions,
}

/// The peers that were chosen.
pub struct Contest {
    rounds: usize,
    peers: Vec<Box<dyn Peer>>,
    pub results: Results,
}

impl Contest {
    /// Those whom the options name; where they name nobody, those of `usual`, or everybody where that is empty.
    pub fn prepare(options: &ContestOptions, usual: &[&str]) -> Result<Self> {
        // For us and for the servers that we start.
        descriptors::raise()?;
        let usual: Vec<String> = usual.iter().copied().map(str::to_owned).collect();
        let only = if options.only.is_empty() { &usual } else { &options.only };
        let peers = peers::chosen(only, &options.server)?;
        Ok(Self { rounds: options.rounds, peers, results: Results::open(options.json.as_deref())? })
    }

    /// Lets those who can serve so many listeners take turns.
    pub fn run<T>(&self, listeners: usize, round: impl Fn(&dyn Peer) -> Result<T>) -> Vec<Series<T>> {
        let able = self.peers.iter().filter(|peer| listeners <= peer.most_listeners());
        let round = &round;
        interleave(self.rounds, able.map(|peer| Contender::new(peer.name(), move || round(peer.as_ref()))).collect())
    }

    /// Lets the first of the chosen take turns with itself under several conditions.
    pub fn compare<C, T, const N: usize>(
        &self,
        conditions: [(String, C); N],
        round: impl Fn(&dyn Peer, &C) -> Result<T>,
    ) -> Result<Vec<Series<T>>> {
        let peer = self.peers.first().context("nobody takes part")?.as_ref();
        let round = &round;
        let contenders = conditions.map(|(name, condition)| Contender::new(name, move || round(peer, &condition)));
        Ok(interleave(self.rounds, contenders.into()))
    }
}
