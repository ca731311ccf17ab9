//! A peer as a process: started, waited for, and killed when it is dropped.

use std::any::Any;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::server_process::ServerProcess;

/// No peer takes this long to start.
const GUARD: Duration = Duration::from_secs(10);

/// A server at work.
pub struct Running {
    pub pid: u32,
    /// Where listeners connect.
    pub listen: SocketAddr,
    /// Where writers connect; with most peers the same.
    pub write: SocketAddr,
    /// Ends the process and removes its files.
    _owner: Box<dyn Any>,
}

impl Running {
    /// Starts a program and waits until both addresses take connections. `files` live as long as the process.
    pub fn start(command: &mut Command, listen: SocketAddr, write: SocketAddr, files: impl Any) -> Result<Self> {
        command.env("PATH", path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut owner = match command.spawn() {
            Ok(child) => Owner { child, _files: Box::new(files) },
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("{} is not installed; see bench/install-peers.sh", command.get_program().display())
            }
            Err(error) => return Err(error).context("cannot start it"),
        };
        let begun = Instant::now();
        for address in [listen, write] {
            while TcpStream::connect(address).is_err() {
                if let Some(status) = owner.child.try_wait()? {
                    bail!("{} ended at its start: {status}", command.get_program().display());
                }
                if begun.elapsed() > GUARD {
                    bail!("{} takes no connection", command.get_program().display());
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(Self { pid: owner.child.id(), listen, write, _owner: Box::new(owner) })
    }
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

/// Where programs are, administrators' ones included: Debian puts some servers there.
fn path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin", std::env::var("PATH").unwrap_or_default())
}
