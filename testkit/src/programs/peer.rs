//! One client connection in raw bytes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Deadline of every wait.
pub(crate) const GUARD: Duration = Duration::from_secs(60);

/// A raw connection to the server.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: BufReader<TcpStream>,
}

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = timeout(GUARD, TcpStream::connect(address)).await.context("could not connect in 60 s")??;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Connects with the smallest receive buffer that the system permits, so that it fills quickly.
    pub(crate) async fn connect_narrow(address: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        let stream = timeout(GUARD, socket.connect(address)).await.context("could not connect in 60 s")??;
        Ok(Self { stream: BufReader::with_capacity(1, stream) })
    }

    /// Sends text as it is.
    pub(crate) async fn send(&mut self, text: &str) -> Result<()> {
        timeout(GUARD, self.stream.get_mut().write_all(text.as_bytes()))
            .await
            .context("the server does not read")??;
        Ok(())
    }

    /// Receives the next line without its line feed. Returns `None` when the server has closed or reset the connection.
    pub(crate) async fn next_line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let count =
            timeout(GUARD, self.stream.read_line(&mut line)).await.context("no line from the server in 60 s")?;
        Ok(matches!(count, Ok(1..)).then(|| line.trim_end_matches('\n').to_owned()))
    }

    /// Receives the next line. Fails when the server has closed the connection.
    pub(crate) async fn receive(&mut self) -> Result<String> {
        self.next_line().await?.context("the server has closed the connection")
    }

    /// Receives one byte, or `None` at the end. Waits without a deadline: a stalled listener is dropped by its test.
    pub(crate) async fn byte(&mut self) -> Option<u8> {
        self.stream.read_u8().await.ok()
    }

    /// Reads to the end of the connection. Returns whether the server closes it in time.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let all = async { while matches!(self.next_line().await, Ok(Some(_))) {} };
        timeout(GUARD, all).await.is_ok()
    }

    /// Registers an account. Returns the connection and the token.
    pub(crate) async fn register(address: SocketAddr, nickname: &str) -> Result<(Self, String)> {
        Self::register_named(address, nickname).await.map(|(peer, token, _)| (peer, token))
    }

    /// Registers an account. Returns the connection, the token and the complete nickname.
    pub(crate) async fn register_named(address: SocketAddr, nickname: &str) -> Result<(Self, String, String)> {
        let mut peer = Self::connect(address).await?;
        peer.receive().await?;
        peer.send(&format!("\n{nickname}\n")).await?;
        peer.receive().await?;
        let record = peer.receive().await?;
        let field = |name: &str| -> Result<String> {
            let value = record.split_once(&format!("\"{name}\": \"")).and_then(|(_, rest)| rest.split_once('"'));
            Ok(value.with_context(|| format!("no {name} in {record:?}"))?.0.to_owned())
        };
        let (token, nickname) = (field("account_hash")?, field("nickname")?);
        peer.receive().await?;
        Ok((peer, token, nickname))
    }

    /// Connects and logs in.
    pub(crate) async fn log_in(address: SocketAddr, token: &str) -> Result<Self> {
        let mut peer = Self::connect(address).await?;
        peer.receive().await?;
        peer.send(&format!("{token}\n")).await?;
        let record = peer.receive().await?;
        if record == "null" {
            bail!("the server does not know a token that it has issued");
        }
        peer.receive().await?;
        Ok(peer)
    }

    /// Connects a listener and waits until it is subscribed.
    pub(crate) async fn listen(address: SocketAddr) -> Result<Self> {
        Self::connect(address).await?.wait_until_subscribed().await
    }

    /// Waits for the answer to a ping, after which the listener gets all messages.
    pub(crate) async fn wait_until_subscribed(mut self) -> Result<Self> {
        self.send("\u{1}{\"ping\": 1}\n").await?;
        self.receive().await?;
        Ok(self)
    }

    /// Sends the same bytes repeatedly until the server closes or `most` bytes were sent. Returns the number of bytes
    /// and whether the server closed.
    pub(crate) async fn flood(&mut self, chunk: &[u8], most: u64) -> Result<(u64, bool)> {
        let mut sent = 0;
        while sent < most {
            match timeout(GUARD, self.stream.get_mut().write(chunk))
                .await
                .context("the server neither reads nor closes")?
            {
                Ok(count) => sent += count as u64,
                Err(_) => return Ok((sent, true)),
            }
        }
        Ok((sent, false))
    }

    /// Returns the stream. Buffered input is lost.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }
}

/// Returns the extension line of a post with an id.
pub(crate) fn id_post(id: &str, text: &str) -> String {
    format!("\u{1}{{\"id\": \"{id}\", \"text\": \"{text}\"}}\n")
}
