//! NATS JetStream: a stream in a file with an acknowledgement for each post. Configured to fsync before it acknowledges,
//! which needs version 2.10; with an older one, the name in the table says that it does not.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::dialogue::Step;
use crate::peers::{Confirms, Peer, Running};
use crate::server_process::ServerOptions;

const SYNC: &str = "sync_interval: always";
const STREAM: &str = r#"{"name":"room","subjects":["room"],"storage":"file","retention":"limits","num_replicas":1,"#;
const LIMITS: &str = r#""max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"discard":"old"}"#;

/// Keeps its file in the directory of our store, on the same disk.
pub(crate) struct JetStream {
    options: ServerOptions,
    syncs: bool,
}

impl JetStream {
    /// Tests whether the installed version accepts `sync_interval: always`.
    pub(crate) fn new(options: &ServerOptions) -> Self {
        Self { options: options.clone(), syncs: supports_sync().unwrap_or(false) }
    }
}

fn supports_sync() -> Result<bool> {
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
        let sync = if self.syncs { SYNC } else { "" };
        Running::start_configured("nats-server", &["-c"], self.options.directory()?, |address, directory| {
            let store = directory.display();
            format!("listen: \"{address}\"\nping_interval: \"1h\"\njetstream {{ store_dir: \"{store}\"\n{sync} }}\n")
        })
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
        // `{"stream":"room", "seq":7}`. An error contains an object, so it counts twice and fails the round.
        Confirms::Byte(b'}')
    }

    fn deliveries(&self) -> u64 {
        0
    }
}
