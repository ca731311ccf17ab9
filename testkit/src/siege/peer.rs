//! One connection in raw bytes, honest or not.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Nothing takes this long unless it hangs.
pub(super) const GUARD: Duration = Duration::from_secs(60);

/// A peer of the server.
#[derive(Debug)]
pub(super) struct Peer {
    stream: BufReader<TcpStream>,
}

impl Peer {
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = timeout(GUARD, TcpStream::connect(address)).await.context("connecting hangs")??;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// With a receive buffer as small as the system allows, so that it is soon full.
    pub(super) async fn connect_narrow(address: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        let stream = timeout(GUARD, socket.connect(address)).await.context("connecting hangs")??;
        Ok(Self { stream: BufReader::with_capacity(1, stream) })
    }

    pub(super) async fn say(&mut self, text: &str) -> Result<()> {
        timeout(GUARD, self.stream.get_mut().write_all(text.as_bytes()))
            .await
            .context("the server takes nothing")??;
        Ok(())
    }

    /// The next line without its end; `None` when the other side has ended, however it did.
    pub(super) async fn line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let count = timeout(GUARD, self.stream.read_line(&mut line)).await.context("the server says nothing")?;
        Ok(matches!(count, Ok(1..)).then(|| line.trim_end_matches('\n').to_owned()))
    }

    /// The next line, which has to be there.
    pub(super) async fn hears(&mut self) -> Result<String> {
        self.line().await?.context("the server has closed")
    }

    /// One byte, or `None` at the end.
    pub(super) async fn byte(&mut self) -> Option<u8> {
        self.stream.read_u8().await.ok()
    }

    /// Whether the other side ends now, after whatever it still says.
    pub(super) async fn is_closed(&mut self) -> bool {
        let all = async { while matches!(self.line().await, Ok(Some(_))) {} };
        timeout(GUARD, all).await.is_ok()
    }

    /// A new account; its token.
    pub(super) async fn register(address: SocketAddr, nickname: &str) -> Result<(Self, String)> {
        let mut peer = Self::connect(address).await?;
        peer.hears().await?;
        peer.say(&format!("\n{nickname}\n")).await?;
        peer.hears().await?;
        let record = peer.hears().await?;
        let token = record.split_once("\"account_hash\": \"").and_then(|(_, rest)| rest.split_once('"'));
        let token = token.with_context(|| format!("no account in {record:?}"))?.0.to_owned();
        peer.hears().await?;
        Ok((peer, token))
    }

    /// A connection that has logged in.
    pub(super) async fn log_in(address: SocketAddr, token: &str) -> Result<Self> {
        let mut peer = Self::connect(address).await?;
        peer.hears().await?;
        peer.say(&format!("{token}\n")).await?;
        let record = peer.hears().await?;
        if record == "null" {
            bail!("the server does not know its own token");
        }
        peer.hears().await?;
        Ok(peer)
    }

    /// A listener whose place is taken: the answer to a ping says so.
    pub(super) async fn listen(address: SocketAddr) -> Result<Self> {
        Self::connect(address).await?.seated().await
    }

    pub(super) async fn seated(mut self) -> Result<Self> {
        self.say("\u{1}{\"ping\": 1}\n").await?;
        self.hears().await?;
        Ok(self)
    }

    /// Sends the same bytes again and again until the other side closes or so many have gone. Returns how many went,
    /// and whether the other side closed.
    pub(super) async fn pour(&mut self, chunk: &[u8], most: u64) -> Result<(u64, bool)> {
        let mut gone = 0;
        while gone < most {
            match timeout(GUARD, self.stream.get_mut().write(chunk))
                .await
                .context("the server neither takes nor closes")?
            {
                Ok(count) => gone += count as u64,
                Err(_) => return Ok((gone, true)),
            }
        }
        Ok((gone, false))
    }

    /// The halves, for somebody who does both at once.
    pub(super) fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }
}

/// A post with an id, as a line.
pub(super) fn id_post(id: &str, text: &str) -> String {
    format!("\u{1}{{\"id\": \"{id}\", \"text\": \"{text}\"}}\n")
}
