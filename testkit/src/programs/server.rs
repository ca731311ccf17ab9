//! The server under test: a `chat-server` process with its store in files, observed from outside.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

use super::paths::Programs;
use super::peer::GUARD;
use crate::{process, scratch};

/// Time between two polls.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// A running server, killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pid: u32,
    pub(crate) listen: SocketAddr,
    pub(crate) write: SocketAddr,
    metrics: SocketAddr,
    /// Removed when it is dropped; `None` if the directory is the caller's.
    home: Option<TempDir>,
    /// Kept open, so that the server can write to its standard output.
    _out: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a server on free ports. `descriptors` limits its open files.
    pub(crate) async fn start(programs: &Programs, options: &[&str], descriptors: Option<usize>) -> Result<Self> {
        // On tmpfs where there is one: the load is meant for the server, not the disk.
        let home = scratch::dir()?;
        let started = Self::start_in(programs, &home.path().join("store"), options, descriptors).await?;
        Ok(Self { home: Some(home), ..started })
    }

    /// Starts a server with its store in `dir`.
    pub(crate) async fn start_in(
        programs: &Programs,
        dir: &Path,
        options: &[&str],
        descriptors: Option<usize>,
    ) -> Result<Self> {
        let mut command = match descriptors {
            None => Command::new(&programs.server),
            Some(limit) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")]).arg(&programs.server);
                shell
            }
        };
        command.args(["--listen", "127.0.0.1:0", "--write", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
        // The loads are larger than what a room permits; those that test a rate set it.
        for rate in ["--post-rate", "--post-bytes"] {
            if !options.contains(&rate) {
                command.args([rate, "off"]);
            }
        }
        command.arg("--data-dir").arg(dir).args(options).envs(programs.environment());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().context("could not start the server")?;
        let mut out = BufReader::new(child.stdout.take().context("no pipe from the server")?);
        let mut ready = String::new();
        timeout(GUARD, out.read_line(&mut ready)).await.context("the server is not ready after 60 s")??;
        let field = |name: &str| -> Result<SocketAddr> {
            let found = ready.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            Ok(found.with_context(|| format!("no {name} in {ready:?}"))?.parse()?)
        };
        let (listen, write, metrics) = (field("listen")?, field("write")?, field("metrics")?);
        let pid = child.id().context("the server has ended")?;
        Ok(Self { child, pid, listen, write, metrics, home: None, _out: out })
    }

    /// Returns its peak memory in MiB.
    pub(crate) fn peak_mib(&self) -> Result<f64> {
        process::peak_mib(self.pid)
    }

    /// Returns the number of its open file descriptors.
    pub(crate) fn descriptors(&self) -> Result<usize> {
        process::descriptors(self.pid)
    }

    /// Returns the number of file descriptors that it needs without connections.
    pub(crate) async fn idle_descriptors(&self) -> Result<usize> {
        for port in ["listen", "write"] {
            self.wait_for_connections(port, 0).await?;
        }
        // The connection to `/metrics` may still be open, so the lowest of several polls counts.
        let mut lowest = self.descriptors()?;
        for _ in 0..5 {
            sleep(POLL).await;
            lowest = lowest.min(self.descriptors()?);
        }
        Ok(lowest)
    }

    /// Waits until `count` connections are open on a port by its own figures. Returns the last figure.
    pub(crate) async fn wait_for_connections(&self, port: &str, count: usize) -> Result<usize> {
        let began = Instant::now();
        loop {
            let now = self.figure(&format!("connections_open{{port=\"{port}\"}}")).await? as usize;
            if now == count || began.elapsed() > GUARD {
                return Ok(now);
            }
            sleep(POLL).await;
        }
    }

    /// Waits until it has at most `idle` open file descriptors. Returns the last number.
    pub(crate) async fn descriptors_come_back(&self, idle: usize) -> Result<usize> {
        let began = Instant::now();
        loop {
            let now = self.descriptors()?;
            if now <= idle || began.elapsed() > GUARD {
                return Ok(now);
            }
            sleep(POLL).await;
        }
    }

    /// Returns one of its metrics, named without `minechat_`.
    pub(crate) async fn figure(&self, name: &str) -> Result<f64> {
        let mut stream = TcpStream::connect(self.metrics).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n").await?;
        let mut text = String::new();
        timeout(GUARD, stream.read_to_string(&mut text)).await.context("no metrics after 60 s")??;
        let value = text.lines().find_map(|line| line.strip_prefix("minechat_")?.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.with_context(|| format!("no metric {name}"))?.parse()?)
    }

    /// Runs `chat` with these arguments against the server. Returns whether it exits with 0.
    pub(crate) async fn accepts(&self, programs: &Programs, arguments: &[&str]) -> Result<bool> {
        let home = self.home.as_ref().context("a server in a directory of the caller's")?.path();
        let (listen, write) = (self.listen.port().to_string(), self.write.port().to_string());
        let mut command = Command::new(&programs.chat);
        command.args(arguments).env("CHAT_DATA_DIR", home.join("chat")).env("CHAT_CONFIG_DIR", home.join("chat"));
        command.env("CHAT_HOST", "127.0.0.1").env("CHAT_LISTEN_PORT", listen).env("CHAT_WRITE_PORT", write);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        Ok(timeout(GUARD, command.status()).await.context("chat does not end in 60 s")??.success())
    }

    /// Sends SIGKILL, and does not wait for the end.
    pub(crate) fn start_kill(&mut self) {
        let _ = self.child.start_kill();
    }

    /// Sends SIGKILL and waits for the end.
    pub(crate) async fn kill(mut self) -> Result<()> {
        timeout(GUARD, self.child.kill()).await.context("the server does not end after SIGKILL")??;
        Ok(())
    }

    /// Returns whether the process is running.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}
