//! The programs that send: how each is told its message.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

const IN_C: &str = include_str!("../../peers/send.c");
const IN_PYTHON: &str = include_str!("../../peers/writer.py");
const TOKEN: &str = "9a08f44c-c541-41eb-8c47-0242ac110002";
const TEXT: &str = "a message of an ordinary day, about so many bytes";

/// One of them, ours first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Chat,
    /// What starting and ending any program takes.
    Nothing,
    InC,
    Asyncio,
}

/// Where our program, the token and the scripts are.
pub struct Place {
    chat: PathBuf,
    directory: TempDir,
    /// Why there is no program in C.
    not_compiled: Option<String>,
}

impl Place {
    pub fn new(chat: PathBuf) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join("writer.py"), IN_PYTHON)?;
        fs::write(directory.path().join("send.c"), IN_C)?;
        fs::write(directory.path().join("token"), TOKEN)?;
        let mut place = Self { chat, directory, not_compiled: None };
        place.not_compiled = place.compile().err().map(|error| format!("{error:#}"));
        Ok(place)
    }

    fn compile(&self) -> Result<()> {
        let mut command = Command::new("cc");
        command.current_dir(self.directory.path()).args(["-O2", "-o", "send", "send.c"]);
        ensure!(command.status().context("there is no C compiler")?.success(), "send.c could not be compiled");
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Program {
    pub const ALL: [Self; 4] = [Self::Chat, Self::Nothing, Self::InC, Self::Asyncio];

    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat send",
            Self::Nothing => "true",
            Self::InC => "C",
            Self::Asyncio => "asyncio",
        }
    }

    /// Whether it speaks to the server at all.
    pub fn speaks(self) -> bool {
        self != Self::Nothing
    }

    /// The command that posts one message to this port.
    pub fn command(self, place: &Place, port: u16) -> Result<Command> {
        let port = port.to_string();
        let mut command = match self {
            Self::Chat => {
                let mut command = Command::new(&place.chat);
                command.args(["send", "--write-port", &port, "-m", TEXT, "--token-file"]).arg(place.path("token"));
                for name in ["CHAT_DATA_DIR", "CHAT_CONFIG_DIR"] {
                    command.env(name, place.path("own"));
                }
                command
            }
            Self::Nothing => Command::new("true"),
            Self::InC => {
                if let Some(why) = &place.not_compiled {
                    anyhow::bail!("{why}");
                }
                let mut command = Command::new(place.path("send"));
                command.args([&port, TOKEN, TEXT]);
                command
            }
            Self::Asyncio => {
                let mut command = Command::new("python3");
                command.arg(place.path("writer.py")).args(["127.0.0.1", &port, TOKEN, TEXT]);
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command)
    }
}
