//! Redis as a log: `RPUSH` to a list, with the append-only file fsynced before the answer.

use std::process::Command;

use anyhow::Result;

use crate::dialogue::Step;
use crate::peers::{Confirms, Peer, Running, free_address};
use crate::server_process::ServerOptions;

/// Keeps its file in the directory of our store, on the same disk.
pub(crate) struct Redis(pub(crate) ServerOptions);

impl Peer for Redis {
    fn name(&self) -> &'static str {
        "redis, appendfsync always"
    }

    fn start(&self) -> Result<Running> {
        let address = free_address()?;
        let directory = self.0.directory()?;
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--dir"]).arg(directory.path());
        command.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
        Running::start(&mut command, address, address, directory)
    }

    fn writer(&self) -> Vec<Step> {
        vec![Step::new("PING\r\n", "+PONG\r\n")]
    }

    fn post(&self, _: u64, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(format!("*3\r\n$5\r\nRPUSH\r\n$4\r\nroom\r\n${}\r\n", text.len()).as_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }

    fn confirms(&self) -> Confirms {
        // `:1000`, the length of the list. An error has no colon at its beginning, so its confirmation is missing.
        Confirms::Byte(b':')
    }

    fn deliveries(&self) -> u64 {
        0
    }
}
