//! The server's end of one connection, driven line by line by a test.

use chat_client::Side;
use chat_client::testing::PipeRoom;
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};

use crate::wire::{GREETING, TOKEN, WELCOME, account};

/// A scripted server. All methods panic when the client does something else than the script.
#[derive(Debug)]
pub struct ScriptedPeer<IO = DuplexStream> {
    io: BufReader<IO>,
}

impl ScriptedPeer {
    /// Waits for the next connection, which must be to this port.
    ///
    /// # Panics
    /// The connection is to the other port, or there are no more diallers.
    pub async fn accept(room: &mut PipeRoom, expected: Side) -> Self {
        let (side, io) = room.accept().await.expect("a client dials");
        assert_eq!(side, expected);
        Self::new(io)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> ScriptedPeer<IO> {
    /// Takes an accepted connection.
    #[must_use]
    pub fn new(io: IO) -> Self {
        Self { io: BufReader::new(io) }
    }

    /// Sends these bytes.
    ///
    /// # Panics
    /// The client has closed the connection.
    pub async fn say(&mut self, bytes: &str) {
        self.io.write_all(bytes.as_bytes()).await.expect("an open connection");
    }

    /// Receives one line; empty at the end of the stream.
    ///
    /// # Panics
    /// The connection broke, or the line is not UTF-8.
    pub async fn hear(&mut self) -> String {
        let mut line = String::new();
        self.io.read_line(&mut line).await.expect("a line");
        line
    }

    /// Receives everything until the stream ends.
    ///
    /// # Panics
    /// The connection broke, or the bytes are not UTF-8.
    pub async fn hear_rest(&mut self) -> String {
        let mut rest = String::new();
        self.io.read_to_string(&mut rest).await.expect("an end");
        rest
    }

    /// Accepts the login of `Keen Bob`; `extensions` is the value of the record's field, if any.
    ///
    /// # Panics
    /// The client does not log in with [`TOKEN`].
    pub async fn let_in(&mut self, extensions: Option<&str>) {
        self.say(GREETING).await;
        assert_eq!(self.hear().await, format!("{TOKEN}\n"));
        self.say(&format!("{}{WELCOME}", account("Keen Bob", extensions))).await;
    }

    /// Receives a request to resume and returns its JSON.
    ///
    /// # Panics
    /// The next line is not an extension line.
    pub async fn hear_request(&mut self) -> Value {
        let line = self.hear().await;
        serde_json::from_str(line.strip_prefix('\u{1}').expect("an extension line")).expect("JSON")
    }

    /// Answers a request to resume.
    pub async fn answer(&mut self, request: &Value, stream: &str, from: u64, head: u64) {
        let answer = json!({"stream": stream, "from": from, "head": head, "nonce": request["nonce"]});
        self.say(&format!("\u{1}{answer}\n")).await;
    }

    /// Sends a numbered message.
    pub async fn say_numbered(&mut self, seq: u64, text: &str) {
        let message = json!({"seq": seq, "at": 1_700_000_000_000_u64 + seq, "nick": "Keen Bob", "text": text});
        self.say(&format!("\u{1}{message}\n")).await;
    }
}
