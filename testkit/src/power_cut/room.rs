//! One store on a disk of its own, over a number of cuts.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use chat_client::{Listener, ListenerEvent, Position, Resume, StreamId};

use super::cut_check::{Findings, LogReading};
use super::options::Options;
use super::saved_account::SavedAccount;
use super::writer::CutWriter;
use crate::programs::{GUARD, Programs, Server};
use crate::rig::timeouts::client_config;
use crate::volume::Volume;

/// One store and its writers.
pub(super) struct Room<'a> {
    options: &'a Options,
    programs: &'a Programs,
    seed: u64,
    volume: Volume,
    writers: Vec<CutWriter>,
    reading: LogReading,
    rng: fastrand::Rng,
    /// The stream of the first confirmation; a cut must not begin another one.
    stream: Option<StreamId>,
}

impl<'a> Room<'a> {
    /// Creates the disk, starts a server for the first time, and registers the writers. The first cut comes right after
    /// that: accounts are confirmed too, and saved by their client.
    pub(super) async fn create(options: &'a Options, programs: &'a Programs, dir: &Path, seed: u64) -> Result<Self> {
        let volume = Volume::create(dir, options.file_system, options.size)?;
        // With its syncs, in any case: a run without them shall lose messages, not all accounts.
        let honest = Programs { preload: None, ..programs.clone() };
        let server = Server::start_in(&honest, &store(&volume), &[], None).await?;
        let mut writers = Vec::new();
        for number in 0..options.writers {
            writers.push(CutWriter::register(server.write, seed, number).await?);
        }
        let account = SavedAccount::register(&honest, &server, &volume).await?;
        volume.cut()?;
        server.kill().await?;
        volume.restore_power()?;
        let mut reading = LogReading::new(seed, nicknames(&writers));
        if let Some(violation) = account.violation(&honest).await? {
            reading.findings.damaged(&violation);
        }
        let rng = fastrand::Rng::with_seed(seed);
        Ok(Self { options, programs, seed, volume, writers, reading, rng, stream: None })
    }

    /// Posts, cuts the power at a random instant, restores it, and compares.
    pub(super) async fn cut(&mut self) -> Result<()> {
        let mut server = self.start().await?;
        let mut streams = Vec::new();
        for writer in &self.writers {
            match writer.connect(server.write).await {
                Ok(stream) => streams.push(stream),
                Err(error) => {
                    self.reading.findings.damaged(&format!("{} cannot log in: {error}", writer.nickname));
                    return Ok(());
                }
            }
        }
        let load = Duration::from_millis(self.rng.u64(1..=self.options.longest));
        let counters: Vec<_> = self.writers.iter().map(|writer| Arc::clone(&writer.confirmed)).collect();
        let (volume, in_flight) = (&self.volume, self.options.in_flight);
        let before: Vec<u64> = thread::scope(|scope| -> Result<Vec<u64>> {
            let mut threads = Vec::new();
            for (writer, stream) in self.writers.iter_mut().zip(streams) {
                threads.push(scope.spawn(move || writer.post(stream, in_flight)));
            }
            thread::sleep(load);
            let before = counters.iter().map(|counter| counter.load(Ordering::Acquire)).collect();
            let cut = volume.cut();
            server.start_kill();
            for thread in threads {
                thread.join().map_err(|_| anyhow!("a writer panicked"))??;
            }
            cut.map(|()| before)
        })?;
        server.kill().await?;
        self.volume.restore_power()?;
        self.compare(&before).await
    }

    /// Returns the number of messages that were confirmed.
    pub(super) fn confirmed(&self) -> u64 {
        self.writers.iter().map(|writer| writer.confirmations.len() as u64).sum()
    }

    /// Returns whether everything was as confirmed so far.
    pub(super) fn is_intact(&self) -> bool {
        self.reading.findings.total() == 0
    }

    /// Reads the whole log once more from its beginning, and has the store checked.
    pub(super) async fn finish(mut self) -> Result<Findings> {
        let first = std::mem::replace(&mut self.reading, LogReading::new(self.seed, nicknames(&self.writers)));
        let mut findings = first.findings.clone();
        if findings.total() == 0 {
            let stored: Vec<u64> = (0..self.writers.len()).map(|writer| first.stored(writer)).collect();
            self.compare(&stored).await?;
            findings.add(std::mem::take(&mut self.reading.findings));
        }
        let mut check = tokio::process::Command::new(&self.programs.server);
        check.args(["check", "--data-dir"]).arg(store(&self.volume)).stdin(Stdio::null());
        let check = tokio::time::timeout(GUARD, check.output()).await.context("check does not end")??;
        if !check.status.success() {
            findings.damaged(String::from_utf8_lossy(&check.stdout).trim());
        }
        Ok(findings)
    }

    async fn start(&self) -> Result<Server> {
        Server::start_in(self.programs, &store(&self.volume), &[], None).await
    }

    /// Reads what is new in the log and compares it with the confirmations.
    async fn compare(&mut self, before: &[u64]) -> Result<()> {
        let server = self.start().await?;
        if self.stream.is_none() {
            let first = self.writers.iter().find_map(|writer| writer.confirmations.first());
            self.stream = first.map(|first| StreamId::new(&first.stream)).transpose()?;
        }
        let Some(stream) = self.stream.clone() else { return server.kill().await };
        self.read(server.listen.port(), &stream).await?;
        for (number, writer) in self.writers.iter_mut().enumerate() {
            self.reading.compare(number, stream.as_str(), &writer.confirmations, before[number]);
            writer.forget_beyond(self.reading.stored(number));
        }
        server.kill().await
    }

    async fn read(&mut self, port: u16, stream: &StreamId) -> Result<()> {
        let mut config = client_config(port, 0);
        // Only the server's speed counts, not the short times of a rig with faults on its links.
        (config.answer_timeout, config.keepalive) = (GUARD, chat_client::Keepalive::new(GUARD, GUARD));
        config.resume = Resume::after(Position { stream: stream.clone(), seq: self.reading.head });
        let mut listener = Listener::builder(config).start();
        let mut events = Vec::new();
        loop {
            events.clear();
            let count =
                tokio::time::timeout(GUARD, listener.next_batch(&mut events)).await.context("the log stalls")?;
            ensure!(count > 0, "the log ended: {:?}", listener.state().borrow().cause());
            for event in events.drain(..) {
                match event {
                    ListenerEvent::Message(message) => {
                        let seq = message.position.context("a message without a position")?.seq;
                        let nickname = message.sender.as_ref().map_or("", |sender| sender.as_str());
                        self.reading.push(seq, nickname, message.text.as_str());
                    }
                    ListenerEvent::CaughtUp(_) => {
                        listener.close().await;
                        return Ok(());
                    }
                    ListenerEvent::Gap(gap) => {
                        self.reading.findings.damaged(&format!("a gap after number {}: {gap}", self.reading.head));
                    }
                    event => bail!("unexpected: {event:?}"),
                }
            }
        }
    }
}

fn store(volume: &Volume) -> PathBuf {
    volume.path().join("store")
}

fn nicknames(writers: &[CutWriter]) -> Vec<String> {
    writers.iter().map(|writer| writer.nickname.clone()).collect()
}
