//! One run of the rig, from the first process to the result table.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use chat_client::{Nickname, StreamId, Token, register};

use super::fault_plan::{FaultPlan, OperatorAct, RigFault};
use super::final_check::{LoosePosts, add_expired, check_run, read_history, read_log};
use super::ledger::Ledger;
use super::nodes;
use super::operator::{Guest, Operator, Room};
use super::options::Options;
use super::post_text;
use super::process_set::ProcessSet;
use super::proxied_server::ProxiedServer;
use super::small_disks::SmallDisks;
use super::table::Table;
use super::timeouts::{GUARD, client_config};

/// Time between two progress lines on standard error.
const PROGRESS: Duration = Duration::from_secs(10);

/// More than a message of the rig occupies in the store, on average.
const MESSAGE_BYTES: u64 = 1_000;

struct Rig {
    options: Options,
    ledger: Arc<Ledger>,
    server: ProxiedServer,
    disks: SmallDisks,
    /// All nicknames that each writer has had.
    nicks: Vec<Vec<String>>,
    clients: ProcessSet,
    operator: Operator,
    plan: FaultPlan,
    injected: BTreeMap<&'static str, u64>,
}

/// Runs the rig and prints its table.
///
/// # Errors
/// The rig itself cannot continue. A violation is not an error: it is printed and gives a failure exit code.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    if options.nodes > 0 {
        return nodes::run(options).await;
    }
    let temporary = tempfile::tempdir()?;
    let dir = options.keep.clone().unwrap_or_else(|| temporary.path().to_owned());
    let began = Instant::now();
    let mut rig = Rig::start(options, dir).await?;
    let interrupted = rig.inject_faults().await?;
    let table = rig.finish(began).await?;
    print!("{table}");
    let good = table.violations.is_empty();
    if !good {
        println!("replay with --seed {}", table.seed);
    }
    Ok(if good && !interrupted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Rig {
    async fn start(options: Options, dir: PathBuf) -> anyhow::Result<Self> {
        let (seed, writers, listeners) = (options.seed, options.writers, options.listeners);
        ensure!(writers > 0 && listeners > 0, "--writers and --listeners must be at least 1");
        // Two more writers: the guest of the operator, and the rig, which posts a message at the beginning and at the end.
        let ledger = Arc::new(Ledger::new(writers + 2, listeners));
        let disks = SmallDisks::prepare(&dir, options.power_cuts)?;
        let server = ProxiedServer::start(disks.store_dir(), options.retain, &ledger, seed).await?;
        let (tokens, nicks) = register_all(&server, writers + 2).await?;
        let guest = Guest { writer: writers, nick: nicks[writers][0].clone(), token: Token::new(&tokens[writers])? };
        let operator = Operator::new(disks.store_dir(), seed, &ledger, guest);
        let mut clients = ProcessSet::new(seed, Arc::clone(&ledger), dir, disks.client_dir());
        let plan = FaultPlan::new(seed, writers, listeners, options.power_cuts);
        clients.tokens = tokens;
        let injected = BTreeMap::new();
        let mut rig = Self { options, ledger, server, disks, nicks, clients, operator, plan, injected };
        rig.clients.stream = rig.post(0).await?.0;
        rig.clients.start(&rig.server, writers, listeners).await?;
        Ok(rig)
    }

    /// Posts a message of the rig itself, past the proxies. Returns its stream and sequence number.
    async fn post(&self, number: u64) -> anyhow::Result<(String, u64)> {
        let own = self.options.writers + 1;
        let config = client_config(self.server.addresses().1.port(), 0);
        self.clients.post_directly(config, own, number).await
    }

    /// Injects faults until the options are satisfied. Returns true when a signal ended it early.
    async fn inject_faults(&mut self) -> anyhow::Result<bool> {
        let began = Instant::now();
        let mut printed = Instant::now();
        let mut signal = std::pin::pin!(termination_signal());
        loop {
            let (wait, fault) = self.plan.next();
            // Both branches are cancel safe: a dropped sleep has no effect, and the signal future is polled again.
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = &mut signal => return Ok(true),
            }
            let (faults, confirmed) = (self.faults().values().sum::<u64>(), self.ledger.lock().confirmed);
            if printed.elapsed() >= PROGRESS {
                printed = Instant::now();
                eprintln!("{:>6.0} s  {faults} faults  {confirmed} messages", began.elapsed().as_secs_f64());
            }
            let out_of_time = self.options.minutes.is_some_and(|most| began.elapsed().as_secs_f64() >= most * 60.0);
            if out_of_time || (faults >= self.options.faults && confirmed >= self.options.messages) {
                return Ok(false);
            }
            if self.apply(fault).await? {
                *self.injected.entry(fault.name()).or_default() += 1;
            }
            self.replace_exited().await?;
        }
    }

    /// Applies a fault. Returns false if it was not possible.
    async fn apply(&mut self, fault: RigFault) -> anyhow::Result<bool> {
        match fault {
            RigFault::KillServer => {
                let clock = self.plan.clock();
                self.server.restart(clock).await?;
            }
            RigFault::KillWriter(writer) => self.clients.replace_writer(&self.server, writer).await?,
            RigFault::KillListener(listener) => self.clients.replace_listener(&self.server, listener).await?,
            RigFault::FillStore => return Ok(self.disks.fill_store(self.plan.full_for())),
            RigFault::FillHistory => return Ok(self.disks.fill_client(self.plan.full_for())),
            RigFault::CutClient => {
                let Some(volume) = self.disks.volume() else { return Ok(false) };
                self.clients.cut_first(&self.server, || volume.cut(), || volume.restore_power()).await?;
            }
            RigFault::Operate { act, draw, kill } => return self.operate(act, draw, kill).await,
            RigFault::Clock(offset) => self.server.set_clock(offset).await,
        }
        Ok(true)
    }

    /// Begins an action of the operator, and kills the server at some point of it if asked.
    async fn operate(&mut self, act: OperatorAct, draw: u64, kill: bool) -> anyhow::Result<bool> {
        let begun = self.operator.begin(act, draw, self.room()?).await;
        if begun && kill {
            *self.injected.entry(RigFault::KillServer.name()).or_default() += 1;
            tokio::time::sleep(Duration::from_micros(draw % 4096)).await;
            let clock = self.plan.clock();
            self.server.restart(clock).await?;
        }
        Ok(begun)
    }

    fn room(&self) -> anyhow::Result<Room> {
        let (listen, write) = self.server.addresses();
        let nicks = self.nicks[..self.options.writers].iter().map(|names| names[0].clone()).collect();
        Ok(Room { stream: StreamId::new(&self.clients.stream)?, listen, write, nicks })
    }

    /// Replaces processes that have exited although they were not killed, and reports each as a violation.
    async fn replace_exited(&mut self) -> anyhow::Result<()> {
        let mut exited = Vec::new();
        if self.server.has_exited() {
            exited.push("the server".to_owned());
            self.server.restart(0).await?;
        }
        exited.extend(self.clients.replace_exited(&self.server).await?);
        for name in exited {
            self.ledger.lock().report_unexpected(format!("{name} exited without being killed"));
        }
        Ok(())
    }

    fn faults(&self) -> BTreeMap<&'static str, u64> {
        let mut faults = self.injected.clone();
        for (kind, count) in self.server.proxies().flat_map(|proxy| proxy.faults()) {
            *faults.entry(kind.name()).or_default() += count;
        }
        faults
    }

    /// Stops the faults, waits until all messages have arrived, and checks the run.
    async fn finish(mut self, began: Instant) -> anyhow::Result<Table> {
        let (faults, took) = (self.faults(), began.elapsed());
        self.server.stop_faults();
        self.disks.wait_until_free().await?;
        let room = self.room()?;
        self.operator.finish(room, &self.ledger).await;
        self.clients.stop_writers().await;
        self.clients.wait_until("writers", |clients, state| clients.writers_are_idle(state)).await?;
        let (_, head) = self.post(1).await?;
        self.clients.wait_until("listeners", |_, state| state.listeners.iter().all(|newest| *newest >= head)).await?;
        self.clients.end_listeners().await?;
        let stream = StreamId::new(&self.clients.stream)?;
        let removals = self.ledger.lock().removals();
        let removals = removals.into_iter().map(|(seq, (writer, number))| {
            let text = post_text::text(self.options.seed, writer, number);
            (seq, text)
        });
        let removals = removals.collect();
        let mut log = read_log(self.server.addresses().0, &stream, head, &self.nicks, &removals).await?;
        let (stored, removed, seed) = (log.texts.len(), log.removed.len(), self.options.seed);
        add_expired(seed, &self.ledger.lock(), &mut log);
        let expired = log.expired.len();
        let mut listeners = vec![log];
        for listener in 0..self.options.listeners {
            let mut history =
                read_history(format!("listener {listener}"), &self.clients.history(listener), &self.nicks)?;
            history.told_expired.clone_from(&self.ledger.lock().expired[listener]);
            listeners.push(history);
        }
        let (summary, mut violations) = check_run(seed, &self.ledger.lock(), &listeners, &LoosePosts::default());
        if expired > 0 && stored as u64 * MESSAGE_BYTES < self.options.retain / 2 {
            violations.push(format!("only {stored} messages are left in a store of {} bytes", self.options.retain));
        }
        let (skipped, listeners) = (self.disks.skipped(), listeners.len());
        Ok(Table { seed, took, faults, skipped, listeners, stored, removed, expired, summary, violations })
    }
}

/// Registers accounts. Returns their tokens, and the nicknames of each.
async fn register_all(server: &ProxiedServer, accounts: usize) -> anyhow::Result<(Vec<String>, Vec<Vec<String>>)> {
    let mut config = client_config(server.addresses().1.port(), 0);
    config.answer_timeout = GUARD;
    let (mut tokens, mut nicks) = (Vec::new(), Vec::new());
    for writer in 0..accounts {
        let account = register(&config, Nickname::new(&format!("writer {writer}"))?).await?;
        tokens.push(account.token.expose().to_owned());
        nicks.push(vec![account.nickname.to_string()]);
    }
    Ok((tokens, nicks))
}

/// Resolves on SIGINT or SIGTERM, so that the rig can unmount its disks before it ends.
async fn termination_signal() {
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    // Either branch ends the wait; nothing is lost with the other one.
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
