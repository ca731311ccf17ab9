//! `chat-server` itself, with plain lines and with numbers and ids.

use std::net::SocketAddr;

use anyhow::Result;

use super::confirms::Confirms;
use super::peer::Peer;
use super::running::Running;
use crate::dialogue::Step;
use crate::server_process::{ServerOptions, ServerProcess};

/// Plain listeners and plain posts. Every message is on disk before it is delivered or confirmed.
pub(crate) struct Plain(pub(crate) ServerOptions);

impl Peer for Plain {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn start(&self) -> Result<Running> {
        Ok(ServerProcess::start(&self.0, &[])?.into())
    }

    fn listener(&self, _: usize) -> Vec<Step> {
        Vec::new()
    }

    fn writer(&self) -> Vec<Step> {
        vec![Step::new("\nBench\n", "End it with an empty line. \t\n")]
    }

    fn post(&self, _: u64, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(text);
        out.extend_from_slice(b"\n\n");
    }

    fn confirms(&self) -> Confirms {
        Confirms::Byte(b'\n')
    }

    fn first_step(&self, server: &Running, _: usize) -> (SocketAddr, Step) {
        // The listen port sends nothing without a message; the write port greets.
        (server.write, Step::new("", "Hello %username%!"))
    }

    fn deliveries(&self) -> u64 {
        60_000_000
    }
}

/// The same server with listeners that resume and posts with ids.
pub(crate) struct Numbered(pub(crate) ServerOptions);

impl Peer for Numbered {
    fn name(&self) -> &'static str {
        "ours-ids"
    }

    fn start(&self) -> Result<Running> {
        Plain(self.0.clone()).start()
    }

    fn listener(&self, _: usize) -> Vec<Step> {
        vec![Step::new("\x01{\"resume\": {\"last\": 0}, \"nonce\": \"bench\"}\n", "\n")]
    }

    fn writer(&self) -> Vec<Step> {
        Plain(self.0.clone()).writer()
    }

    fn post(&self, number: u64, text: &[u8], out: &mut Vec<u8>) {
        // Ids as the clients create them: as long, and in order.
        out.extend_from_slice(format!("\x01{{\"id\": \"01a22b384feb7c79{number:016x}\", \"text\": \"").as_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(b"\"}\n");
    }

    fn confirms(&self) -> Confirms {
        Confirms::Byte(b'\n')
    }

    fn deliveries(&self) -> u64 {
        40_000_000
    }
}
