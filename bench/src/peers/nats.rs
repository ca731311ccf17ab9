//! NATS: `SUB` and `PUB` of core NATS, confirmed by `+OK`, without a store.

use std::net::SocketAddr;

use anyhow::Result;

use super::confirms::Confirms;
use super::peer::Peer;
use super::running::Running;
use crate::dialogue::Step;

/// Lifts the limits that disconnect slow consumers, because every listener must get every message.
const CONFIGURATION: &str =
    "max_connections: 64000\nmax_pending: 2GB\nwrite_deadline: \"120s\"\nping_interval: \"1h\"\n";

pub(crate) struct Nats;

impl Peer for Nats {
    fn name(&self) -> &'static str {
        "nats"
    }

    fn start(&self) -> Result<Running> {
        Running::start_configured("nats-server", &["-c"], tempfile::tempdir()?, |address, _| {
            format!("listen: \"{address}\"\n{CONFIGURATION}")
        })
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
        // Lines cannot be counted: the server sends `PING` in between.
        Confirms::Byte(b'+')
    }

    fn first_step(&self, server: &Running, _: usize) -> (SocketAddr, Step) {
        (server.listen, Step::new("", "INFO "))
    }

    fn deliveries(&self) -> u64 {
        8_000_000
    }
}
