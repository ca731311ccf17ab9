//! The server under siege: a real process with its store in files, and what can be learnt of it from outside.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

use super::kernel;
use super::peer::GUARD;
use super::programs::Programs;
use crate::scratch;

/// How often something is looked at that takes its time.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// A server that is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    pid: u32,
    pub(super) listen: SocketAddr,
    pub(super) write: SocketAddr,
    metrics: SocketAddr,
    home: TempDir,
    /// Held so that it can be written to.
    _out: BufReader<ChildStdout>,
}

impl Server {
    /// Starts one with these options on free ports, with at most so many descriptors if that is said.
    pub(super) async fn start(programs: &Programs, options: &[&str], descriptors: Option<usize>) -> Result<Self> {
        // In memory where there is such a place: it is the server that is under siege, not the disk.
        let home = scratch::dir()?;
        let mut command = match descriptors {
            None => Command::new(&programs.server),
            Some(limit) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")]).arg(&programs.server);
                shell
            }
        };
        command.args(["--listen", "127.0.0.1:0", "--write", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(home.path().join("store")).args(options);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().context("cannot start the server")?;
        let mut out = BufReader::new(child.stdout.take().context("no pipe")?);
        let mut ready = String::new();
        timeout(GUARD, out.read_line(&mut ready)).await.context("the server hangs")??;
        let field = |name: &str| -> Result<SocketAddr> {
            let found = ready.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            Ok(found.with_context(|| format!("no {name} in {ready:?}"))?.parse()?)
        };
        let (listen, write, metrics) = (field("listen")?, field("write")?, field("metrics")?);
        let pid = child.id().context("the server has ended")?;
        Ok(Self { child, pid, listen, write, metrics, home, _out: out })
    }

    /// The most memory it ever had, in MiB.
    pub(super) fn peak_mib(&self) -> Result<f64> {
        kernel::peak_mib(self.pid)
    }

    /// The descriptors that it has open.
    pub(super) fn descriptors(&self) -> Result<usize> {
        kernel::descriptors(self.pid)
    }

    /// The descriptors that it needs when nobody is connected.
    pub(super) async fn idle_descriptors(&self) -> Result<usize> {
        for port in ["listen", "write"] {
            self.wait_for_connections(port, 0).await?;
        }
        // The connection that asked goes too; what is lowest is what is needed.
        let mut lowest = self.descriptors()?;
        for _ in 0..5 {
            sleep(LOOK).await;
            lowest = lowest.min(self.descriptors()?);
        }
        Ok(lowest)
    }

    /// Waits until so many connections are open on a port, by its own count; returns how many are in the end.
    pub(super) async fn wait_for_connections(&self, port: &str, count: usize) -> Result<usize> {
        let began = Instant::now();
        loop {
            let now = self.figure(&format!("connections_open{{port=\"{port}\"}}")).await? as usize;
            if now == count || began.elapsed() > GUARD {
                return Ok(now);
            }
            sleep(LOOK).await;
        }
    }

    /// Waits until it has no more descriptors than `idle`; returns how many it has in the end.
    pub(super) async fn descriptors_come_back(&self, idle: usize) -> Result<usize> {
        let began = Instant::now();
        loop {
            let now = self.descriptors()?;
            if now <= idle || began.elapsed() > GUARD {
                return Ok(now);
            }
            sleep(LOOK).await;
        }
    }

    /// One of its figures, named without `minechat_`.
    pub(super) async fn figure(&self, name: &str) -> Result<f64> {
        let mut stream = TcpStream::connect(self.metrics).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n").await?;
        let mut text = String::new();
        timeout(GUARD, stream.read_to_string(&mut text)).await.context("the figures hang")??;
        let value = text.lines().find_map(|line| line.strip_prefix("minechat_")?.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.with_context(|| format!("no figure {name}"))?.parse()?)
    }

    /// Whether the real `chat ping`, `chat send` and so on can do this here: its exit code is 0.
    pub(super) async fn takes(&self, programs: &Programs, words: &[&str]) -> Result<bool> {
        let home = self.home.path();
        let (listen, write) = (self.listen.port().to_string(), self.write.port().to_string());
        let mut command = Command::new(&programs.chat);
        command.args(words).env("CHAT_DATA_DIR", home.join("chat")).env("CHAT_CONFIG_DIR", home.join("chat"));
        command.env("CHAT_HOST", "127.0.0.1").env("CHAT_LISTEN_PORT", listen).env("CHAT_WRITE_PORT", write);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        Ok(timeout(GUARD, command.status()).await.context("chat hangs")??.success())
    }

    /// Whether it still runs.
    pub(super) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}
