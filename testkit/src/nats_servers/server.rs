//! One `nats-server`.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{IpAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// The time between two looks at a server.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long a server may take to end.
const END_WITHIN: Duration = Duration::from_secs(60);

/// How long an answer about its health may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Where a server runs.
#[derive(Debug, Clone)]
pub struct NatsPlace {
    /// The address that it listens on.
    pub address: IpAddr,
    /// What its command line begins with, such as `ip netns exec NAME`.
    pub prefix: Vec<OsString>,
}

/// One server, whether it runs or not.
#[derive(Debug)]
pub struct NatsServer {
    program: PathBuf,
    place: NatsPlace,
    name: String,
    folder: PathBuf,
    /// For clients, for other servers, and for questions about its health.
    ports: [u16; 3],
    process: Option<Child>,
}

impl NatsServer {
    pub(super) fn new(program: &Path, place: NatsPlace, name: String, folder: &Path) -> Result<Self> {
        let folder = folder.join(&name);
        fs::create_dir(&folder)?;
        let ports = ports(&place)?;
        Ok(Self { program: program.to_owned(), place, name, folder, ports, process: None })
    }

    /// Returns its name, which is also that of its folder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its address for clients.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", self.place.address, self.ports[0])
    }

    /// Returns its folder: `nats.conf`, `nats.log`, and below `jetstream` its store.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the process, if it was started.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    pub(super) fn route(&self) -> String {
        format!("nats://{}:{}", self.place.address, self.ports[1])
    }

    pub(super) fn write_config(&self, routes: &[String]) -> Result<()> {
        let Self { place: NatsPlace { address, .. }, name, ports: [client, route, health], .. } = self;
        let mut text = String::new();
        writeln!(text, "server_name: {name}\nlisten: \"{address}:{client}\"\nhttp: \"{address}:{health}\"")?;
        let store = self.folder.join("jetstream");
        writeln!(text, "jetstream {{ store_dir: {store:?}, sync_interval: always, max_file_store: 2GB }}")?;
        // As short as a server takes it: a test waits for all of it.
        writeln!(text, "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"1s\"")?;
        if routes.len() > 1 {
            let routes = routes.join(", ");
            writeln!(text, "cluster {{ name: chat, listen: \"{address}:{route}\", routes: [{routes}] }}")?;
        }
        Ok(fs::write(self.folder.join("nats.conf"), text)?)
    }

    pub(super) fn start(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "{} runs", self.name);
        let mut words = self.place.prefix.iter();
        let mut command = match words.next() {
            Some(first) => Command::new(first),
            None => Command::new(&self.program),
        };
        command.args(words);
        if !self.place.prefix.is_empty() {
            command.arg(&self.program);
        }
        command.arg("--config").arg(self.folder.join("nats.conf"));
        let log = File::options().create(true).append(true).open(self.folder.join("nats.log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.process = Some(command.spawn().with_context(|| format!("could not start {}", self.program.display()))?);
        Ok(())
    }

    pub(super) fn is_started(&self) -> bool {
        self.process.is_some()
    }

    /// Returns whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| !matches!(process.try_wait(), Ok(None)))
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("nats.log")).unwrap_or_default()
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid().with_context(|| format!("{} does not run", self.name))?;
        let pid = Pid::from_raw(i32::try_from(pid)?).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    pub(super) fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().with_context(|| format!("{} does not run", self.name))?;
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    pub(super) async fn end(&mut self, signal: Signal) -> Result<()> {
        self.signal(signal)?;
        let deadline = Instant::now() + END_WITHIN;
        while !self.has_ended() {
            ensure!(Instant::now() < deadline, "{} does not end:\n{}", self.name, self.log());
            sleep(LOOK_EVERY).await;
        }
        self.process = None;
        Ok(())
    }

    pub(super) async fn is_healthy(&self) -> bool {
        let asked = timeout(ANSWER_WITHIN, async {
            let mut stream = TcpStream::connect((self.place.address, self.ports[2])).await?;
            stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            std::io::Result::Ok(answer)
        });
        matches!(asked.await, Ok(Ok(answer)) if answer.split(|byte| *byte == b' ').nth(1) == Some(b"200"))
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        if self.is_started() {
            let _ = self.kill();
        }
    }
}

/// Returns ports that are free. In a network of its own, all of them are.
fn ports(place: &NatsPlace) -> Result<[u16; 3]> {
    if !place.prefix.is_empty() {
        return Ok([4222, 6222, 8222]);
    }
    let bound = [(); 3].map(|()| TcpListener::bind((place.address, 0)));
    let mut ports = [0; 3];
    for (port, bound) in ports.iter_mut().zip(bound) {
        *port = bound?.local_addr()?.port();
    }
    Ok(ports)
}
