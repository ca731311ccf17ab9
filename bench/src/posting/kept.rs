//! `chat-server` under `--keep`, which removes its oldest messages while it stores new ones.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::dialogue::Step;
use crate::peers::{Confirms, Peer, Plain, Running};
use crate::server_process::{ServerOptions, ServerProcess};

/// Messages of another year in the store of a server that keeps by age.
const OLD: usize = 300_000;

/// Keeps by size, or by age with old messages in the store, all of which have to go.
pub(crate) struct Kept {
    options: ServerOptions,
    rule: String,
    name: &'static str,
}

impl Kept {
    pub(crate) fn new(options: &ServerOptions, rule: &str) -> Self {
        // A name for the whole run.
        let name = Box::leak(format!("ours, --keep {rule}").into_boxed_str());
        Self { options: options.clone(), rule: rule.to_owned(), name }
    }
}

impl Peer for Kept {
    fn name(&self) -> &'static str {
        self.name
    }

    fn start(&self) -> Result<Running> {
        let directory = self.options.directory()?;
        if !self.rule.ends_with('B') {
            let temporary = tempfile::tempdir()?;
            let history = temporary.path().join("old.txt");
            let mut lines = String::new();
            for number in 0..OLD {
                writeln!(lines, "[14.01.23 17:07] Vlad: message {number} of another year")?;
            }
            fs::write(&history, lines)?;
            let mut command = Command::new(self.options.program()?);
            command.arg("import").arg(&history).arg("--data-dir").arg(directory.path());
            ensure!(command.stdout(Stdio::null()).status()?.success(), "could not import the old messages");
        }
        Ok(ServerProcess::start_with(&self.options, directory, &["--keep", &self.rule])?.into())
    }

    fn writer(&self) -> Vec<Step> {
        Plain(self.options.clone()).writer()
    }

    fn post(&self, number: u64, text: &[u8], out: &mut Vec<u8>) {
        Plain(self.options.clone()).post(number, text, out);
    }

    fn confirms(&self) -> Confirms {
        Plain(self.options.clone()).confirms()
    }

    fn deliveries(&self) -> u64 {
        0
    }
}
