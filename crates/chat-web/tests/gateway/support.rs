//! A gateway in front of a room in memory, and a browser's two ways to talk to it.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_client::testing::Room;
use chat_client::{BoxedIo, ClientConfig};
use chat_web::{ConnectionInfo, Dialler, Gateway, GatewayConfig};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

/// The name of the gateway in tests.
pub(crate) const HOST: &str = "127.0.0.1:8080";

/// Longer than every deadline of the gateway.
const DEADLINE: Duration = Duration::from_secs(600);

/// A gateway in front of a room in memory.
pub(crate) struct Rig {
    pub(crate) room: Room,
    pub(crate) gateway: Gateway,
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn code(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
}

impl Rig {
    pub(crate) fn new(room: Room) -> Self {
        Self::with(room, |_| {})
    }

    pub(crate) fn with(room: Room, change: impl FnOnce(&mut GatewayConfig)) -> Self {
        let gateway = start(&room, change);
        Self { room, gateway }
    }

    /// Replaces the gateway by a new run, as after a crash: nothing is drained.
    pub(crate) fn restart(&mut self) {
        self.gateway = start(&self.room, |_| {});
    }

    /// Returns the cookie of the room's account.
    pub(crate) fn cookie(&self) -> String {
        cookie(self.room.token().expose(), "Keen Bob")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.post_with(path, body, "").await
    }

    /// Sends a POST of the page with further lines in its header.
    pub(crate) async fn post_with(&self, path: &str, body: &str, lines: &str) -> Answer {
        let length = body.len();
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nOrigin: http://{HOST}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{lines}Connection: close\r\n\r\n{body}"
        ))
        .await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: &str) -> Answer {
        let text = String::from_utf8(self.raw(request).await).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).unwrap_or_default().parse().unwrap_or_default();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Sends a request as it is, and returns every byte of the answer.
    pub(crate) async fn raw(&self, request: &str) -> Vec<u8> {
        let mut stream = connect(&self.gateway, false);
        // A gateway that has heard enough answers and closes.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut raw = Vec::new();
        timeout(DEADLINE, stream.read_to_end(&mut raw)).await.unwrap().unwrap();
        raw
    }

    /// Opens a page with the room's account.
    pub(crate) async fn page(&self, query: &str) -> PageSocket {
        self.page_with(query, Some(&self.cookie())).await
    }

    pub(crate) async fn page_with(&self, query: &str, cookie: Option<&str>) -> PageSocket {
        page(Box::new(connect(&self.gateway, false)), HOST, query, cookie).await
    }
}

fn start(room: &Room, change: impl FnOnce(&mut GatewayConfig)) -> Gateway {
    let mut config = GatewayConfig::new(ClientConfig::default());
    let room = room.clone();
    config.dialler = Some(Dialler::from_dials(move || room.dial()));
    change(&mut config);
    Gateway::start(config)
}

/// Connects to a gateway as a browser of this machine does.
pub(crate) fn connect(gateway: &Gateway, secure: bool) -> DuplexStream {
    let (ours, theirs) = duplex(64 * 1024);
    let info = ConnectionInfo { peer: "127.0.0.1:9".parse().unwrap(), local: HOST.parse().unwrap(), secure };
    let gateway = gateway.clone();
    tokio::spawn(async move { gateway.serve_stream(theirs, info).await });
    ours
}

/// Returns the cookie of an account at the gateway of a test.
pub(crate) fn cookie(token: &str, nickname: &str) -> String {
    cookie_at(HOST, token, nickname)
}

/// Returns the cookie of an account at a gateway.
pub(crate) fn cookie_at(host: &str, token: &str, nickname: &str) -> String {
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let (_, port) = host.rsplit_once(':').unwrap();
    format!("minechat-{port}={}.{}", encode(token), encode(nickname))
}

/// Opens the WebSocket of a page.
pub(crate) async fn page(stream: BoxedIo, host: &str, query: &str, cookie: Option<&str>) -> PageSocket {
    let mut request = format!("ws://{host}/api/ws{query}").into_client_request().unwrap();
    request.headers_mut().insert("Origin", format!("http://{host}").parse().unwrap());
    if let Some(cookie) = cookie {
        request.headers_mut().insert("Cookie", cookie.parse().unwrap());
    }
    let (socket, _) = client_async(request, stream).await.unwrap();
    PageSocket { socket }
}

/// The WebSocket of a page.
pub(crate) struct PageSocket {
    pub(crate) socket: WebSocketStream<BoxedIo>,
}

impl PageSocket {
    /// Waits for the next object; `None` when the socket has ended.
    pub(crate) async fn next_of_any(&mut self) -> Option<Value> {
        loop {
            match timeout(DEADLINE, self.socket.next()).await.expect("an object") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Waits for the next object that is not a `state` or a `tick`.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let object = self.next_of_any().await.expect("an object before the end");
            if object["type"] != "state" && object["type"] != "tick" {
                return object;
            }
        }
    }

    /// Waits for the next object of a type, and drops what comes before it.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            let object = self.next_of_any().await.unwrap_or_else(|| panic!("ended before {kind}"));
            if object["type"] == kind {
                return object;
            }
        }
    }

    /// Waits for the final receipt of a post.
    pub(crate) async fn receipt(&mut self, id: &str) -> Value {
        loop {
            let receipt = self.until("receipt").await;
            if receipt["id"] == id && receipt["state"] != "accepted" {
                return receipt;
            }
        }
    }

    /// Waits for the texts up to `caught_up`.
    pub(crate) async fn backlog(&mut self) -> Vec<String> {
        let mut texts = Vec::new();
        loop {
            let object = self.next().await;
            match object["type"].as_str().unwrap() {
                "caught_up" => return texts,
                "message" => texts.push(object["text"].as_str().unwrap().to_owned()),
                _ => {}
            }
        }
    }

    pub(crate) async fn say(&mut self, object: &Value) {
        self.socket.send(Message::text(object.to_string())).await.unwrap();
    }

    pub(crate) async fn post(&mut self, id: &str, text: &str, resend: bool) {
        self.say(&serde_json::json!({"type": "post", "id": id, "text": text, "resend": resend})).await;
    }
}
