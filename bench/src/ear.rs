//! One listening connection: counts bytes, and reads what only some connections read. It decides nothing.

use std::io;
use std::net::TcpStream as StdStream;

use anyhow::{Context as _, Result, ensure};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustix::net::{RecvFlags, recv};

use crate::text::Finder;

/// A listener's end.
pub struct Ear {
    socket: TcpStream,
    /// How many bytes have come.
    pub bytes: u64,
    /// Only samples have one: they look at what comes.
    pub sample: Option<Sampled>,
}

/// What a sample has seen.
#[derive(Debug, Default)]
pub struct Sampled {
    finder: Finder,
    /// How many messages have come.
    pub messages: u64,
    /// Messages that did not have the number after the one before.
    pub out_of_order: u64,
    /// The times that stood in the messages, when they came, if asked for.
    pub times: Option<Vec<(u64, u64)>>,
}

impl Ear {
    pub fn new(stream: StdStream, registry: &Registry, token: Token) -> Result<Self> {
        stream.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(stream);
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Self { socket, bytes: 0, sample: None })
    }

    /// Takes all that is there. A sample looks at it; for all others the kernel drops it without copying it
    /// (`MSG_TRUNC`), so that the generator is not what limits the server.
    pub fn take(&mut self, buffer: &mut [u8], now: impl Fn() -> u64) -> Result<()> {
        let flags = if self.sample.is_some() { RecvFlags::empty() } else { RecvFlags::TRUNC };
        loop {
            match recv(&self.socket, &mut *buffer, flags) {
                Ok((_, count)) => {
                    ensure!(count > 0, "the server closed the connection of a listener");
                    self.bytes += count as u64;
                    if let Some(sample) = &mut self.sample {
                        sample.look_at(&buffer[..count], &now);
                    }
                    // Less than there was room for: the next bytes wake us again.
                    if count < buffer.len() {
                        return Ok(());
                    }
                }
                Err(error) if io::Error::from(error).kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("a listener's connection broke"),
            }
        }
    }

    /// Forgets what has come.
    pub fn reset(&mut self) {
        self.bytes = 0;
        if let Some(sample) = &mut self.sample {
            *sample = Sampled { times: sample.times.take().map(|_| Vec::new()), ..Sampled::default() };
        }
    }
}

impl Sampled {
    fn look_at(&mut self, bytes: &[u8], now: impl Fn() -> u64) {
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
