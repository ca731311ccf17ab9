//! A connection that comes, says one thing, waits for the answer, and goes at once.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use memchr::memmem;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustix::net::sockopt::set_socket_linger;

use crate::dialogue::Step;

/// It ends when it is dropped, by a reset: thousands of closed connections that linger would use up the ports.
pub struct Visitor {
    socket: TcpStream,
    step: Step,
    spoke: bool,
    heard: Vec<u8>,
    served: bool,
}

impl Visitor {
    pub fn new(address: SocketAddr, step: Step, registry: &Registry, token: Token) -> Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        set_socket_linger(&socket, Some(std::time::Duration::ZERO))?;
        Ok(Self { socket, step, spoke: false, heard: Vec::new(), served: false })
    }

    /// Does what can be done now. True once: when the answer is there.
    pub fn turn(&mut self) -> Result<bool> {
        if self.served {
            return Ok(false);
        }
        if !self.spoke {
            match self.socket.write(&self.step.send) {
                // So little fits into any socket's buffer.
                Ok(count) => ensure!(count == self.step.send.len(), "a new connection does not take a line"),
                Err(error) if is_too_early(error.kind()) => return Ok(false),
                Err(error) => return Err(error).context("a connection was refused"),
            }
            self.spoke = true;
        }
        let mut piece = [0; 1024];
        loop {
            match self.socket.read(&mut piece) {
                Ok(0) => anyhow::bail!("a connection was closed before it was served"),
                Ok(count) => self.heard.extend_from_slice(&piece[..count]),
                Err(error) if is_too_early(error.kind()) => break,
                Err(error) => return Err(error).context("a connection broke before it was served"),
            }
        }
        self.served = memmem::find(&self.heard, &self.step.until).is_some();
        Ok(self.served)
    }
}

fn is_too_early(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::NotConnected)
}
