//! A server around `tokio::sync::broadcast`, as in tutorials. It runs as a process of this executable.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

use super::peer::Peer;
use super::running::Running;

/// Larger than any window of posts in flight, so that a slow listener loses no message.
const CAPACITY: usize = 1 << 16;

pub(crate) struct Broadcast;

impl Peer for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn start(&self) -> Result<Running> {
        Running::start_subcommand("serve-broadcast")
    }

    fn deliveries(&self) -> u64 {
        8_000_000
    }
}

/// Serves until the process is killed.
pub(crate) fn serve(listen: SocketAddr, write: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (listen, write) = (TcpListener::bind(listen).await?, TcpListener::bind(write).await?);
        let (channel, _) = broadcast::channel(CAPACITY);
        loop {
            // `accept` is cancel safe: no connection is lost when the other branch completes.
            tokio::select! {
                accepted = listen.accept() => drop(tokio::spawn(send(accepted?.0, channel.subscribe()))),
                accepted = write.accept() => drop(tokio::spawn(receive(accepted?.0, channel.clone()))),
            }
        }
    })
}

async fn send(mut stream: TcpStream, mut channel: broadcast::Receiver<Arc<str>>) -> Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let line = channel.recv().await?;
        stream.write_all(line.as_bytes()).await?;
    }
}

async fn receive(stream: TcpStream, channel: broadcast::Sender<Arc<str>>) -> Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        // Fails without listeners, which is no error here.
        let _ = channel.send(format!("Bench: {line}\n").into());
    }
    Ok(())
}
