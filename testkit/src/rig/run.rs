//! One run of the rig from its start to its table.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use chat_client::{Nickname, PostId, Text, Token, Writer, register};

use super::child::Process;
use super::ledger::{Ledger, Who};
use super::options::Options;
use super::patience::{GUARD, impatient};
use super::room::Room;
use super::said;
use super::small_disks::SmallDisks;
use super::strikes::{Strike, Strikes};
use super::table::Table;
use super::verdict::{judge, read_history, read_log};

/// How often the rig says on standard error how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

/// How often it looks whether something has happened.
const LOOK: Duration = Duration::from_millis(20);

struct Rig {
    options: Options,
    ledger: Arc<Ledger>,
    dir: PathBuf,
    room: Room,
    disks: SmallDisks,
    tokens: Vec<String>,
    nicks: Vec<String>,
    stream: String,
    writers: Vec<Process>,
    listeners: Vec<Process>,
    strikes: Strikes,
    struck: BTreeMap<&'static str, u64>,
    /// Makes each start of a listener another one.
    starts: u64,
}

/// Runs the rig and prints its table.
///
/// # Errors
/// The rig itself cannot go on. What it finds is not an error but a violation, and a failure code.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let temporary = tempfile::tempdir()?;
    let dir = options.keep.clone().unwrap_or_else(|| temporary.path().to_owned());
    let began = Instant::now();
    let mut rig = Rig::start(options, dir).await?;
    let interrupted = rig.strike().await?;
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
        ensure!(writers > 0 && listeners > 0, "at least one writer and one listener");
        // The rig itself is one writer more.
        let ledger = Arc::new(Ledger::new(writers + 1, listeners));
        let disks = SmallDisks::prepare(&dir)?;
        let room = Room::start(disks.store_dir(), &ledger, seed).await?;
        let mut rig = Self {
            strikes: Strikes::new(seed, writers, listeners),
            options,
            ledger,
            dir,
            room,
            disks,
            tokens: Vec::new(),
            nicks: Vec::new(),
            stream: String::new(),
            writers: Vec::new(),
            listeners: Vec::new(),
            struck: BTreeMap::new(),
            starts: 0,
        };
        rig.register().await?;
        rig.stream = rig.post(0).await?.0;
        for writer in 0..writers {
            let process = rig.start_writer(writer).await?;
            rig.writers.push(process);
        }
        for listener in 0..listeners {
            let process = rig.start_listener(listener)?;
            rig.listeners.push(process);
        }
        Ok(rig)
    }

    async fn register(&mut self) -> anyhow::Result<()> {
        let mut config = impatient(self.room.addresses().1.port(), 0);
        config.answer_timeout = GUARD;
        for writer in 0..=self.options.writers {
            let account = register(&config, Nickname::new(&format!("writer {writer}"))?).await?;
            self.tokens.push(account.token.expose().to_owned());
            self.nicks.push(account.nickname.to_string());
        }
        Ok(())
    }

    /// Posts a message of the rig's own, with nothing between, and returns its place.
    async fn post(&self, number: u64) -> anyhow::Result<(String, u64)> {
        let own = self.options.writers;
        let writer = Writer::start(impatient(self.room.addresses().1.port(), 0), Token::new(&self.tokens[own])?);
        let text = Text::new(&said::text(self.options.seed, own, number))?;
        self.ledger.take(Who::Writer(own), &format!("typing {number}"));
        let delivery = writer.send_as(PostId::new(&said::id(own, number))?, text).await?;
        let place = delivery.await?.position.context("a server without numbers")?;
        self.ledger.take(Who::Writer(own), &format!("confirmed {number} {}", place.seq));
        Ok((place.stream.to_string(), place.seq))
    }

    async fn start_writer(&self, writer: usize) -> anyhow::Result<Process> {
        let dir = if writer == 0 { self.disks.client_dir() } else { self.dir.clone() };
        let arguments = [
            "writer",
            "--writer",
            &writer.to_string(),
            "--seed",
            &self.options.seed.to_string(),
            "--port",
            &self.room.write_port(writer).to_string(),
            "--token",
            &self.tokens[writer],
            "--outbox",
            &dir.join(format!("outbox-{writer}")).display().to_string(),
        ];
        let (mut process, _) = Process::start(Who::Writer(writer), &arguments.map(str::to_owned), &self.ledger)?;
        process.tell(&self.ledger.orders(writer)).await;
        Ok(process)
    }

    fn start_listener(&mut self, listener: usize) -> anyhow::Result<Process> {
        self.starts += 1;
        let arguments = [
            "listener",
            "--seed",
            &(self.options.seed ^ self.starts).to_string(),
            "--port",
            &self.room.listen_port(listener).to_string(),
            "--history",
            &self.history(listener).display().to_string(),
            "--stream",
            &self.stream,
        ];
        Ok(Process::start(Who::Listener(listener), &arguments.map(str::to_owned), &self.ledger)?.0)
    }

    fn history(&self, listener: usize) -> PathBuf {
        let dir = if listener == 0 { self.disks.client_dir() } else { self.dir.clone() };
        dir.join(format!("history-{listener}.txt"))
    }

    /// Lets things happen until there were enough of them; true when somebody asked for the end.
    async fn strike(&mut self) -> anyhow::Result<bool> {
        let began = Instant::now();
        let mut told = Instant::now();
        let mut asked = std::pin::pin!(asked_to_end());
        loop {
            let (wait, strike) = self.strikes.next();
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = &mut asked => return Ok(true),
            }
            let (faults, confirmed) = (self.faults().values().sum::<u64>(), self.ledger.lock().confirmed);
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                eprintln!("{:>6.0} s  {faults} faults  {confirmed} messages", began.elapsed().as_secs_f64());
            }
            let out_of_time = self.options.minutes.is_some_and(|most| began.elapsed().as_secs_f64() >= most * 60.0);
            if out_of_time || (faults >= self.options.faults && confirmed >= self.options.messages) {
                return Ok(false);
            }
            if self.apply(strike).await? {
                *self.struck.entry(strike.name()).or_default() += 1;
            }
            self.find_dead().await?;
        }
    }

    async fn apply(&mut self, strike: Strike) -> anyhow::Result<bool> {
        match strike {
            Strike::KillServer => {
                let clock = self.strikes.clock();
                self.room.restart(clock).await?;
            }
            Strike::KillWriter(writer) => {
                let old = self.writers.remove(writer);
                old.kill().await;
                let new = self.start_writer(writer).await?;
                self.writers.insert(writer, new);
            }
            Strike::KillListener(listener) => {
                let old = self.listeners.remove(listener);
                old.kill().await;
                let new = self.start_listener(listener)?;
                self.listeners.insert(listener, new);
            }
            Strike::FillStore => return Ok(self.disks.fill_store(self.strikes.full_for())),
            Strike::FillHistory => return Ok(self.disks.fill_client(self.strikes.full_for())),
            Strike::Clock(offset) => self.room.set_clock(offset).await,
        }
        Ok(true)
    }

    /// Nobody has to die but those who are killed.
    async fn find_dead(&mut self) -> anyhow::Result<()> {
        let mut dead = Vec::new();
        if self.room.has_died() {
            dead.push("the server".to_owned());
            self.room.restart(0).await?;
        }
        for writer in 0..self.writers.len() {
            if self.writers[writer].has_died() {
                dead.push(format!("writer {writer}"));
                let new = self.start_writer(writer).await?;
                std::mem::replace(&mut self.writers[writer], new).kill().await;
            }
        }
        for listener in 0..self.listeners.len() {
            if self.listeners[listener].has_died() {
                dead.push(format!("listener {listener}"));
                let new = self.start_listener(listener)?;
                std::mem::replace(&mut self.listeners[listener], new).kill().await;
            }
        }
        for name in dead {
            self.ledger.lock().odd(format!("{name} died by itself"));
        }
        Ok(())
    }

    fn faults(&self) -> BTreeMap<&'static str, u64> {
        let mut faults = self.struck.clone();
        for (kind, count) in self.room.proxies().flat_map(|proxy| proxy.faults()) {
            *faults.entry(kind.name()).or_default() += count;
        }
        faults
    }

    /// Ends the faults, lets everything come to rest, and judges.
    async fn finish(mut self, began: Instant) -> anyhow::Result<Table> {
        let (faults, took) = (self.faults(), began.elapsed());
        self.room.calm();
        self.disks.free().await;
        for writer in &mut self.writers {
            writer.tell("stop").await;
        }
        let writers = self.options.writers;
        self.rest("writers", |state| state.writers[..writers].iter().all(|typed| typed.idle)).await?;
        let (_, head) = self.post(1).await?;
        self.rest("listeners", |state| state.listeners.iter().all(|place| *place >= head)).await?;
        for (listener, mut process) in std::mem::take(&mut self.listeners).into_iter().enumerate() {
            // A history is whole whether or not its listener could end in order.
            if listener % 2 == 0 {
                process.kill().await;
            } else {
                process.tell("stop").await;
                process.ended().await?;
            }
        }
        let stream = chat_client::StreamId::new(&self.stream)?;
        let mut heard = vec![read_log(self.room.addresses().0, &stream, head, &self.nicks).await?];
        for listener in 0..self.options.listeners {
            heard.push(read_history(format!("listener {listener}"), &self.history(listener), &self.nicks)?);
        }
        let (summary, violations) = judge(self.options.seed, &self.ledger.lock(), &heard);
        let skipped = self.disks.skipped();
        let (seed, listeners, log) = (self.options.seed, heard.len(), heard[0].texts.len());
        Ok(Table { seed, took, faults, skipped, listeners, log, summary, violations })
    }

    /// Waits until all of a kind are at rest. A guard, not a limit: with faults over this takes
    /// milliseconds.
    async fn rest(&mut self, who: &str, done: impl Fn(&super::ledger::State) -> bool) -> anyhow::Result<()> {
        let began = Instant::now();
        while !done(&self.ledger.lock()) {
            ensure!(began.elapsed() < GUARD, "the {who} do not come to rest");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

/// Somebody wants the program to end: what it has mounted must not stay.
async fn asked_to_end() {
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
