//! `chat-server` as a process on free ports with its store on disk, killed when dropped.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Options of scenarios that start `chat-server`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ServerOptions {
    /// Path of chat-server [default: in the directory of this program]
    #[arg(long, value_name = "PATH")]
    chat_server: Option<PathBuf>,
    /// Directory for stores, which should be on a real disk [default: bench-data in the directory of this program]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl ServerOptions {
    /// Returns the path of chat-server.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        workspace_program(self.chat_server.as_deref(), "chat-server")
    }

    /// Returns the same options with another program.
    pub(crate) fn with_program(&self, program: PathBuf) -> Self {
        Self { chat_server: Some(program), data_dir: self.data_dir.clone() }
    }

    /// Creates a directory for a store, removed when it is dropped.
    pub(crate) fn directory(&self) -> Result<TempDir> {
        let parent = match &self.data_dir {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("bench-data"),
        };
        fs::create_dir_all(&parent)?;
        // The server warns of other modes.
        let owner_only = fs::Permissions::from_mode(0o700);
        Ok(tempfile::Builder::new().permissions(owner_only).tempdir_in(&parent)?)
    }
}

/// Returns the path of a program of this workspace: the given one, or the one in the directory of this executable.
pub(crate) fn workspace_program(given: Option<&Path>, name: &str) -> Result<PathBuf> {
    let program = match given {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()?.with_file_name(name),
    };
    ensure!(program.is_file(), "could not find {}: run `cargo build --release` or pass --{name}", program.display());
    Ok(program)
}

/// A running server.
pub(crate) struct ServerProcess {
    child: Child,
    listen: SocketAddr,
    write: SocketAddr,
    tls_listen: Option<SocketAddr>,
    directory: Option<TempDir>,
    /// Kept open, so that the server can write to its standard output.
    _output: BufReader<ChildStdout>,
}

impl ServerProcess {
    /// Starts the server with an empty store.
    pub(crate) fn start(options: &ServerOptions, arguments: &[&str]) -> Result<Self> {
        Self::start_with(options, options.directory()?, arguments)
    }

    /// Starts the server with the store in `directory`, which is removed with it.
    pub(crate) fn start_with(options: &ServerOptions, directory: TempDir, arguments: &[&str]) -> Result<Self> {
        let mut server = Self::start_in(options, directory.path(), arguments)?;
        server.directory = Some(directory);
        Ok(server)
    }

    /// Starts the server with the store in `directory`, which is kept.
    pub(crate) fn start_in(options: &ServerOptions, directory: &Path, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(options.program()?);
        for port in ["--listen", "--write"] {
            if !arguments.contains(&port) {
                command.args([port, "127.0.0.1:0"]);
            }
        }
        command.arg("--data-dir").arg(directory);
        // The bench measures what the server can do, not what it allows.
        for rate in ["--post-rate", "--post-bytes", "--address-bytes"] {
            if !arguments.contains(&rate) {
                command.args([rate, "off"]);
            }
        }
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("could not start chat-server")?;
        let mut output = BufReader::new(child.stdout.take().context("no pipe to chat-server")?);
        let mut ready = String::new();
        output.read_line(&mut ready)?;
        match addresses(&ready) {
            Some((listen, write)) => {
                let tls_listen = ready.split_ascii_whitespace().find_map(|word| word.strip_prefix("tls-listen="));
                let tls_listen = tls_listen.and_then(|address| address.parse().ok());
                Ok(Self { child, listen, write, tls_listen, directory: None, _output: output })
            }
            None => {
                let _ = child.kill();
                let _ = child.wait();
                anyhow::bail!("chat-server ended before it was ready")
            }
        }
    }

    /// Stops the server with SIGTERM, so that it drains and closes its store, and waits for its end.
    pub(crate) fn stop(mut self) -> Result<()> {
        let process = Pid::from_child(&self.child);
        kill_process(process, Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "chat-server did not shut down cleanly: {status}");
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Returns the address for listeners over TLS, if it has one.
    pub(crate) fn tls_listen(&self) -> Option<SocketAddr> {
        self.tls_listen
    }

    pub(crate) fn write(&self) -> SocketAddr {
        self.write
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Only after the end of the process, which uses the directory.
        drop(self.directory.take());
    }
}

/// Parses the addresses of `ready listen=… write=…`; further fields may follow.
fn addresses(ready: &str) -> Option<(SocketAddr, SocketAddr)> {
    let mut words = ready.trim_end().strip_prefix("ready ")?.split(' ');
    let listen = words.next()?.strip_prefix("listen=")?.parse().ok()?;
    let write = words.next()?.strip_prefix("write=")?.parse().ok()?;
    Some((listen, write))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_ready_line() {
        let (listen, write) = addresses("ready listen=127.0.0.1:5000 write=[::1]:5050 more=1\n").unwrap();
        assert_eq!((listen.port(), write.port()), (5000, 5050));
        assert_eq!(addresses("ready soon"), None);
    }
}
