//! The asyncio server of `bench/peers/server.py`, written like the original server.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::peer::Peer;
use super::running::{Running, free_address};

const SERVER: &str = include_str!("../../peers/server.py");

pub(crate) struct Asyncio;

impl Peer for Asyncio {
    fn name(&self) -> &'static str {
        "asyncio"
    }

    fn start(&self) -> Result<Running> {
        let (listen, write) = (free_address()?, free_address()?);
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("server.py");
        fs::write(&file, SERVER)?;
        let mut command = Command::new("python3");
        command.arg(file).args([listen.port().to_string(), write.port().to_string()]);
        Running::start(&mut command, listen, write, directory)
    }

    fn deliveries(&self) -> u64 {
        500_000
    }
}
