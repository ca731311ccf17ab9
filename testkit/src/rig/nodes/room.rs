//! The nodes and servers of a run, and what is done to them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chat_server::SqliteProjection;
use chat_server::nats::{NatsOptions, create_log};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::chat_node::ChatNode;
use super::clock::FakeClock;
use super::damage::{damage, remove_copy};
use super::host_network::HostNetwork;
use super::node_plan::{LogFault, NodeFault, NodePlan};
use crate::nats_servers::{NatsPlace, NatsServers};
use crate::rig::disk::Disk;
use crate::rig::doors::Doors;
use crate::rig::timeouts::GUARD;

/// How long a node may take to end in an orderly way before it is killed: its log may be away.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// All nodes and servers. The fields are dropped in this order.
#[derive(Debug)]
pub(super) struct NodeRoom {
    pub(super) nodes: Vec<ChatNode>,
    nats: NatsServers,
    nats_disks: Vec<Disk>,
    /// The servers of NATS come first.
    network: HostNetwork,
    folder: PathBuf,
    /// Which servers were stopped by a fault, and are to be started when it ends.
    down: Vec<usize>,
}

impl NodeRoom {
    /// Starts everything, with an empty room.
    pub(super) async fn start(folder: &Path, programs: &Path, count: usize, seed: u64) -> Result<Self> {
        let network = HostNetwork::create(2 * count)?;
        let places = (0..count).map(|host| NatsPlace { address: network.address(host), prefix: network.prefix(host) });
        let places: Vec<_> = places.collect();
        let mut nats = NatsServers::start_at(&NatsServers::program()?, &places).await?;
        let mut nats_disks = Vec::new();
        for server in 0..count {
            nats.kill(server)?;
            let store = nats.servers()[server].folder().join("jetstream");
            fs::remove_dir_all(&store)?;
            fs::create_dir(&store)?;
            nats_disks.push(Disk::mount(&store)?);
        }
        (0..count).try_for_each(|server| nats.restart(server))?;
        nats.ready().await?;
        let options = NatsOptions::new(nats.addresses());
        let log = created(&options).await?;
        let (mut nodes, clock) = (Vec::new(), FakeClock::find());
        for node in 0..count {
            let (host, of_node) = (count + node, folder.join(format!("node-{node}")));
            let (address, prefix) = (network.address(host), network.prefix(host));
            let (addresses, seed) = (nats.addresses().join(","), seed ^ (100 + 10 * node as u64));
            let program = programs.join("chat-server");
            nodes.push(ChatNode::prepare(&program, address, prefix, addresses, clock.clone(), of_node, seed).await?);
        }
        SqliteProjection::create(nodes[0].store(), log)?;
        for node in &nodes[1..] {
            fs::create_dir(node.store())?;
            fs::copy(nodes[0].store().join("room.db"), node.store().join("room.db"))?;
        }
        let mut room = Self { nodes, nats, nats_disks, network, folder: folder.to_owned(), down: Vec::new() };
        room.nodes.iter_mut().try_for_each(|node| node.start(0))?;
        room.ready().await?;
        Ok(room)
    }

    /// Waits until all nodes are ready for writers.
    pub(super) async fn ready(&mut self) -> Result<Duration> {
        let began = Instant::now();
        for index in 0..self.nodes.len() {
            while !self.nodes[index].is_ready().await {
                ensure!(!self.nodes[index].has_ended(), "node {index} has ended");
                ensure!(began.elapsed() < GUARD, "node {index} does not get ready");
                sleep(LOOK_EVERY).await;
            }
        }
        Ok(began.elapsed())
    }

