//! One posting connection: the socket around `posts`.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::posts::{Confirmed, Posts};
use crate::dialogue::{self, Step};

/// The client side of a writer.
pub(super) struct Writer {
    socket: TcpStream,
    pub(super) posts: Posts,
    out: Vec<u8>,
    /// The beginning of an incomplete answer.
    torn: Vec<u8>,
}

impl Writer {
    /// Registers an account.
    pub(super) fn connect(node: SocketAddr, registry: &Registry, token: Token) -> Result<Self> {
        let stream = dialogue::open(node, &[Step::new("\nBench\n", "End it with an empty line. \t\n")])?;
        stream.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(stream);
        registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { socket, posts: Posts::new(), out: Vec::new(), torn: Vec::new() })
    }

    /// Reads available answers and posts what is due.
    pub(super) fn turn(&mut self, buffer: &mut [u8], passed: u64, confirmed: &mut Vec<Confirmed>) -> Result<()> {
        self.receive(buffer, passed, confirmed)?;
        self.posts.write_due(passed, &mut self.out);
        while !self.out.is_empty() {
            match self.socket.write(&self.out) {
                Ok(count) => drop(self.out.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("the connection of a writer broke"),
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], passed: u64, confirmed: &mut Vec<Confirmed>) -> Result<()> {
        loop {
            let count = match self.socket.read(buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("the connection of a writer broke"),
            };
            ensure!(count > 0, "a node closed the connection of a writer");
            self.torn.extend_from_slice(&buffer[..count]);
            let mut rest = &self.torn[..];
            while let Some(end) = memchr::memchr(b'\n', rest) {
                confirmed.extend(self.posts.answer(&rest[..end], passed)?);
                rest = &rest[end + 1..];
            }
            let taken = self.torn.len() - rest.len();
            self.torn.drain(..taken);
            if count < buffer.len() {
                return Ok(());
            }
        }
    }
}
