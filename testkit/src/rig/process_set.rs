//! The writer and listener processes of a run: starting, killing and replacing them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use chat_client::{ClientConfig, PostId, SendOptions, Text, Token, Writer};
use tokio::time::{Instant, sleep, timeout};

use super::doors::Doors;
use super::ledger::{Ledger, Reporter, State};
use super::post_text;
use super::process::Process;
use super::timeouts::{GUARD, WRITER_ANSWER_TIMEOUT};

/// Time between two looks at the ledger.
const POLL: Duration = Duration::from_millis(20);

/// What a client process needs to know, and the processes themselves.
#[derive(Debug)]
pub(super) struct ProcessSet {
    pub(super) seed: u64,
    pub(super) ledger: Arc<Ledger>,
    /// Directory of all files but those of the first writer and listener.
    pub(super) dir: PathBuf,
    /// Directory of the first writer's and listener's files, on a disk that can be filled.
    pub(super) small_dir: PathBuf,
    pub(super) tokens: Vec<String>,
    /// Stream id of the log.
    pub(super) stream: String,
    /// How long a writer waits for each answer.
    pub(super) answer_within: Duration,
    writers: Vec<Process>,
    listeners: Vec<Process>,
    /// Number of listeners started so far; gives every start a jitter seed of its own.
    starts: u64,
}

impl ProcessSet {
    pub(super) fn new(seed: u64, ledger: Arc<Ledger>, dir: PathBuf, small_dir: PathBuf) -> Self {
        Self {
            seed,
            ledger,
            dir,
            small_dir,
            tokens: Vec::new(),
            stream: String::new(),
            answer_within: WRITER_ANSWER_TIMEOUT,
            writers: Vec::new(),
            listeners: Vec::new(),
            starts: 0,
        }
    }

    pub(super) async fn start(&mut self, server: &impl Doors, writers: usize, listeners: usize) -> anyhow::Result<()> {
        for writer in 0..writers {
            let process = self.start_writer(server, writer).await?;
            self.writers.push(process);
        }
        for listener in 0..listeners {
            let process = self.start_listener(server, listener)?;
            self.listeners.push(process);
        }
        Ok(())
    }

    async fn start_writer(&self, server: &impl Doors, writer: usize) -> anyhow::Result<Process> {
        let arguments = [
            "writer",
            "--writer",
            &writer.to_string(),
            "--seed",
            &self.seed.to_string(),
            "--port",
            &ports_text(&server.write_ports(writer)),
            "--token",
            &self.tokens[writer],
            "--answer-ms",
            &self.answer_within.as_millis().to_string(),
            "--outbox",
            &self.dir_of(writer).join(format!("outbox-{writer}")).display().to_string(),
        ];
        let (mut process, _) = Process::start(Reporter::Writer(writer), &arguments.map(str::to_owned), &self.ledger)?;
        process.send(&self.ledger.resume_line(writer)).await;
        Ok(process)
    }

    fn start_listener(&mut self, server: &impl Doors, listener: usize) -> anyhow::Result<Process> {
        self.starts += 1;
        let arguments = [
            "listener",
            "--seed",
            &(self.seed ^ self.starts).to_string(),
            "--port",
            &ports_text(&server.listen_ports(listener)),
            "--history",
            &self.history(listener).display().to_string(),
            "--stream",
            &self.stream,
        ];
        Ok(Process::start(Reporter::Listener(listener), &arguments.map(str::to_owned), &self.ledger)?.0)
    }

    /// Returns the history file of a listener.
    pub(super) fn history(&self, listener: usize) -> PathBuf {
        self.dir_of(listener).join(format!("history-{listener}.txt"))
    }

    fn dir_of(&self, client: usize) -> &PathBuf {
        if client == 0 { &self.small_dir } else { &self.dir }
    }

    /// Kills a writer and starts its successor. The order matters: the successor resumes from the ledger, which is
    /// complete only after the end of the old process, and the outbox is locked until then.
    pub(super) async fn replace_writer(&mut self, server: &impl Doors, writer: usize) -> anyhow::Result<()> {
        self.writers.remove(writer).kill().await?;
        let new = self.start_writer(server, writer).await?;
        self.writers.insert(writer, new);
        Ok(())
    }

