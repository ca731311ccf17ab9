//! NATS: `SUB` and `PUB` on core NATS, confirmed by `+OK`. It keeps nothing on the disk here.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::Result;

use super::{Confirms, Peer, Running, free_address};
use crate::dialogue::Step;

/// Without the limits that cut off who falls behind: here everybody has to get everything.
const CONFIGURATION: &str =
    "max_connections: 64000\nmax_pending: 2GB\nwrite_deadline: \"120s\"\nping_interval: \"1h\"\n";

pub struct Nats;

impl Peer for Nats {
    fn name(&self) -> &'static str {
        "nats"
    }

    fn start(&self) -> Result<Running> {
        let address = free_address()?;
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("nats.conf");
        fs::write(&file, format!("listen: \"{address}\"\n{CONFIGURATION}"))?;
        let mut command = Command::new("nats-server");
        command.arg("-c").arg(file);
        Running::start(&mut command, address, address, directory)
    }

    fn listener(&self, _: usize) -> Vec<Step> {
        vec![Step::new("CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB room 1\r\nPING\r\n", "PONG\r\n")]
    }

    fn writer(&self) -> Vec<Step> {
        vec![Step::new("CONNECT {\"verbose\":true,\"pedantic\":false}\r\n", "+OK\r\n")]
    }

    fn post(&self, _: u64, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(format!("PUB room {}\r\n", text.len()).as_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }

    fn confirms(&self) -> Confirms {
        // Its `PING` comes in between, so lines are not counted.
        Confirms::Byte(b'+')
    }

    fn knock(&self, server: &Running, _: usize) -> (SocketAddr, Step) {
        (server.listen, Step::new("", "INFO "))
    }

    fn deliveries(&self) -> u64 {
        8_000_000
    }
}
