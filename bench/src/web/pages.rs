//! Open pages without a browser: their WebSockets, which answer pings and read everything.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::StreamExt as _;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::embedded_room::log_in;

/// Time that a page has to open.
const WITHIN: Duration = Duration::from_secs(30);
/// Pages of one address of this machine: the gateway limits for each address how fast it makes connections to the room.
const PER_ADDRESS: usize = 100;
/// Threads that register accounts; each waits for the disk.
const REGISTERING: usize = 16;
/// The receive buffer of a page that does not read, in bytes; the kernel doubles it.
const SLOW_BUFFER: u32 = 4_096;

/// An account of the room.
#[derive(Debug, Clone)]
pub(super) struct Account {
    nickname: String,
    token: String,
}

/// Registers accounts.
pub(super) fn register(write: SocketAddr, count: usize) -> Result<Vec<Account>> {
    let one = |number: usize| -> Result<Account> {
        let (_, account) = log_in(write, &format!("Page{number}"))?;
        let account: serde_json::Value = serde_json::from_str(&account)?;
        let field = |name: &str| account[name].as_str().map(str::to_owned).context("an account without its fields");
        Ok(Account { nickname: field("nickname")?, token: field("account_hash")? })
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..REGISTERING)
            .map(|first| scope.spawn(move || (first..count).step_by(REGISTERING).map(one).collect::<Result<Vec<_>>>()))
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?);
        Ok(joined.collect::<Result<Vec<_>>>()?.concat())
    })
}

/// Posts some messages of usual length.
pub(super) fn write_history(write: SocketAddr, count: usize) -> Result<()> {
    let (mut connection, _) = log_in(write, "History")?;
    let text: String = (0..count).map(|number| format!("message {number} of the time before the page\n\n")).collect();
    connection.write_all(text.as_bytes())?;
    wait_for_answers(&connection, count)
}

/// Waits for the confirmations of this number of posts.
pub(super) fn wait_for_answers(connection: &TcpStream, count: usize) -> Result<()> {
    use std::io::BufRead as _;
    let lines = std::io::BufReader::new(connection.try_clone()?).lines();
    let confirmed = lines.map_while(Result::ok).filter(|line| line.starts_with("Message")).take(count).count();
    anyhow::ensure!(confirmed == count, "{confirmed} of {count} posts were confirmed");
    Ok(())
}

/// Pages until they are dropped.
pub(super) struct Pages<'a> {
    runtime: &'a Runtime,
    gateway: SocketAddr,
    readers: Vec<JoinHandle<()>>,
    /// Their sockets stay open, and nothing reads them.
    slow: Vec<WebSocketStream<tokio::net::TcpStream>>,
    opened: usize,
    begun: Instant,
    /// Milliseconds from the stamp in a message to its arrival at a page.
    delays: Arc<Mutex<Vec<f64>>>,
}

impl<'a> Pages<'a> {
    pub(super) fn new(runtime: &'a Runtime, gateway: SocketAddr) -> Self {
        let (readers, slow, delays) = (Vec::new(), Vec::new(), Arc::default());
        Self { runtime, gateway, readers, slow, opened: 0, begun: Instant::now(), delays }
    }

    /// Opens pages that read, and waits until each shows what the room has. Page `n` has account `n`, if there are so many.
    pub(super) fn open(&mut self, count: usize, accounts: &[Account]) -> Result<()> {
        for number in 0..count {
            let mut socket = self.runtime.block_on(self.socket(accounts.get(number), None))?;
            let (begun, delays) = (self.begun, self.delays.clone());
            self.runtime.block_on(caught_up(&mut socket))?;
            self.readers.push(self.runtime.spawn(async move {
                while let Some(Ok(message)) = socket.next().await {
                    let Message::Text(object) = message else { continue };
                    if let Some(sent) = stamp(&object) {
                        let delay = begun.elapsed().saturating_sub(sent).as_secs_f64() * 1e3;
                        delays.lock().unwrap_or_else(PoisonError::into_inner).push(delay);
                    }
                }
            }));
        }
        Ok(())
    }

    /// Opens pages that read nothing.
    pub(super) fn open_slow(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let socket = self.runtime.block_on(self.socket(None, Some(SLOW_BUFFER)))?;
            self.slow.push(socket);
        }
        Ok(())
    }

    /// Returns the stamp of now, which begins a text.
    pub(super) fn stamp(&self) -> String {
        format!("at={};", self.begun.elapsed().as_micros())
    }

    /// Waits until there are so many delays.
    pub(super) fn wait_for_delays(&self, count: usize) -> Result<()> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let now = self.delays.lock().unwrap_or_else(PoisonError::into_inner).len();
            if now >= count {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "{now} of {count} deliveries");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Takes the delays so far.
    pub(super) fn take_delays(&self) -> Vec<f64> {
        std::mem::take(&mut *self.delays.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn socket(
        &mut self,
        account: Option<&Account>,
        buffer: Option<u32>,
    ) -> Result<WebSocketStream<tokio::net::TcpStream>> {
        let block = u8::try_from(self.opened / PER_ADDRESS)?;
        self.opened += 1;
        let socket = TcpSocket::new_v4()?;
        if let Some(size) = buffer {
            socket.set_recv_buffer_size(size)?;
        }
        socket.bind((IpAddr::V4(Ipv4Addr::new(127, 0, 1, block + 1)), 0).into())?;
        let stream = socket.connect(self.gateway).await?;
        let mut request = format!("ws://{}/api/ws", self.gateway).into_client_request()?;
        request.headers_mut().insert("Origin", format!("http://{}", self.gateway).parse()?);
        if let Some(Account { nickname, token }) = account {
            let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
            let cookie = format!("minechat-{}={}.{}", self.gateway.port(), encode(token), encode(nickname));
            request.headers_mut().insert("Cookie", cookie.parse()?);
        }
        Ok(timeout(WITHIN, client_async(request, stream)).await??.0)
    }
}

impl Drop for Pages<'_> {
    fn drop(&mut self) {
        self.readers.iter().for_each(JoinHandle::abort);
    }
}

async fn caught_up(socket: &mut WebSocketStream<tokio::net::TcpStream>) -> Result<()> {
    loop {
        let message = timeout(WITHIN, socket.next()).await.context("the page does not catch up")?;
        let Message::Text(object) = message.context("the page was closed")?? else { continue };
        if object.contains(r#""type":"caught_up""#) {
            return Ok(());
        }
    }
}

/// Returns the stamp of a message.
fn stamp(object: &str) -> Option<Duration> {
    let (_, rest) = object.split_once(r#""text":"at="#)?;
    Some(Duration::from_micros(rest.split_once(';')?.0.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_stamp_of_a_message() {
        let object = r#"{"type":"message","nick":"A","text":"at=1500;xx"}"#;
        assert_eq!(stamp(object), Some(Duration::from_micros(1_500)));
        assert_eq!(stamp(r#"{"type":"tick"}"#), None);
    }
}
