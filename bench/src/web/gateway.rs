//! `chat-web` as a process on a free port, killed when dropped.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::server_process::{ServerProcess, workspace_program};

/// A running gateway.
pub(super) struct GatewayProcess {
    child: Child,
    address: SocketAddr,
    /// Its home directory, in which it finds no local room.
    _home: TempDir,
    /// Kept open, so that the gateway can write to its standard output.
    _output: BufReader<ChildStdout>,
}

impl GatewayProcess {
    /// Starts the gateway in front of a server, without its limits of rates.
    pub(super) fn start(program: Option<&Path>, server: &ServerProcess) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let ports = [server.listen().port().to_string(), server.write().port().to_string()];
        let mut child = Command::new(workspace_program(program, "chat-web")?)
            .args(["--no-local-room", "--host", "127.0.0.1", "--http", "127.0.0.1:0"])
            .args(["--listen-port", &ports[0], "--write-port", &ports[1]])
            .args(["--register-rate", "off", "--post-rate", "off"])
            .env("HOME", home.path())
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not start chat-web")?;
        let mut output = BufReader::new(child.stdout.take().context("no pipe to chat-web")?);
        let mut ready = String::new();
        output.read_line(&mut ready)?;
        match address(&ready) {
            Some(address) => Ok(Self { child, address, _home: home, _output: output }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                anyhow::bail!("chat-web ended before it was ready")
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for GatewayProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Parses the address of `ready http=… url=…`.
fn address(ready: &str) -> Option<SocketAddr> {
    ready.strip_prefix("ready ")?.split_whitespace().find_map(|word| word.strip_prefix("http="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_ready_line() {
        let ready = "ready http=127.0.0.1:8080 url=http://127.0.0.1:8080/\n";
        assert_eq!(address(ready), Some(([127, 0, 0, 1], 8080).into()));
        assert_eq!(address("error"), None);
    }
}
