//! The programs that send one message.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

const IN_C: &str = include_str!("../../peers/send.c");
const IN_PYTHON: &str = include_str!("../../peers/writer.py");
const TOKEN: &str = "9a08f44c-c541-41eb-8c47-0242ac110002";
const TEXT: &str = "a message of an ordinary day, some sixty bytes long";

/// The programs; ours is first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Chat,
    /// `true`: the cost of starting and ending any program.
    Nothing,
    InC,
    Asyncio,
}

/// Paths of our program, the token file and the scripts.
pub(crate) struct ProgramFiles {
    chat: PathBuf,
    directory: TempDir,
    /// The error of the C compiler, if any.
    not_compiled: Option<String>,
}

impl ProgramFiles {
    pub(crate) fn new(chat: PathBuf) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join("writer.py"), IN_PYTHON)?;
        fs::write(directory.path().join("send.c"), IN_C)?;
        fs::write(directory.path().join("token"), TOKEN)?;
        let mut files = Self { chat, directory, not_compiled: None };
        files.not_compiled = files.compile().err().map(|error| format!("{error:#}"));
        Ok(files)
    }

    fn compile(&self) -> Result<()> {
        let mut command = Command::new("cc");
        command.current_dir(self.directory.path()).args(["-O2", "-o", "send", "send.c"]);
        ensure!(command.status().context("could not run cc")?.success(), "send.c could not be compiled");
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Program {
    pub(crate) const ALL: [Self; 4] = [Self::Chat, Self::Nothing, Self::InC, Self::Asyncio];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat send",
            Self::Nothing => "true",
            Self::InC => "C",
            Self::Asyncio => "asyncio",
        }
    }

    /// Returns whether the program connects to the server.
    pub(crate) fn connects(self) -> bool {
        self != Self::Nothing
    }

    /// Returns the command that posts one message to this port.
    pub(crate) fn command(self, files: &ProgramFiles, port: u16) -> Result<Command> {
        let port = port.to_string();
        let mut command = match self {
            Self::Chat => {
                let mut command = Command::new(&files.chat);
                command.args(["send", "--write-port", &port, "-m", TEXT, "--token-file"]).arg(files.path("token"));
                for name in ["CHAT_DATA_DIR", "CHAT_CONFIG_DIR"] {
                    command.env(name, files.path("own"));
                }
                command
            }
            Self::Nothing => Command::new("true"),
            Self::InC => {
                if let Some(why) = &files.not_compiled {
                    anyhow::bail!("{why}");
                }
                let mut command = Command::new(files.path("send"));
                command.args([&port, TOKEN, TEXT]);
                command
            }
            Self::Asyncio => {
                let mut command = Command::new("python3");
                command.arg(files.path("writer.py")).args(["127.0.0.1", &port, TOKEN, TEXT]);
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command)
    }
}
