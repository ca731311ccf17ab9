//! A server that holds the dialogue up to one step and then sends a line without end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const GREETING: &str = "Hello %username%! Enter your personal hash or leave it empty to create new account.\n";
const PROMPT: &str = "Enter preferred nickname below:\n";
const RECORD: &str = "{\"nickname\": \"Keen me\", \"account_hash\": \"9a08f44c-c541-41eb-8c47-0242ac110002\", \
                      \"extensions\": [\"id\", \"resume\"]}\n";
const WELCOME: &str = "Welcome to chat! Post your message below. End it with an empty line.\n";

/// What is sent at once.
const CHUNK: usize = 64 * 1024;

/// No client takes more than this.
const MOST: u64 = 256 * 1024 * 1024;

/// Where the line without end begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nowhere: it holds the dialogue and is silent then.
    Never,
    /// In place of the greeting, or of the first message.
    First,
    /// In place of the account.
    Account,
    /// In place of the answer to a post, or behind the first message.
    Later,
}

/// A port of such a server; it closes when dropped.
#[derive(Debug)]
pub(super) struct HostilePort {
    pub(super) address: SocketAddr,
    sent: Arc<AtomicU64>,
    /// Connections that were closed by the client while the line was sent.
    closed: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl HostilePort {
    /// A write port.
    pub(super) async fn write(step: Step) -> Result<Self> {
        Self::open(step, true).await
    }

    /// A listen port.
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
                    let arrived = if dialogue { talk(&mut stream, step).await } else { tell(&mut stream, step).await };
                    if arrived.is_ok() {
                        pour(stream.get_mut(), &sent, &closed).await;
                    }
                });
            }
        });
        Ok(Self { address, sent, closed, task })
    }

    /// Bytes that were sent without a line feed, and how many clients closed.
    pub(super) fn sent(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.closed.load(Ordering::Relaxed))
    }
}

impl Drop for HostilePort {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The dialogue up to the step.
async fn talk(stream: &mut BufReader<TcpStream>, step: Step) -> Result<()> {
    if step == Step::First {
        return Ok(());
    }
    stream.write_all(GREETING.as_bytes()).await?;
    if heard(stream).await?.is_empty() {
        stream.write_all(PROMPT.as_bytes()).await?;
        heard(stream).await?;
    }
    if step == Step::Account {
        return Ok(());
    }
    stream.write_all(format!("{RECORD}{WELCOME}").as_bytes()).await?;
    loop {
        heard(stream).await?;
        if step == Step::Later {
            return Ok(());
        }
    }
}

/// Messages up to the step.
async fn tell(stream: &mut BufReader<TcpStream>, step: Step) -> Result<()> {
    if step == Step::Later {
        stream.write_all(b"Keen Bob: hello\n").await?;
    }
    if step == Step::Never {
        loop {
            heard(stream).await?;
        }
    }
    Ok(())
}

async fn heard(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    anyhow::ensure!(stream.read_line(&mut line).await? > 0, "the client has gone");
    Ok(line.trim_end().to_owned())
}

async fn pour(stream: &mut TcpStream, sent: &AtomicU64, closed: &AtomicU64) {
    let (chunk, mut gone) = (vec![b'x'; CHUNK], 0);
    while gone < MOST {
        match stream.write(&chunk).await {
            Ok(count) => {
                gone += count as u64;
                sent.fetch_add(count as u64, Ordering::Relaxed);
            }
            Err(_) => {
                closed.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }
}
