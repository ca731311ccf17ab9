//! One listening connection of the load generator.

use std::io;
use std::net::TcpStream as StdStream;

use anyhow::{Context as _, Result, ensure};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustix::net::{RecvFlags, recv};
use tokio_rustls::rustls::ClientConnection;

use crate::text::Finder;
use crate::tls;

/// The client side of a listener.
pub(crate) struct Subscriber {
    socket: TcpStream,
    /// Decrypts what is received.
    tls: Option<Box<ClientConnection>>,
    /// Number of bytes received, without those of TLS.
    pub(crate) bytes: u64,
    /// Set for samples, which read what they receive.
    pub(crate) sample: Option<SampleState>,
}

/// What a sample has received.
#[derive(Debug, Default)]
pub(crate) struct SampleState {
    finder: Finder,
    /// Number of messages.
    pub(crate) messages: u64,
    /// Number of messages that do not follow the one before.
    pub(crate) out_of_order: u64,
    /// For each message, the time that it contains and the time of its arrival; `None` unless requested.
    pub(crate) times: Option<Vec<(u64, u64)>>,
}

impl Subscriber {
    pub(crate) fn new(
        stream: StdStream,
        tls: Option<ClientConnection>,
        registry: &Registry,
        token: Token,
    ) -> Result<Self> {
        stream.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(stream);
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Self { socket, tls: tls.map(Box::new), bytes: 0, sample: None })
    }

    /// Reads all available bytes. For plain connections that are not samples the kernel discards them without a copy
    /// (`MSG_TRUNC`), so that the generator does not limit the server.
    pub(crate) fn receive(&mut self, buffer: &mut [u8], now: impl Fn() -> u64) -> Result<()> {
        let is_read = self.sample.is_some() || self.tls.is_some();
        let flags = if is_read { RecvFlags::empty() } else { RecvFlags::TRUNC };
        loop {
            match recv(&self.socket, &mut *buffer, flags) {
                Ok((_, count)) => {
                    ensure!(count > 0, "the server closed the connection of a listener");
                    let Self { tls, bytes, sample, .. } = self;
                    let mut take = |plain: &[u8]| {
                        *bytes += plain.len() as u64;
                        if let Some(sample) = sample {
                            sample.parse(plain, &now);
                        }
                    };
                    match tls {
                        Some(tls) => tls::decrypt(tls, &buffer[..count], take)?,
                        None if is_read => take(&buffer[..count]),
                        // With MSG_TRUNC there is nothing in the buffer.
                        None => *bytes += count as u64,
                    }
                    // The socket is empty: epoll reports the next bytes.
                    if count < buffer.len() {
                        return Ok(());
                    }
                }
                Err(error) if io::Error::from(error).kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("a listener's connection broke"),
            }
        }
    }

    /// Resets all counters.
    pub(crate) fn reset(&mut self) {
        self.bytes = 0;
        if let Some(sample) = &mut self.sample {
            *sample = SampleState { times: sample.times.take().map(|_| Vec::new()), ..SampleState::default() };
        }
    }
}

impl SampleState {
    fn parse(&mut self, bytes: &[u8], now: impl Fn() -> u64) {
        let came = now();
        let Self { finder, messages, out_of_order, times } = self;
        finder.feed(bytes, |number, time| {
            *out_of_order += u64::from(number != *messages);
            *messages += 1;
            if let Some(times) = times {
                times.push((time, came));
            }
        });
    }
}
