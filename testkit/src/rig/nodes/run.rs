//! One run with several nodes, from the first process to the result table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use chat_client::{Nickname, register};
use tokio::time::sleep;

use super::accounts::{self, AccountCheck};
use super::clock::FakeClock;
use super::node_plan::{ClientFault, LogFault, NodeFault, NodePlan};
use super::room::NodeRoom;
use super::stores;
use crate::fault::FaultProfile;
use crate::rig::final_check::{LoosePosts, check_run, read_history};
use crate::rig::ledger::Ledger;
use crate::rig::options::Options;
use crate::rig::process_set::ProcessSet;
use crate::rig::table::Table;
use crate::rig::timeouts::GUARD;

/// Time between two progress lines on standard error.
const PROGRESS: Duration = Duration::from_secs(10);

/// How long a writer waits for each answer: longer than what nodes need to find another server of the log.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_500);

/// How soon after the last fault all nodes must be ready.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// A fault that lasts.
struct Ongoing<F> {
    fault: F,
    until: Instant,
    pause: Duration,
}

struct NodeRig {
    options: Options,
    ledger: Arc<Ledger>,
    room: NodeRoom,
    clients: ProcessSet,
    nicks: Vec<Vec<String>>,
    accounts: AccountCheck,
    plan: NodePlan,
    injected: BTreeMap<&'static str, u64>,
    node_fault: Option<Ongoing<NodeFault>>,
    log_fault: Option<Ongoing<LogFault>>,
    /// When the next ones may begin.
    next_node: Instant,
    next_log: Instant,
    next_account: Instant,
    revoked: bool,
}