    /// Waits until all nodes have applied the same.
    pub(super) async fn equal_places(&self) -> Result<u64> {
        let began = Instant::now();
        loop {
            let mut places = Vec::new();
            for node in &self.nodes {
                places.push(node.figure("log_place").await? as u64);
            }
            if places.iter().all(|place| *place == places[0]) {
                return Ok(places[0]);
            }
            ensure!(began.elapsed() < GUARD, "the nodes do not become equal: {places:?}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Returns the indexes of the nodes that have ended by themselves, and starts them again.
    pub(super) fn restart_ended(&mut self) -> Result<Vec<usize>> {
        let mut ended = Vec::new();
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if node.has_ended() {
                node.kill()?;
                node.start(0)?;
                ended.push(index);
            }
        }
        Ok(ended)
    }

    /// Begins a fault of a node. Returns false if it is not possible now.
    pub(super) async fn begin_node(&mut self, fault: NodeFault, plan: &mut NodePlan) -> Result<bool> {
        match fault {
            NodeFault::Kill(node) => self.nodes[node].kill()?,
            NodeFault::Stop(node) => drop(self.nodes[node].stop(STOP_WITHIN).await?),
            NodeFault::Pause(node) => self.nodes[node].signal(Signal::STOP)?,
            NodeFault::FullDisk(node) => return Ok(self.nodes[node].disk.fill()),
            NodeFault::OldCopy(node) => {
                let (store, copy) = (self.nodes[node].store(), self.folder.join(format!("copy-{node}")));
                self.nodes[node].kill()?;
                if copy.exists() {
                    fs::remove_dir_all(&store)?;
                    fs::rename(&copy, &store).or_else(|_| copy_files(&copy, &store))?;
                    let _ = fs::remove_dir_all(&copy);
                } else {
                    copy_files(&store, &copy)?;
                }
            }
            NodeFault::NewCopy(node) => {
                let from = (node + 1 + plan.rng().usize(..self.nodes.len() - 1)) % self.nodes.len();
                let file = self.folder.join("backup.db");
                let _ = fs::remove_file(&file);
                let Some(name) = file.to_str() else { return Ok(false) };
                if self.nodes[from].admin(&["backup", name]).await.is_err() {
                    return Ok(false);
                }
                self.nodes[node].kill()?;
                let store = self.nodes[node].store();
                fs::remove_dir_all(&store)?;
                fs::create_dir(&store)?;
                fs::copy(&file, store.join("room.db"))?;
                let _ = fs::remove_dir_all(self.folder.join(format!("copy-{node}")));
            }
        }
        Ok(true)
    }

    /// Ends a fault of a node.
    pub(super) fn end_node(&mut self, fault: NodeFault, plan: &mut NodePlan) -> Result<()> {
        match fault {
            NodeFault::Pause(node) => self.nodes[node].signal(Signal::CONT),
            NodeFault::FullDisk(node) => self.nodes[node].disk.free(),
            NodeFault::Kill(node) | NodeFault::Stop(node) | NodeFault::OldCopy(node) | NodeFault::NewCopy(node) => {
                self.nodes[node].start(plan.clock())
            }
        }
    }

    /// Begins a fault of NATS or of the network. Returns false if it is not possible now.
    pub(super) async fn begin_log(&mut self, fault: LogFault, plan: &mut NodePlan) -> Result<bool> {
        let count = self.nodes.len();
        let both = |network: &HostNetwork, one: usize, other: usize| {
            network.drop_packets(one, other).and_then(|()| network.drop_packets(other, one))
        };
        match fault {
            LogFault::Kill(server) => self.take_down(server)?,
            LogFault::KillAll => (0..count).try_for_each(|server| self.take_down(server))?,
            LogFault::Stop(server) => {
                self.nats.stop(server).await?;
                self.down.push(server);
            }
            LogFault::Pause(server) => self.nats.pause(server)?,
            LogFault::LameDuck(server) => self.nats.signal(server, Signal::USR2)?,
            LogFault::FullDisk(server) => return Ok(self.nats_disks[server].fill()),
            LogFault::Damage(server, kind) => {
                self.nats.kill(server)?;
                let store = self.nats.servers()[server].folder().join("jetstream");
                let damaged = damage(&store, kind, plan.rng())?;
                self.nats.restart(server)?;
                return Ok(damaged);
            }
            LogFault::Replace(server) => {
                self.take_down(server)?;
                let store = self.nats.servers()[server].folder().join("jetstream");
                for entry in fs::read_dir(&store)? {
                    fs::remove_dir_all(entry?.path())?;
                }
            }
            LogFault::CutOff(server) => {
                (0..2 * count).filter(|host| *host != server).try_for_each(|host| both(&self.network, server, host))?;
            }
            LogFault::CutFromPeers(server) => {
                (0..count).filter(|host| *host != server).try_for_each(|host| both(&self.network, server, host))?;
            }
            LogFault::CutNode(node) => (0..count).try_for_each(|host| both(&self.network, count + node, host))?,
            LogFault::CutPair(node, server) => both(&self.network, count + node, server)?,
            LogFault::OneWay(from, to) => self.network.drop_packets(from, to)?,
        }
        Ok(true)
    }

    /// Ends a fault of NATS or of the network.
    pub(super) async fn end_log(&mut self, fault: LogFault) -> Result<()> {
        match fault {
            LogFault::Kill(_) | LogFault::KillAll | LogFault::Stop(_) => self.bring_up()?,
            LogFault::Pause(server) => self.nats.go_on(server)?,
            LogFault::LameDuck(server) => {
                self.nats.kill(server)?;
                self.nats.restart(server)?;
            }
            LogFault::FullDisk(server) => {
                self.nats_disks[server].free()?;
                // Without a restart it stores nothing any more.
                self.nats.kill(server)?;
                self.nats.restart(server)?;
            }
            // What an operator does about it.
            LogFault::Damage(server, _) => {
                self.nats.kill(server)?;
                remove_copy(&self.nats.servers()[server].folder().join("jetstream"))?;
                self.nats.restart(server)?;
                self.healthy().await?;
            }
            LogFault::Replace(_) => {
                self.bring_up()?;
                self.healthy().await?;
            }
            LogFault::CutOff(_)
            | LogFault::CutFromPeers(_)
            | LogFault::CutNode(_)
            | LogFault::CutPair(..)
            | LogFault::OneWay(..) => self.network.heal(),
        }
        Ok(())
    }

    /// Waits until each server has its copy: another one must not be lost before.
    async fn healthy(&mut self) -> Result<()> {
        self.nats.ready().await.context("NATS does not heal")
    }

    fn take_down(&mut self, server: usize) -> Result<()> {
        self.down.push(server);
        self.nats.kill(server)
    }

    fn bring_up(&mut self) -> Result<()> {
        std::mem::take(&mut self.down).into_iter().try_for_each(|server| self.nats.restart(server))
    }
}

impl Doors for NodeRoom {
    fn listen_ports(&self, _: usize) -> Vec<u16> {
        self.nodes.iter().map(|node| node.ports().0).collect()
    }

    fn write_ports(&self, _: usize) -> Vec<u16> {
        self.nodes.iter().map(|node| node.ports().1).collect()
    }
}

/// Creates the log. NATS may still elect its leaders.
async fn created(options: &NatsOptions) -> Result<chat_server::replication::Generation> {
    let began = Instant::now();
    loop {
        match create_log(options, "chaos").await {
            Ok(log) => return log.generation.context("a log without a generation"),
            Err(error) => ensure!(began.elapsed() < GUARD, "could not create the log: {error}"),
        }
        sleep(LOOK_EVERY).await;
    }
}

fn copy_files(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
