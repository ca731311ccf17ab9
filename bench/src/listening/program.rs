//! The programs that listen: how each is started, and how long it makes a line.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::source::LINE;
use crate::process;

/// Opens the history for each message, as the original does.
const OPENED_EACH_TIME: &str = include_str!("../../peers/listener.py");
/// Opens it once.
const KEPT_OPEN: &str = include_str!("../../peers/listener_kept_open.py");

/// One of them, ours first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Chat,
    Nc,
    NcTs,
    LinesCodec,
    LinesCodecBuffered,
    AsyncioKeptOpen,
    Asyncio,
}

/// Where our program and the scripts are.
pub struct Place {
    chat: PathBuf,
    scripts: TempDir,
}

impl Place {
    pub fn new(chat: PathBuf) -> Result<Self> {
        let scripts = tempfile::tempdir()?;
        fs::write(scripts.path().join("listener.py"), OPENED_EACH_TIME)?;
        fs::write(scripts.path().join("listener_kept_open.py"), KEPT_OPEN)?;
        Ok(Self { chat, scripts })
    }
}

impl Program {
    pub const ALL: [Self; 7] = [
        Self::Chat,
        Self::Nc,
        Self::NcTs,
        Self::LinesCodec,
        Self::LinesCodecBuffered,
        Self::AsyncioKeptOpen,
        Self::Asyncio,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat listen",
            Self::Nc => "nc to a file",
            Self::NcTs => "nc and ts",
            Self::LinesCodec => "LinesCodec, a write a line",
            Self::LinesCodecBuffered => "LinesCodec, a write a read",
            Self::AsyncioKeptOpen => "asyncio, file kept open",
            Self::Asyncio => "asyncio, opened per message",
        }
    }

    /// By how much less it is given in bulk, so that a round takes seconds and not minutes.
    pub fn bulk_share(self) -> u64 {
        match self {
            Self::Chat | Self::Nc | Self::LinesCodecBuffered => 1,
            Self::NcTs | Self::LinesCodec => 4,
            Self::AsyncioKeptOpen => 20,
            Self::Asyncio => 100,
        }
    }

    /// The lines a second that it keeps up with by far.
    pub fn live_rate(self) -> u32 {
        match self {
            Self::AsyncioKeptOpen => 5_000,
            Self::Asyncio => 1_000,
            _ => u32::MAX,
        }
    }

    /// What so many lines make in its file, in bytes.
    pub fn written(self, lines: u64) -> u64 {
        let stamp = match self {
            Self::Nc => "",
            Self::NcTs => "Jan 14 17:07:00 ",
            _ => "[14.01.26 17:07] ",
        };
        lines * (stamp.len() + LINE.len()) as u64
    }

    /// Starts it on a port of this machine; it writes into `file`, and keeps what else it needs beside that.
    pub fn start(self, place: &Place, port: u16, file: &Path) -> Result<Running> {
        let port = port.to_string();
        let mut running = Running { children: Vec::new() };
        match self {
            Self::Chat => {
                let mut command = Command::new(&place.chat);
                command.args(["listen", "--listen-port", &port, "--history-path"]).arg(file);
                for name in ["CHAT_DATA_DIR", "CHAT_CONFIG_DIR"] {
                    command.env(name, file.with_file_name("own"));
                }
                running.add(&mut command, Stdio::null(), Stdio::null())?;
            }
            Self::Nc => running.add(&mut nc(&port), Stdio::null(), File::create(file)?.into())?,
            Self::NcTs => {
                running.add(&mut nc(&port), Stdio::null(), Stdio::piped())?;
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
                command.arg(place.scripts.path().join(script)).args(["127.0.0.1", &port]).arg(file);
                running.add(&mut command, Stdio::null(), Stdio::null())?;
            }
        }
        Ok(running)
    }
}

fn nc(port: &str) -> Command {
    let mut command = Command::new("nc");
    command.args(["-d", "127.0.0.1", port]);
    command
}

/// A program at work, perhaps a pipe of two. It is killed when it is dropped.
pub struct Running {
    children: Vec<Child>,
}

impl Running {
    fn add(&mut self, command: &mut Command, input: Stdio, output: Stdio) -> Result<()> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(input).stdout(output).stderr(Stdio::null()).spawn();
        self.children.push(child.with_context(|| format!("cannot start {name}"))?);
        Ok(())
    }

    /// Processor seconds of all of it.
    pub fn cpu_seconds(&self) -> Result<f64> {
        self.children.iter().map(|child| process::cpu_seconds(child.id())).sum()
    }

    /// The peaks of all of it, added up.
    pub fn peak_kib(&self) -> Result<u64> {
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