    /// Kills a listener and starts its successor.
    pub(super) async fn replace_listener(&mut self, server: &impl Doors, listener: usize) -> anyhow::Result<()> {
        self.listeners.remove(listener).kill().await?;
        let new = self.start_listener(server, listener)?;
        self.listeners.insert(listener, new);
        Ok(())
    }

    /// Kills the first writer and listener after `cut`, and starts their successors after `restore`.
    pub(super) async fn cut_first(
        &mut self,
        server: &impl Doors,
        cut: impl FnOnce() -> anyhow::Result<()>,
        restore: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        cut()?;
        self.writers.remove(0).kill().await?;
        self.listeners.remove(0).kill().await?;
        restore()?;
        let (writer, listener) = (self.start_writer(server, 0).await?, self.start_listener(server, 0)?);
        self.writers.insert(0, writer);
        self.listeners.insert(0, listener);
        Ok(())
    }

    /// Replaces all processes that have exited although they were not killed. Returns their names.
    pub(super) async fn replace_exited(&mut self, server: &impl Doors) -> anyhow::Result<Vec<String>> {
        let mut exited = Vec::new();
        for writer in 0..self.writers.len() {
            if self.writers[writer].has_exited() {
                exited.push(format!("writer {writer}"));
                self.replace_writer(server, writer).await?;
            }
        }
        for listener in 0..self.listeners.len() {
            if self.listeners[listener].has_exited() {
                exited.push(format!("listener {listener}"));
                self.replace_listener(server, listener).await?;
            }
        }
        Ok(exited)
    }

    /// Asks all writers to stop when nothing is pending.
    pub(super) async fn stop_writers(&mut self) {
        for writer in &mut self.writers {
            writer.send("stop").await;
        }
    }

    /// Returns whether all writers of this set have stopped.
    pub(super) fn writers_are_idle(&self, state: &State) -> bool {
        state.writers[..self.writers.len()].iter().all(|record| record.idle)
    }

    /// Ends all listeners, every second one by SIGKILL: a history must be complete either way.
    pub(super) async fn end_listeners(&mut self) -> anyhow::Result<()> {
        for (listener, mut process) in std::mem::take(&mut self.listeners).into_iter().enumerate() {
            if listener % 2 == 0 {
                process.kill().await?;
            } else {
                process.send("stop").await;
                process.finish().await?;
            }
        }
        Ok(())
    }

    /// Posts a message as one of the writers, past the proxies and without a process. Returns its stream and sequence
    /// number.
    pub(super) async fn post_directly(
        &self,
        config: ClientConfig,
        writer: usize,
        number: u64,
    ) -> anyhow::Result<(String, u64)> {
        let service = Writer::builder(config).token(Token::new(&self.tokens[writer])?).start();
        let text = Text::new(&post_text::text(self.seed, writer, number))?;
        self.ledger.record(Reporter::Writer(writer), &format!("posting {number}"));
        let id = PostId::new(&post_text::id(writer, number))?;
        let delivery = service.send_with(text, SendOptions::with_id(id)).await?;
        let receipt = timeout(GUARD, delivery).await.context("a message of the rig is not confirmed")??;
        let position = receipt.position.context("the server gives no sequence numbers")?;
        self.ledger.record(Reporter::Writer(writer), &format!("confirmed {number} {}", position.seq));
        Ok((position.stream.to_string(), position.seq))
    }

    /// Waits until all processes of a kind are done, which takes milliseconds without faults.
    pub(super) async fn wait_until(&self, kind: &str, done: impl Fn(&Self, &State) -> bool) -> anyhow::Result<()> {
        let began = Instant::now();
        while !done(self, &self.ledger.lock()) {
            ensure!(began.elapsed() < GUARD, "the {kind} are not done after {} s", GUARD.as_secs());
            sleep(POLL).await;
        }
        Ok(())
    }
}

fn ports_text(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",")
}
