//! A peer that sends raw bytes, and a server for it.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use chat_server::{Journal, MemoryJournal, Server, ServerConfig, ServerHandle, SqliteJournal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

pub(crate) use testkit::wire::{
    CONFIRMATION as CONFIRMED, GREETING, OFFERING_WELCOME as WELCOME, PROMPT, WELCOME as PLAIN_WELCOME,
};

/// Fails a test that hangs; no step is expected to take this long.
pub(crate) async fn guarded<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future).await.unwrap_or_else(|_| panic!("hangs: {what}"))
}

pub(crate) fn config() -> ServerConfig {
    let mut config = ServerConfig::on_free_ports();
    config.seed = Some(7);
    // Tests of rates set them; the others post as fast as they can.
    config.limits = config.limits.without_post_rates();
    config
}

/// The configuration of a server whose ports no other server takes once they are free: on an address of its own, where
/// the system has more than one of itself.
pub(crate) fn config_on_own_address() -> ServerConfig {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let mut config = config();
    if cfg!(target_os = "linux") {
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, 100 | high, low, NEXT.fetch_add(1, Ordering::Relaxed));
        for port in [&mut config.listen, &mut config.write] {
            *port = (address, 0).into();
        }
    }
    config
}

pub(crate) async fn start(config: ServerConfig, journal: impl Journal) -> ServerHandle {
    Server::start(config, journal).await.unwrap()
}

pub(crate) async fn in_memory() -> ServerHandle {
    start(config(), MemoryJournal::new()).await
}

pub(crate) async fn on_disk(dir: &tempfile::TempDir) -> ServerHandle {
    start(config(), SqliteJournal::open(dir.path()).unwrap()).await
}

