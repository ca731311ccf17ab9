//! A server around `tokio::sync::broadcast`, as the tutorials build one; a process of this same program.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

use super::{Confirms, Peer, Running, free_address};
use crate::dialogue::Step;

/// So that who is a whole window behind has lost nothing.
const CAPACITY: usize = 1 << 16;

pub struct Broadcast;

impl Peer for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn start(&self) -> Result<Running> {
        let (listen, write) = (free_address()?, free_address()?);
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve-broadcast", &listen.to_string(), &write.to_string()]);
        Running::start(&mut command, listen, write, ())
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
        8_000_000
    }
}

/// Serves until it is killed.
pub fn serve(listen: SocketAddr, write: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (listen, write) = (TcpListener::bind(listen).await?, TcpListener::bind(write).await?);
        let (room, _) = broadcast::channel(CAPACITY);
        loop {
            tokio::select! {
                accepted = listen.accept() => drop(tokio::spawn(say(accepted?.0, room.subscribe()))),
                accepted = write.accept() => drop(tokio::spawn(hear(accepted?.0, room.clone()))),
            }
        }
    })
}

async fn say(mut stream: TcpStream, mut room: broadcast::Receiver<Arc<str>>) -> Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let line = room.recv().await?;
        stream.write_all(line.as_bytes()).await?;
    }
}

async fn hear(stream: TcpStream, room: broadcast::Sender<Arc<str>>) -> Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        // Nobody may be listening.
        let _ = room.send(format!("Bench: {line}\n").into());
    }
    Ok(())
}
