//! The plain asyncio server of `bench/peers/server.py`, which stands for the original.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::{Confirms, Peer, Running, free_address};
use crate::dialogue::Step;

const SERVER: &str = include_str!("../../peers/server.py");

pub struct Asyncio;

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

    fn listener(&self, _: usize) -> Vec<Step> {
        Vec::new()
    }

    fn writer(&self) -> Vec<Step> {
        Vec::new()
    }

    fn post(&self, _: u64, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(text);
        out.push(b'\n');
    }

    fn confirms(&self) -> Confirms {
        Confirms::Echo
    }

    fn deliveries(&self) -> u64 {
        500_000
    }
}