pub(crate) struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Nickname, token and the whole record, as the server sent them.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) nickname: String,
    pub(crate) token: String,
    pub(crate) line: String,
}

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), buffer: Vec::new() }
    }

    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// Connects with the smallest receive buffer that the system allows, so that it is soon full.
    pub(crate) async fn connect_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self { stream: socket.connect(address).await.unwrap(), buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        guarded("sending", self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Reads one line with its line feed.
    pub(crate) async fn line(&mut self) -> String {
        self.next_line().await.expect("a line, not the end")
    }

    /// Reads one line; `None` at the end of the stream.
    pub(crate) async fn next_line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(String::from_utf8(line).unwrap());
            }
            let mut chunk = [0; 16 * 1024];
            match guarded("a line", self.stream.read(&mut chunk)).await {
                Ok(0) | Err(_) => {
                    assert!(self.buffer.is_empty(), "torn: {:?}", String::from_utf8_lossy(&self.buffer));
                    return None;
                }
                Ok(count) => self.buffer.extend_from_slice(&chunk[..count]),
            }
        }
    }

    /// Returns whether nothing was received that was not read.
    pub(crate) fn has_nothing(&self) -> bool {
        let received = self.stream.try_read(&mut [0]);
        self.buffer.is_empty() && received.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Reads exactly these bytes, which end in a line feed.
    pub(crate) async fn expect(&mut self, expected: impl AsRef<str>) {
        for line in expected.as_ref().split_inclusive('\n') {
            assert_eq!(self.line().await, line);
        }
    }

    pub(crate) async fn expect_end(&mut self) {
        assert_eq!(self.next_line().await, None);
    }

    /// Reads everything up to the end.
    pub(crate) async fn rest(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.next_line().await {
            lines.push(line);
        }
        lines
    }

    /// Returns the result of one read of the socket; nothing may be buffered.
    pub(crate) async fn read_once(&mut self) -> String {
        assert!(self.buffer.is_empty());
        let mut chunk = [0; 4096];
        let count = guarded("a read", self.stream.read(&mut chunk)).await.unwrap();
        String::from_utf8(chunk[..count].to_vec()).unwrap()
    }

    /// Ends our side and continues to read.
    pub(crate) async fn end(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Closes the connection with a reset.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }

    pub(crate) fn buffered(&self) -> usize {
        self.buffer.len()
    }

    pub(crate) async fn record(&mut self) -> Record {
        let line = self.line().await;
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        let text = |key: &str| json[key].as_str().unwrap().to_owned();
        Record { nickname: text("nickname"), token: text("account_hash"), line }
    }

    /// Returns a writer that has registered and can post.
    pub(crate) async fn registered(server: &ServerHandle, nickname: &str) -> (Self, Record) {
        let mut peer = Self::connect(server.write_addr()).await;
        peer.expect(GREETING).await;
        peer.send(format!("\n{nickname}\n")).await;
        peer.expect(PROMPT).await;
        let record = peer.record().await;
        peer.expect(WELCOME).await;
        (peer, record)
    }

    pub(crate) async fn logged_in(server: &ServerHandle, token: &str) -> Self {
        let mut peer = Self::connect(server.write_addr()).await;
        peer.expect(GREETING).await;
        peer.send(format!("{token}\n")).await;
        peer.record().await;
        peer.expect(WELCOME).await;
        peer
    }

    /// Returns a listener that the server has registered, as the answer to a ping proves.
    pub(crate) async fn listening(server: &ServerHandle) -> Self {
        Self::connect(server.listen_addr()).await.seated().await
    }

    pub(crate) async fn seated(mut self) -> Self {
        self.send("\u{1}{\"ping\": 1}\n").await;
        self.expect("\u{1}{\"pong\": 1}\n").await;
        self
    }

    /// Returns a listener that has requested to resume, and the answer.
    pub(crate) async fn resuming(server: &ServerHandle, request: &str) -> (Self, serde_json::Value) {
        let mut peer = Self::connect(server.listen_addr()).await;
        let answer = peer.resume(request).await;
        (peer, answer)
    }

    pub(crate) async fn resume(&mut self, request: &str) -> serde_json::Value {
        self.send(format!("\u{1}{{\"resume\": {request}, \"nonce\": \"n-1\"}}\n")).await;
        loop {
            let line = self.line().await;
            if let Some(json) = line.strip_prefix('\u{1}') {
                let answer: serde_json::Value = serde_json::from_str(json).unwrap();
                assert_eq!(answer["nonce"], "n-1");
                return answer;
            }
        }
    }

    /// Reads the next numbered line.
    pub(crate) async fn numbered(&mut self) -> Numbered {
        let line = self.line().await;
        let json: serde_json::Value = serde_json::from_str(line.strip_prefix('\u{1}').unwrap()).unwrap();
        Numbered {
            seq: json["seq"].as_u64().unwrap(),
            at: json["at"].as_i64().unwrap(),
            nick: json["nick"].as_str().unwrap().to_owned(),
            text: json["text"].as_str().unwrap().to_owned(),
        }
    }

    /// Posts with an id and returns the answer.
    pub(crate) async fn post(&mut self, id: &str, text: &str) -> serde_json::Value {
        self.send(id_post(id, text)).await;
        self.answer().await
    }

    pub(crate) async fn answer(&mut self) -> serde_json::Value {
        let line = self.line().await;
        serde_json::from_str(line.strip_prefix('\u{1}').expect(&line)).unwrap()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbered {
    pub(crate) seq: u64,
    pub(crate) at: i64,
    pub(crate) nick: String,
    pub(crate) text: String,
}

pub(crate) fn id_post(id: &str, text: &str) -> String {
    format!("\u{1}{}\n", serde_json::json!({ "id": id, "text": text }))
}

impl Peer {
    /// Returns how many bytes one read returned; 0 at a clean end.
    pub(crate) async fn try_chunk(&mut self) -> std::io::Result<usize> {
        let mut chunk = [0; 64 * 1024];
        guarded("a chunk", self.stream.read(&mut chunk)).await
    }

    /// Sends, and returns whether the peer still accepted it.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Reads all bytes up to the end, clean or not.
    pub(crate) async fn everything(&mut self) -> String {
        let mut bytes = std::mem::take(&mut self.buffer);
        let _ = guarded("everything", self.stream.read_to_end(&mut bytes)).await;
        String::from_utf8(bytes).unwrap()
    }

    /// Ends our side of a connection that may already be closed.
    pub(crate) async fn end_lossy(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Sends over a connection that may already be closed.
    pub(crate) async fn send_lossy(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = guarded("sending", self.stream.write_all(bytes.as_ref())).await;
    }
}

impl Peer {
    /// Reads whole lines up to the end, without an incomplete last one.
    pub(crate) async fn rest_lossy(&mut self) -> Vec<String> {
        while let 1.. = {
            let mut chunk = [0; 64 * 1024];
            let count = guarded("a chunk", self.stream.read(&mut chunk)).await.unwrap_or(0);
            self.buffer.extend_from_slice(&chunk[..count]);
            count
        } {}
        let whole = self.buffer.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let text = String::from_utf8(self.buffer.drain(..whole).collect()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}
