//! Redis: `SUBSCRIBE` and `PUBLISH`, without a store.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::confirms::Confirms;
use super::peer::Peer;
use super::running::{Running, free_address};
use crate::dialogue::Step;

pub(crate) struct Redis;

/// Returns the command that starts redis without a store.
pub(super) fn command(address: SocketAddr, directory: &Path) -> Command {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--dir"]).arg(directory);
    command.args(["--save", "", "--appendonly", "no", "--maxclients", "15000", "--tcp-backlog", "4096"]);
    // The default limit disconnects slow subscribers, but every listener must get every message.
    command.args(["--client-output-buffer-limit", "pubsub 0 0 0"]);
    command
}

impl Peer for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn start(&self) -> Result<Running> {
        let address = free_address()?;
        let directory = tempfile::tempdir()?;
        Running::start(&mut command(address, directory.path()), address, address, directory)
    }

    fn listener(&self, _: usize) -> Vec<Step> {
        vec![Step::new("SUBSCRIBE room\r\n", ":1\r\n")]
    }

    fn writer(&self) -> Vec<Step> {
        vec![Step::new("PING\r\n", "+PONG\r\n")]
    }

    fn post(&self, _: u64, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(format!("*3\r\n$7\r\nPUBLISH\r\n$4\r\nroom\r\n${}\r\n", text.len()).as_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }

    fn confirms(&self) -> Confirms {
        // `:1000`, the number of subscribers.
        Confirms::Byte(b':')
    }

    fn first_step(&self, server: &Running, _: usize) -> (SocketAddr, Step) {
        (server.listen, Step::new("PING\r\n", "+PONG"))
    }

    fn deliveries(&self) -> u64 {
        10_000_000
    }
}
