//! A connection that sends one line, waits for the answer, and is reset.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use memchr::memmem;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustix::net::sockopt::set_socket_linger;

use crate::dialogue::Step;

/// One connection. Dropping it resets it: thousands of connections in TIME_WAIT would use up the ports.
pub(crate) struct ShortLivedClient {
    socket: TcpStream,
    step: Step,
    sent: bool,
    received: Vec<u8>,
    served: bool,
}

impl ShortLivedClient {
    pub(crate) fn new(address: SocketAddr, step: Step, registry: &Registry, token: Token) -> Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        set_socket_linger(&socket, Some(std::time::Duration::ZERO))?;
        Ok(Self { socket, step, sent: false, received: Vec::new(), served: false })
    }

    /// Writes and reads as far as possible. Returns true once, when the answer has arrived.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        if self.served {
            return Ok(false);
        }
        if !self.sent {
            match self.socket.write(&self.step.send) {
                // A line fits into an empty socket buffer.
                Ok(count) => ensure!(count == self.step.send.len(), "a new connection does not accept a line"),
                Err(error) if is_too_early(error.kind()) => return Ok(false),
                Err(error) => return Err(error).context("a connection was refused"),
            }
            self.sent = true;
        }
        let mut piece = [0; 1024];
        loop {
            match self.socket.read(&mut piece) {
                Ok(0) => anyhow::bail!("a connection was closed before it was served"),
                Ok(count) => self.received.extend_from_slice(&piece[..count]),
                Err(error) if is_too_early(error.kind()) => break,
                Err(error) => return Err(error).context("a connection broke before it was served"),
            }
        }
        self.served = memmem::find(&self.received, &self.step.until).is_some();
        Ok(self.served)
    }
}

fn is_too_early(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::NotConnected)
}
