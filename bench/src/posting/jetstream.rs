//! NATS JetStream: a stream in a file, and an acknowledgement for each publication. It is told to fsync before it
//! acknowledges where it knows how (from 2.10 on); where it does not, its name says what it does instead.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::dialogue::Step;
use crate::peers::{Confirms, Peer, Running, free_address};
use crate::server_process::ServerOptions;

const SYNC: &str = "sync_interval: always";
const STREAM: &str = r#"{"name":"room","subjects":["room"],"storage":"file","retention":"limits","num_replicas":1,"#;
const LIMITS: &str = r#""max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"discard":"old"}"#;

/// Its file is where the store of ours is, on the same disk.
pub struct JetStream {
    options: ServerOptions,
    syncs: bool,
}

impl JetStream {
    /// Asks the program whether it can fsync always.
    pub fn new(options: &ServerOptions) -> Self {
        Self { options: options.clone(), syncs: knows_sync().unwrap_or(false) }
    }
}

fn knows_sync() -> Result<bool> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("nats.conf");
    fs::write(&file, format!("jetstream {{ store_dir: \"{}\"\n{SYNC} }}\n", directory.path().display()))?;
    let mut command = Command::new("nats-server");
    command.arg("-t").arg("-c").arg(file).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.status()?.success())
}

impl Peer for JetStream {
    fn name(&self) -> &'static str {
        if self.syncs { "JetStream, sync always" } else { "JetStream, acknowledged before fsync" }
    }

    fn start(&self) -> Result<Running> {
        let address = free_address()?;
        let directory = self.options.directory()?;
        let file = directory.path().join("nats.conf");
        let sync = if self.syncs { SYNC } else { "" };
        let store = directory.path().display();
        let lines =
            format!("listen: \"{address}\"\nping_interval: \"1h\"\njetstream {{ store_dir: \"{store}\"\n{sync} }}\n");
        fs::write(&file, lines)?;
        let mut command = Command::new("nats-server");
        command.arg("-c").arg(file);
        Running::start(&mut command, address, address, directory)
    }

    fn listener(&self, _: usize) -> Vec<Step> {
        Vec::new()
    }

    fn writer(&self) -> Vec<Step> {
        let length = STREAM.len() + LIMITS.len();
        let create = format!("PUB $JS.API.STREAM.CREATE.room _INBOX.bench {length}\r\n{STREAM}{LIMITS}\r\n");
        vec![
            Step::new("CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB _INBOX.bench 1\r\nPING\r\n", "PONG\r\n"),
            Step::new(create, "\"did_create\":true}\r\n"),
        ]
    }

    fn post(&self, _: u64, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(format!("PUB room _INBOX.bench {}\r\n", text.len()).as_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }

    fn confirms(&self) -> Confirms {
        // `{"stream":"room", "seq":7}`. An error has an object within, and counts as more than was posted.
        Confirms::Byte(b'}')
    }

    fn deliveries(&self) -> u64 {
        0
    }
}
