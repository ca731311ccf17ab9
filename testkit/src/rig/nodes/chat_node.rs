//! One node: a `chat-server` process in a network and on a disk of its own, behind proxies whose addresses stay the same.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chat_client::ClientConfig;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::clock::FakeClock;
use crate::fault::FaultProfile;
use crate::process;
use crate::proxy::Proxy;
use crate::rig::disk::Disk;
use crate::rig::timeouts::GUARD;

/// The ports of every node, which has a network of its own.
const LISTEN: u16 = 5000;
const WRITE: u16 = 5050;
const METRICS: u16 = 9090;

/// How long an answer over HTTP may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Time between two looks at a process.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// One node.
#[derive(Debug)]
pub(super) struct ChatNode {
    program: PathBuf,
    address: IpAddr,
    prefix: Vec<OsString>,
    nats: String,
    clock: FakeClock,
    folder: PathBuf,
    pub(super) disk: Disk,
    process: Option<Child>,
    listen: Proxy,
    write: Proxy,
}

impl ChatNode {
    /// Prepares a node in `folder`, which does not exist.
    pub(super) async fn prepare(
        program: &Path,
        address: IpAddr,
        prefix: Vec<OsString>,
        nats: String,
        clock: FakeClock,
        folder: PathBuf,
        seed: u64,
    ) -> Result<Self> {
        fs::create_dir_all(folder.join("disk"))?;
        let disk = Disk::mount(&folder.join("disk"))?;
        let profile = |within| FaultProfile { percent: 100, within, ..FaultProfile::default() };
        let listen = Proxy::start(Some(SocketAddr::new(address, LISTEN)), profile(40_000), seed).await?;
        let write = Proxy::start(Some(SocketAddr::new(address, WRITE)), profile(2_500), seed + 1).await?;
        let program = program.to_owned();
        Ok(Self { program, address, prefix, nats, clock, folder, disk, process: None, listen, write })
    }

    /// Returns the directory of its store.
    pub(super) fn store(&self) -> PathBuf {
        self.folder.join("disk").join("store")
    }

    pub(super) fn proxies(&self) -> [&Proxy; 2] {
        [&self.listen, &self.write]
    }

    /// Returns the ports of the proxies of its listen and its write port.
    pub(super) fn ports(&self) -> (u16, u16) {
        (self.listen.address().port(), self.write.address().port())
    }

    /// Returns the configuration of a client that reaches it past the proxies.
    pub(super) fn direct(&self) -> ClientConfig {
        let mut config = ClientConfig::new(&self.address.to_string());
        (config.listen_port, config.write_port) = (LISTEN, WRITE);
        config.answer_timeout = GUARD;
        config
    }

    /// Starts it with a clock that is off by some seconds. It is ready some time later.
    pub(super) fn start(&mut self, clock: i64) -> Result<()> {
        ensure!(self.process.is_none(), "the node runs");
        let mut command = Command::new(&self.prefix[0]);
        command.args(&self.prefix[1..]).arg(&self.program).arg("--data-dir").arg(self.store());
        for (option, port) in [("--listen", LISTEN), ("--write", WRITE), ("--metrics", METRICS)] {
            command.arg(option).arg(SocketAddr::new(self.address, port).to_string());
        }
        command.arg("--nats").arg(&self.nats);
        for limit in ["--post-rate", "--post-bytes", "--address-bytes", "--register-rate", "--register-rate-total"] {
            command.args([limit, "off"]);
        }
        command.args(["--max-connections-per-address", "16384", "--min-free", "off"]);
        self.clock.set(&mut command, clock);
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.process = Some(command.spawn().context("could not start a node")?);
        Ok(())
    }

    pub(super) fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    /// Ends it in an orderly way, and kills it if that takes too long. Returns whether it has ended by itself.
    pub(super) async fn stop(&mut self, within: Duration) -> Result<bool> {
        self.signal(Signal::TERM)?;
        let deadline = Instant::now() + within;
        while Instant::now() < deadline && !self.has_ended() {
            sleep(LOOK_EVERY).await;
        }
        let ended = self.has_ended();
        self.kill()?;
        Ok(ended)
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        let process = self.process.as_ref().context("the node does not run")?;
        let pid = Pid::from_raw(i32::try_from(process.id())?).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Returns whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| !matches!(process.try_wait(), Ok(None)))
    }

    /// Returns whether it is ready for writers.
    pub(super) async fn is_ready(&self) -> bool {
        self.get("/readyz").await.is_ok_and(|answer| answer.contains(" 200 "))
    }

    /// Returns one of its metrics, named without `minechat_`.
    pub(super) async fn figure(&self, name: &str) -> Result<f64> {
        let text = self.get("/metrics").await?;
        let value = text.lines().find_map(|line| line.strip_prefix("minechat_")?.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.with_context(|| format!("no metric {name}"))?.parse()?)
    }

    /// Returns the peak of its memory in MiB.
    pub(super) fn peak_mib(&self) -> Option<f64> {
        process::peak_mib(self.process.as_ref()?.id()).ok()
    }

    async fn get(&self, path: &str) -> Result<String> {
        let asked = async {
            let mut stream = TcpStream::connect(SocketAddr::new(self.address, METRICS)).await?;
            stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
            let mut text = String::new();
            stream.read_to_string(&mut text).await?;
            std::io::Result::Ok(text)
        };
        Ok(timeout(ANSWER_WITHIN, asked).await??)
    }

    /// Runs an administrator's command on it.
    pub(super) async fn admin(&self, words: &[&str]) -> Result<String> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(["admin", "--data-dir"]).arg(self.store()).args(words).kill_on_drop(true);
        let output = timeout(GUARD, command.output()).await.context("an administrator's command does not end")??;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}", error.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for ChatNode {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
