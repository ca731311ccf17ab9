//! A writer that posts numbered messages as fast as they are confirmed, until its connection ends.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail};

use super::cut_check::Confirmation;
use crate::programs::{GUARD, Peer, id_post};
use crate::rig::post_text;

/// One account, over all cuts of a store.
#[derive(Debug)]
pub(super) struct CutWriter {
    seed: u64,
    number: usize,
    token: String,
    /// The complete nickname.
    pub(super) nickname: String,
    /// The confirmation of each message, in the order of the messages.
    pub(super) confirmations: Vec<Confirmation>,
    /// The length of `confirmations`, for the thread that cuts.
    pub(super) confirmed: Arc<AtomicU64>,
}

impl CutWriter {
    /// Registers an account.
    pub(super) async fn register(address: SocketAddr, seed: u64, number: usize) -> Result<Self> {
        let (_, token, nickname) = Peer::register_named(address, &format!("writer {number}")).await?;
        Ok(Self { seed, number, token, nickname, confirmations: Vec::new(), confirmed: Arc::default() })
    }

    /// Logs in.
    pub(super) async fn connect(&self, address: SocketAddr) -> Result<TcpStream> {
        let stream = Peer::log_in(address, &self.token).await?.into_stream().into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(GUARD))?;
        Ok(stream)
    }

    /// Posts until the connection ends, which is no error. What was not confirmed before is posted again with the same
    /// ids, then new messages follow. Blocks.
    pub(super) fn post(&mut self, mut stream: TcpStream, in_flight: u64) -> Result<()> {
        let (mut next, mut posts, mut answers) = (self.confirmations.len() as u64, String::new(), Vec::new());
        let mut buffer = vec![0; 64 * 1024];
        loop {
            posts.clear();
            while next < self.confirmations.len() as u64 + in_flight {
                let text = serde_json::to_string(&post_text::text(self.seed, self.number, next))?;
                posts.push_str(&id_post(&post_text::id(self.number, next), text.trim_matches('"')));
                next += 1;
            }
            if stream.write_all(posts.as_bytes()).is_err() {
                return Ok(());
            }
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => answers.extend_from_slice(&buffer[..count]),
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                    bail!("the server does not answer");
                }
                Err(_) => return Ok(()),
            }
            let complete = answers.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            for line in answers[..complete].split_inclusive(|&byte| byte == b'\n') {
                match self.confirmation(line)? {
                    Some(confirmation) => self.confirmations.push(confirmation),
                    // The disk is gone: the server declines everything until it is killed.
                    None => return Ok(()),
                }
            }
            answers.drain(..complete);
            // Release pairs with the load of the thread that cuts, though the count alone would be enough for it.
            self.confirmed.store(self.confirmations.len() as u64, Ordering::Release);
        }
    }

    /// Forgets the confirmations beyond the messages that the log has: they arrived while the power was cut, and their
    /// messages are posted again.
    pub(super) fn forget_beyond(&mut self, stored: u64) {
        self.confirmations.truncate(usize::try_from(stored).unwrap_or(usize::MAX));
        self.confirmed.store(self.confirmations.len() as u64, Ordering::Release);
    }

    /// Parses the answer to the next message. Returns `None` if it was declined.
    fn confirmation(&self, line: &[u8]) -> Result<Option<Confirmation>> {
        let line = std::str::from_utf8(line)?.trim_start_matches('\u{1}');
        let answer: serde_json::Value = serde_json::from_str(line).with_context(|| format!("no answer: {line:?}"))?;
        if answer.get("no").is_some() {
            return Ok(None);
        }
        let expected = post_text::id(self.number, self.confirmations.len() as u64);
        if answer["ok"] != expected.as_str() {
            bail!("the answer to {expected} is {answer}");
        }
        let stream = answer["stream"].as_str().context("no stream")?.to_owned();
        Ok(Some(Confirmation { stream, seq: answer["seq"].as_u64().context("no number")? }))
    }
}
