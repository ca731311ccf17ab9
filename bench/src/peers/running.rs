//! A peer as a process: starts it, waits until it accepts connections, and kills it when dropped.

use std::any::Any;
use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::server_process::ServerProcess;

/// Time a peer has to start.
const GUARD: Duration = Duration::from_secs(10);

/// A running server.
pub(crate) struct Running {
    pub(crate) pid: u32,
    /// Address for listeners.
    pub(crate) listen: SocketAddr,
    /// Address for writers; the same one for most peers.
    pub(crate) write: SocketAddr,
    /// Kills the process and removes its files when dropped.
    _owner: Box<dyn Any>,
}

impl Running {
    /// Starts a program and waits until both addresses accept connections. `files` is dropped after the process.
    pub(crate) fn start(command: &mut Command, listen: SocketAddr, write: SocketAddr, files: impl Any) -> Result<Self> {
        command.env("PATH", path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut owner = match command.spawn() {
            Ok(child) => Owner { child, _files: Box::new(files) },
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("{} is not installed: run bench/install-peers.sh", command.get_program().display())
            }
            Err(error) => {
                return Err(error).with_context(|| format!("could not start {}", command.get_program().display()));
            }
        };
        let begun = Instant::now();
        for address in [listen, write] {
            while TcpStream::connect(address).is_err() {
                if let Some(status) = owner.child.try_wait()? {
                    bail!("{} ended at start: {status}", command.get_program().display());
                }
                if begun.elapsed() > GUARD {
                    bail!("{} does not accept connections", command.get_program().display());
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(Self { pid: owner.child.id(), listen, write, _owner: Box::new(owner) })
    }

    /// Starts a program with one port and a configuration file, whose path is the last argument. `config` returns the
    /// content for the address and the directory.
    pub(crate) fn start_configured(
        program: &str,
        arguments: &[&str],
        directory: TempDir,
        config: impl FnOnce(SocketAddr, &Path) -> String,
    ) -> Result<Self> {
        let address = free_address()?;
        let file = directory.path().join("server.conf");
        fs::write(&file, config(address, directory.path()))?;
        let mut command = Command::new(program);
        command.args(arguments).arg(file);
        Self::start(&mut command, address, address, directory)
    }

    /// Returns a server whose listeners use its port for TLS.
    pub(crate) fn with_tls_listeners(server: ServerProcess) -> Result<Self> {
        let listen = server.tls_listen().context("the server does not say where it listens for TLS")?;
        Ok(Self { listen, ..server.into() })
    }

    /// Starts a subcommand of this executable that takes a listen and a write address.
    pub(crate) fn start_subcommand(name: &str) -> Result<Self> {
        let (listen, write) = (free_address()?, free_address()?);
        let mut command = Command::new(std::env::current_exe()?);
        command.args([name, &listen.to_string(), &write.to_string()]);
        Self::start(&mut command, listen, write, ())
    }
}

/// Returns an address that was free a moment ago, for programs that cannot choose a free port themselves.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

impl From<ServerProcess> for Running {
    fn from(server: ServerProcess) -> Self {
        Self { pid: server.pid(), listen: server.listen(), write: server.write(), _owner: Box::new(server) }
    }
}

struct Owner {
    child: Child,
    _files: Box<dyn Any>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the search path with the directories in which Debian installs some servers.
fn path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin", std::env::var("PATH").unwrap_or_default())
}
