//! A server that follows the dialogue up to one step and then sends an endless line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::wire::{GREETING, PROMPT, WELCOME, account};

/// Size of one write.
const CHUNK: usize = 64 * 1024;

/// Upper bound of what one client is sent.
const MOST: u64 = 256 * 1024 * 1024;

/// Where the endless line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nowhere: the server follows the dialogue, then sends nothing.
    Never,
    /// In place of the greeting, or of the first message.
    First,
    /// In place of the account.
    Account,
    /// In place of the answer to a post, or after the first message.
    Later,
}

/// One port of the server, closed when dropped.
#[derive(Debug)]
pub(super) struct HostilePort {
    pub(super) address: SocketAddr,
    sent: Arc<AtomicU64>,
    /// Connections that the client closed while the line was sent.
    closed: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl HostilePort {
    /// Opens a write port.
    pub(super) async fn write(step: Step) -> Result<Self> {
        Self::open(step, true).await
    }

    /// Opens a listen port.
    pub(super) async fn listen(step: Step) -> Result<Self> {
        Self::open(step, false).await
    }

    async fn open(step: Step, dialogue: bool) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0").await?;
        let address = port.local_addr()?;
        let (sent, closed) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let counts = (Arc::clone(&sent), Arc::clone(&closed));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = port.accept().await {
                let (sent, closed) = (Arc::clone(&counts.0), Arc::clone(&counts.1));
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let reached = if dialogue {
                        follow_dialogue(&mut stream, step).await
                    } else {
                        send_messages(&mut stream, step).await
                    };
                    if reached.is_ok() {
                        send_endless_line(stream.get_mut(), &sent, &closed).await;
                    }
                });
            }
        });
        Ok(Self { address, sent, closed, task })
    }

    /// Returns the bytes sent without a line feed, and the number of clients that closed.
    pub(super) fn sent(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.closed.load(Ordering::Relaxed))
    }
}

impl Drop for HostilePort {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Follows the dialogue of the write port up to the step.
async fn follow_dialogue(stream: &mut BufReader<TcpStream>, step: Step) -> Result<()> {
    if step == Step::First {
        return Ok(());
    }
    stream.write_all(GREETING.as_bytes()).await?;
    if read_line(stream).await?.is_empty() {
        stream.write_all(PROMPT.as_bytes()).await?;
        read_line(stream).await?;
    }
    if step == Step::Account {
        return Ok(());
    }
    stream.write_all(format!("{}{WELCOME}", account("Keen me", Some("[\"id\", \"resume\"]"))).as_bytes()).await?;
    loop {
        read_line(stream).await?;
        if step == Step::Later {
            return Ok(());
        }
    }
}

/// Sends messages of the listen port up to the step.
async fn send_messages(stream: &mut BufReader<TcpStream>, step: Step) -> Result<()> {
    if step == Step::Later {
        stream.write_all(b"Keen Bob: hello\n").await?;
    }
    if step == Step::Never {
        loop {
            read_line(stream).await?;
        }
    }
    Ok(())
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    anyhow::ensure!(stream.read_line(&mut line).await? > 0, "the client has gone");
    Ok(line.trim_end().to_owned())
}

async fn send_endless_line(stream: &mut TcpStream, sent: &AtomicU64, closed: &AtomicU64) {
    let (chunk, mut total) = (vec![b'x'; CHUNK], 0);
    while total < MOST {
        match stream.write(&chunk).await {
            Ok(count) => {
                total += count as u64;
                sent.fetch_add(count as u64, Ordering::Relaxed);
            }
            Err(_) => {
                closed.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }
}
