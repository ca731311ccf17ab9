//! The resuming listener: requests the last messages and reads them.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::thread_time::thread_seconds;

/// Time without input after which the round fails.
const TIMEOUT: Duration = Duration::from_secs(30);
const BUFFER: usize = 256 * 1024;

/// Measurements of one resume.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CaughtUp {
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
}

/// The server's answer before the messages.
#[derive(Debug, Deserialize)]
struct Answer {
    from: u64,
    head: u64,
}

/// Connects, requests the last `messages` messages and reads them. Time is measured from the request.
pub(crate) fn catch_up(server: SocketAddr, messages: u64) -> Result<CaughtUp> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let (begun, cpu) = (Instant::now(), thread_seconds());
    stream.write_all(format!("\u{1}{{\"resume\": {{\"last\": {messages}}}, \"nonce\": \"bench\"}}\n").as_bytes())?;
    let (mut buffer, mut first, mut lines) = (vec![0; BUFFER], Vec::new(), 0);
    while lines < messages + 1 {
        let count = stream.read(&mut buffer).context("the server sends no more messages")?;
        ensure!(count > 0, "the server closed the connection");
        if lines == 0 {
            first.extend_from_slice(&buffer[..count]);
        }
        lines += memchr::memchr_iter(b'\n', &buffer[..count]).count() as u64;
    }
    let caught_up = CaughtUp { wall_s: begun.elapsed().as_secs_f64(), cpu_s: thread_seconds() - cpu };
    let answer = answer(&first)?;
    let offered = answer.head + 1 - answer.from;
    ensure!(offered == messages, "the server offers {offered} messages, not {messages}");
    Ok(caught_up)
}

/// Parses the line before the messages.
fn answer(bytes: &[u8]) -> Result<Answer> {
    let line = bytes.strip_prefix(b"\x01").context("the server does not support resuming")?;
    let end = memchr::memchr(b'\n', line).context("the answer has no line feed")?;
    Ok(serde_json::from_slice(&line[..end])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_answer() -> Result<()> {
        let bytes = b"\x01{\"stream\": \"k3f9\", \"from\": 6, \"head\": 9, \"nonce\": \"bench\"}\n\x01{\"seq\": 6";
        let answer = answer(bytes)?;
        assert_eq!((answer.from, answer.head), (6, 9));
        assert!(super::answer(b"Bob: hello\n").is_err());
        Ok(())
    }
}