/// Runs the rig and prints its table.
///
/// # Errors
/// The rig itself cannot continue. A violation is not an error: it is printed and gives a failure exit code.
pub(in crate::rig) async fn run(options: Options) -> Result<ExitCode> {
    let temporary = tempfile::tempdir()?;
    let dir = options.keep.clone().unwrap_or_else(|| temporary.path().to_owned());
    let began = Instant::now();
    let mut rig = NodeRig::start(options, dir).await?;
    rig.inject_faults().await?;
    let (table, notes) = rig.finish(began).await?;
    print!("{table}");
    for note in notes {
        println!("{note}");
    }
    let good = table.violations.is_empty();
    if !good {
        println!("replay with --seed {}", table.seed);
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl NodeRig {
    async fn start(options: Options, dir: PathBuf) -> Result<Self> {
        let (seed, writers, listeners, nodes) = (options.seed, options.writers, options.listeners, options.nodes);
        ensure!(writers > 0 && listeners > 0 && nodes > 1, "several nodes, and at least one writer and one listener");
        let own = std::env::current_exe()?;
        let programs = options.programs.clone().or_else(|| own.parent().map(Path::to_owned)).context("no directory")?;
        ensure!(
            programs.join("chat-server").is_file(),
            "there is no chat-server in {}: build it, or pass --programs",
            programs.display()
        );
        // Two more writers: the guest that is revoked, and the rig, which posts at the beginning and at the end.
        let ledger = Arc::new(Ledger::new(writers + 2, listeners));
        let room = NodeRoom::start(&dir, &programs, nodes, seed).await?;
        let mut clients = ProcessSet::new(seed, Arc::clone(&ledger), dir.clone(), dir);
        clients.answer_within = ANSWER_WITHIN;
        let mut nicks = Vec::new();
        for writer in 0..writers + 2 {
            let account =
                register(&room.nodes[writer % nodes].direct(), Nickname::new(&format!("writer {writer}"))?).await?;
            clients.tokens.push(account.token.expose().to_owned());
            nicks.push(vec![account.nickname.to_string()]);
        }
        let (accounts, plan) = (AccountCheck::new(&ledger), NodePlan::new(seed, nodes, writers, listeners));
        let now = Instant::now();
        ledger.lock().muted.insert(writers);
        let mut rig = Self {
            options,
            ledger,
            room,
            clients,
            nicks,
            accounts,
            plan,
            injected: BTreeMap::new(),
            node_fault: None,
            log_fault: None,
            next_node: now,
            next_log: now,
            next_account: now,
            revoked: false,
        };
        rig.clients.stream = rig.post(0, 0).await?.0;
        rig.clients.start(&rig.room, writers, listeners).await?;
        Ok(rig)
    }

    /// Posts a message of the rig itself at one node. Returns its stream and sequence number.
    async fn post(&self, node: usize, number: u64) -> Result<(String, u64)> {
        let own = self.options.writers + 1;
        self.clients.post_directly(self.room.nodes[node].direct(), own, number).await
    }

    async fn inject_faults(&mut self) -> Result<()> {
        let (began, mut printed) = (Instant::now(), Instant::now());
        loop {
            let (wait, fault) = self.plan.client();
            sleep(wait).await;
            let (faults, confirmed) = (self.faults().values().sum::<u64>(), self.ledger.lock().confirmed);
            if printed.elapsed() >= PROGRESS {
                printed = Instant::now();
                let on_processes: u64 = self.injected.values().sum();
                let seconds = began.elapsed().as_secs_f64();
                eprintln!("{seconds:>6.0} s  {on_processes} of {faults} faults on processes  {confirmed} messages");
            }
            let out_of_time = self.options.minutes.is_some_and(|most| began.elapsed().as_secs_f64() >= most * 60.0);
            if out_of_time || (faults >= self.options.faults && confirmed >= self.options.messages) {
                return Ok(());
            }
            match fault {
                ClientFault::KillWriter(writer) => self.clients.replace_writer(&self.room, writer).await?,
                ClientFault::KillListener(listener) => self.clients.replace_listener(&self.room, listener).await?,
            }
            self.count(fault.name());
            self.step_node().await?;
            self.step_log().await?;
            self.step_accounts().await;
            self.replace_exited().await?;
        }
    }

    fn count(&mut self, name: &'static str) {
        *self.injected.entry(name).or_default() += 1;
    }

    async fn step_node(&mut self) -> Result<()> {
        let now = Instant::now();
        match self.node_fault.take() {
            Some(ongoing) if now >= ongoing.until => {
                self.room.end_node(ongoing.fault, &mut self.plan)?;
                self.next_node = now + ongoing.pause;
            }
            None if now >= self.next_node => {
                let (fault, lasts, pause) = self.plan.node();
                if self.room.begin_node(fault, &mut self.plan).await? {
                    self.count(fault.name());
                    self.node_fault = Some(Ongoing { fault, until: Instant::now() + lasts, pause });
                }
            }
            ongoing => self.node_fault = ongoing,
        }
        Ok(())
    }

    async fn step_log(&mut self) -> Result<()> {
        let now = Instant::now();
        match self.log_fault.take() {
            Some(ongoing) if now >= ongoing.until => {
                self.room.end_log(ongoing.fault).await?;
                self.next_log = Instant::now() + ongoing.pause;
            }
            None if now >= self.next_log => {
                let (fault, lasts, pause) = self.plan.log();
                if self.room.begin_log(fault, &mut self.plan).await? {
                    self.count(fault.name());
                    self.log_fault = Some(Ongoing { fault, until: Instant::now() + lasts, pause });
                }
            }
            ongoing => self.log_fault = ongoing,
        }
        Ok(())
    }

    /// Registers twins, and revokes or restores the guest, about once a second.
    async fn step_accounts(&mut self) {
        if Instant::now() < self.next_account {
            return;
        }
        self.next_account = Instant::now() + Duration::from_millis(self.plan.rng().u64(300..1_500));
        let nodes = self.room.nodes.len();
        let node = self.plan.rng().usize(..nodes);
        let ports = [node, (node + 1) % nodes].map(|node| self.room.nodes[node].ports().1);
        let name = format!("twin {}", self.plan.rng().u32(..40));
        tokio::spawn(self.accounts.clone().twins(name, ports));
        self.count("twins registered");
        let act = if self.revoked { "restore" } else { "revoke" };
        let guest = &self.nicks[self.options.writers][0];
        // Around the action, at every node: none of them may be stored behind it.
        for node in &self.room.nodes {
            let port = node.ports().1;
            self.accounts.post_of_guest(self.options.seed, self.options.writers, &self.clients.tokens, port);
        }
        let acted = tokio::time::timeout(Duration::from_secs(2), self.room.nodes[node].admin(&[act, guest])).await;
        if matches!(acted, Ok(Ok(_))) {
            self.revoked = !self.revoked;
            self.count(if self.revoked { "guest revoked" } else { "guest restored" });
        }
    }

    /// Replaces processes that have exited although they were not killed, and reports each as a violation.
    async fn replace_exited(&mut self) -> Result<()> {
        let mut exited = self.clients.replace_exited(&self.room).await?;
        exited.extend(self.room.restart_ended()?.into_iter().map(|node| format!("node {node}")));
        for name in exited {
            self.ledger.lock().report_unexpected(format!("{name} exited without being killed"));
        }
        Ok(())
    }

    fn faults(&self) -> BTreeMap<&'static str, u64> {
        let mut faults = self.injected.clone();
        let proxies = self.room.nodes.iter().flat_map(|node| node.proxies());
        for (kind, count) in proxies.flat_map(|proxy| proxy.faults()) {
            *faults.entry(kind.name()).or_default() += count;
        }
        faults
    }

    /// Stops the faults, waits until all messages have arrived, and checks the run.
    async fn finish(mut self, began: Instant) -> Result<(Table, Vec<String>)> {
        let (faults, took) = (self.faults(), began.elapsed());
        if let Some(ongoing) = self.node_fault.take() {
            self.room.end_node(ongoing.fault, &mut self.plan)?;
        }
        if let Some(ongoing) = self.log_fault.take() {
            self.room.end_log(ongoing.fault).await?;
        }
        for proxy in self.room.nodes.iter().flat_map(|node| node.proxies()) {
            proxy.set_profile(FaultProfile { percent: 0, ..FaultProfile::default() });
            proxy.cut_all();
        }
        let back = self.room.ready().await?;
        self.clients.stop_writers().await;
        self.clients.wait_until("writers", |clients, state| clients.writers_are_idle(state)).await?;
        let mut head = 0;
        for node in 0..self.room.nodes.len() {
            head = self.post(node, node as u64 + 1).await?.1;
        }
        self.clients.wait_until("listeners", |_, state| state.listeners.iter().all(|newest| *newest >= head)).await?;
        self.clients.end_listeners().await?;
        let place = self.room.equal_places().await?;
        let mut notes =
            vec![format!("ready {:.1} s after the last fault, at place {place} of the log", back.as_secs_f64())];
        notes.push(format!("{} nicknames of twins, all different", self.accounts.given()));
        for (index, node) in self.room.nodes.iter_mut().enumerate() {
            let [holes, resent, early, repeated] = [
                node.figure("log_holes_total").await?,
                node.figure("batches_resent_total").await?,
                node.figure("batches_early_total").await?,
                node.figure("batches_repeated_total").await?,
            ];
            let peak = node.peak_mib().unwrap_or_default();
            notes.push(format!(
                "node {index}, since its last start: {holes} holes, {resent} batches resent, {early} early, {repeated} \
                 repeated, {peak:.0} MiB"
            ));
            ensure!(node.stop(GUARD).await?, "node {index} does not end");
        }
        let (mut logs, mut hashes, mut broken) = (Vec::new(), Vec::new(), Vec::new());
        for (index, node) in self.room.nodes.iter().enumerate() {
            let store = stores::read(format!("node {index}"), &node.store(), &self.nicks)?;
            logs.push(store.log);
            hashes.push(store.hash);
            broken.extend(store.violations);
        }
        if hashes.iter().any(|hash| *hash != hashes[0]) {
            broken.push(format!("the stores of the nodes differ: {hashes:?}"));
        }
        let stored = logs[0].texts.len();
        for listener in 0..self.options.listeners {
            let path = self.clients.history(listener);
            logs.push(read_history(format!("listener {listener}"), &path, &self.nicks)?);
        }
        let loose = LoosePosts { writer: Some(self.options.writers), texts: accounts::of_twins(&logs[0]) };
        let (summary, mut violations) = check_run(self.options.seed, &self.ledger.lock(), &logs, &loose);
        violations.extend(broken);
        if back > READY_WITHIN {
            violations.push(format!("the nodes were ready only {:.1} s after the last fault", back.as_secs_f64()));
        }
        let skipped =
            if FakeClock::find().is_known() { Vec::new() } else { vec!["clocks (no libfaketime)".to_owned()] };
        let (seed, listeners) = (self.options.seed, logs.len());
        let table =
            Table { seed, took, faults, skipped, listeners, stored, removed: 0, expired: 0, summary, violations };
        Ok((table, notes))
    }
}
