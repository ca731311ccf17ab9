//! The real `chat-server` as a process on free ports, with its store on the disk. It is killed when it is dropped.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Where the program is and where it may keep its store.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ServerOptions {
    /// The program [default: chat-server beside this one]
    #[arg(long, value_name = "PATH")]
    chat_server: Option<PathBuf>,
    /// Where stores are made; it should be on a real disk [default: bench-data beside this program]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl ServerOptions {
    /// The program; an error says how to build it.
    pub fn program(&self) -> Result<PathBuf> {
        beside(self.chat_server.as_deref(), "chat-server")
    }

    /// A directory on the disk of the stores that is gone when it is dropped.
    pub fn directory(&self) -> Result<TempDir> {
        let parent = match &self.data_dir {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("bench-data"),
        };
        fs::create_dir_all(&parent)?;
        // As the server wants it; it would warn of looser modes.
        let owner_only = fs::Permissions::from_mode(0o700);
        Ok(tempfile::Builder::new().permissions(owner_only).tempdir_in(&parent)?)
    }
}

/// A program of this workspace: the given path, or the one beside this executable.
pub fn beside(given: Option<&Path>, name: &str) -> Result<PathBuf> {
    let program = match given {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()?.with_file_name(name),
    };
    ensure!(
        program.is_file(),
        "there is no {}; build it with `cargo build --release` or name it with --{name}",
        program.display()
    );
    Ok(program)
}

/// A running server.
pub struct ServerProcess {
    child: Child,
    listen: SocketAddr,
    write: SocketAddr,
    directory: Option<TempDir>,
    /// Held open: a server whose standard output is gone has nobody to talk to.
    _output: BufReader<ChildStdout>,
}

impl ServerProcess {
    /// Starts it on an empty store of its own.
    pub fn start(options: &ServerOptions, arguments: &[&str]) -> Result<Self> {
        let directory = options.directory()?;
        let mut server = Self::start_in(options, directory.path(), arguments)?;
        server.directory = Some(directory);
        Ok(server)
    }

    /// Starts it on the store in `directory`, which stays.
    pub fn start_in(options: &ServerOptions, directory: &Path, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(options.program()?);
        command.args(["--listen", "127.0.0.1:0", "--write", "127.0.0.1:0", "--data-dir"]).arg(directory);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start chat-server")?;
        let mut output = BufReader::new(child.stdout.take().context("no pipe to chat-server")?);
        let mut ready = String::new();
        output.read_line(&mut ready)?;
        match addresses(&ready) {
            Some((listen, write)) => Ok(Self { child, listen, write, directory: None, _output: output }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                anyhow::bail!("chat-server did not get ready")
            }
        }
    }

    /// Has it drain and close its store, and waits for its end.
    pub fn stop(mut self) -> Result<()> {
        let process = Pid::from_child(&self.child);
        kill_process(process, Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "chat-server did not close in an orderly way: {status}");
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    pub fn write(&self) -> SocketAddr {
        self.write
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Only now: a living server would miss its directory.
        drop(self.directory.take());
    }
}

/// The addresses of `ready listen=… write=…`; further fields may follow.
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
    fn the_ready_line_names_both_ports() {
        let (listen, write) = addresses("ready listen=127.0.0.1:5000 write=[::1]:5050 more=1\n").unwrap();
        assert_eq!((listen.port(), write.port()), (5000, 5050));
        assert_eq!(addresses("ready soon"), None);
    }
}
