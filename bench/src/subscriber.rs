//! One listening connection of the load generator.

use std::io;
use std::net::TcpStream as StdStream;

use anyhow::{Context as _, Result, ensure};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustix::net::{RecvFlags, recv};

use crate::text::Finder;

/// The client side of a listener.
pub(crate) struct Subscriber {
    socket: TcpStream,
    /// Number of bytes received.
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
    pub(crate) fn new(stream: StdStream, registry: &Registry, token: Token) -> Result<Self> {
        stream.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(stream);
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Self { socket, bytes: 0, sample: None })
    }

    /// Reads all available bytes. For connections that are not samples the kernel discards them without a copy
    /// (`MSG_TRUNC`), so that the generator does not limit the server.
    pub(crate) fn receive(&mut self, buffer: &mut [u8], now: impl Fn() -> u64) -> Result<()> {
        let flags = if self.sample.is_some() { RecvFlags::empty() } else { RecvFlags::TRUNC };
        loop {
            match recv(&self.socket, &mut *buffer, flags) {
                Ok((_, count)) => {
                    ensure!(count > 0, "the server closed the connection of a listener");
                    self.bytes += count as u64;
                    if let Some(sample) = &mut self.sample {
                        sample.parse(&buffer[..count], &now);
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
