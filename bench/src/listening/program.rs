//! The programs that write lines from a socket to a file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::source::LINE;
use testkit::process;

/// Opens the history for each message, like the original client.
const OPENED_EACH_TIME: &str = include_str!("../../peers/listener.py");
/// Opens the history once.
const KEPT_OPEN: &str = include_str!("../../peers/listener_kept_open.py");

/// The programs; ours is first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Chat,
    /// The same with a server that numbers its messages.
    ChatNumbered,
    Nc,
    NcTs,
    LinesCodec,
    LinesCodecBuffered,
    AsyncioKeptOpen,
    Asyncio,
}

/// Paths of our program and the scripts, and the installed netcat.
pub(crate) struct ProgramFiles {
    chat: PathBuf,
    scripts: TempDir,
    netcat: Option<Netcat>,
}

impl ProgramFiles {
    pub(crate) fn new(chat: PathBuf) -> Result<Self> {
        let scripts = tempfile::tempdir()?;
        fs::write(scripts.path().join("listener.py"), OPENED_EACH_TIME)?;
        fs::write(scripts.path().join("listener_kept_open.py"), KEPT_OPEN)?;
        Ok(Self { chat, scripts, netcat: Netcat::find() })
    }

    fn netcat(&self, port: &str) -> Result<Command> {
        let netcat =
            self.netcat.as_ref().context("neither netcat-openbsd nor ncat is installed: run bench/install-peers.sh")?;
        let mut command = Command::new(netcat.program);
        command.args([netcat.receive_only, "127.0.0.1", port]);
        Ok(command)
    }
}

impl Program {
    pub(crate) const ALL: [Self; 8] = [
        Self::Chat,
        Self::ChatNumbered,
        Self::Nc,
        Self::NcTs,
        Self::LinesCodec,
        Self::LinesCodecBuffered,
        Self::AsyncioKeptOpen,
        Self::Asyncio,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat listen",
            Self::ChatNumbered => "chat listen, numbered",
            Self::Nc => "nc to a file",
            Self::NcTs => "nc and ts",
            Self::LinesCodec => "LinesCodec, a write a line",
            Self::LinesCodecBuffered => "LinesCodec, a write a read",
            Self::AsyncioKeptOpen => "asyncio, file kept open",
            Self::Asyncio => "asyncio, opened per message",
        }
    }

    /// Returns the divisor for the number of lines in bulk, so that a round of a slow program takes seconds.
    pub(crate) fn bulk_divisor(self) -> u64 {
        match self {
            Self::Chat | Self::ChatNumbered | Self::Nc | Self::LinesCodecBuffered => 1,
            Self::NcTs | Self::LinesCodec => 4,
            Self::AsyncioKeptOpen => 20,
            Self::Asyncio => 100,
        }
    }

    /// Returns a rate of lines per second that the program sustains easily.
    pub(crate) fn live_rate(self) -> u32 {
        match self {
            Self::AsyncioKeptOpen => 5_000,
            Self::Asyncio => 1_000,
            _ => u32::MAX,
        }
    }

    /// Returns the size of its file with this number of lines.
    pub(crate) fn written(self, lines: u64) -> u64 {
        let stamp = match self {
            Self::Nc => "",
            Self::NcTs => "Jan 14 17:07:00 ",
            _ => "[14.01.26 17:07] ",
        };
        lines * (stamp.len() + LINE.len()) as u64
    }

    /// Starts the program with a port of this machine. It writes to `file`; its other files are in the same directory.
    pub(crate) fn start(self, files: &ProgramFiles, port: u16, file: &Path) -> Result<Running> {
        let port = port.to_string();
        let mut running = Running { children: Vec::new() };
        match self {
            Self::Chat | Self::ChatNumbered => {
                let mut command = Command::new(&files.chat);
                command.args(["listen", "--listen-port", &port, "--history-path"]).arg(file);
                for name in ["CHAT_DATA_DIR", "CHAT_CONFIG_DIR"] {
                    command.env(name, file.with_file_name("own"));
                }
                running.add(&mut command, Stdio::null(), Stdio::null())?;
            }
            Self::Nc => running.add(&mut files.netcat(&port)?, Stdio::null(), File::create(file)?.into())?,
            Self::NcTs => {
                running.add(&mut files.netcat(&port)?, Stdio::null(), Stdio::piped())?;
                let lines = running.children[0].stdout.take().context("no pipe from nc")?;
                running.add(&mut Command::new("ts"), lines.into(), File::create(file)?.into())?;
            }
            Self::LinesCodec | Self::LinesCodecBuffered => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["listen-with-lines-codec", &port]).arg(file);
                if self == Self::LinesCodecBuffered {
                    command.arg("--buffered");
                }
                running.add(&mut command, Stdio::null(), Stdio::null())?;
            }
            Self::AsyncioKeptOpen | Self::Asyncio => {
                let script = if self == Self::Asyncio { "listener.py" } else { "listener_kept_open.py" };
                let mut command = Command::new("python3");
                command.arg(files.scripts.path().join(script)).args(["127.0.0.1", &port]).arg(file);
                running.add(&mut command, Stdio::null(), Stdio::null())?;
            }
        }
        Ok(running)
    }
}

/// A netcat that can receive without reading standard input.
struct Netcat {
    program: &'static str,
    receive_only: &'static str,
}

impl Netcat {
    /// Finds the OpenBSD netcat or Ncat. The program `nc` can be either of them, so its help text decides.
    fn find() -> Option<Self> {
        let kinds = [("nc.openbsd", "OpenBSD", "-d"), ("nc", "OpenBSD", "-d"), ("ncat", "Ncat", "--recv-only")];
        let kinds = kinds.into_iter().chain([("nc", "Ncat", "--recv-only")]);
        kinds
            .filter(|(program, name, _)| help_text(program).is_some_and(|text| text.contains(name)))
            .map(|(program, _, receive_only)| Self { program, receive_only })
            .next()
    }
}

fn help_text(program: &str) -> Option<String> {
    let output = Command::new(program).arg("-h").stdin(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// A running program or pipeline, killed when dropped.
pub(crate) struct Running {
    children: Vec<Child>,
}

impl Running {
    fn add(&mut self, command: &mut Command, input: Stdio, output: Stdio) -> Result<()> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(input).stdout(output).stderr(Stdio::null()).spawn();
        self.children.push(child.with_context(|| format!("could not start {name}"))?);
        Ok(())
    }

    /// Returns the CPU seconds of all processes.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        self.children.iter().map(|child| process::cpu_seconds(child.id())).sum()
    }

    /// Returns the sum of the peak memory of all processes in KiB.
    pub(crate) fn peak_kib(&self) -> Result<u64> {
        self.children.iter().map(|child| process::peak_kib(child.id())).sum()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
