//! The posting connection: keeps so many posts in flight, or posts at a rate. Who listens is not its business.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream as StdStream;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::peers::{Confirms, Counter, Peer};
use crate::text;

/// What is to be posted.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    pub messages: u64,
    /// How many may be posted and not confirmed.
    pub in_flight: u64,
    /// A post is in flight until the first listener has it, too. Who confirms before it delivers would otherwise
    /// gather many posts for one send, however few are in flight.
    pub echo: bool,
    /// Posts a second, whatever is in flight; as fast as they are confirmed without it.
    pub per_second: Option<u64>,
}

impl Work {
    /// How many are due so many nanoseconds after the beginning, when so many are confirmed.
    fn due(&self, passed: u64, confirmed: u64) -> u64 {
        let number = match self.per_second {
            None => confirmed + self.in_flight,
            Some(rate) => (passed as f64 * rate as f64 / 1e9) as u64 + 1,
        };
        number.min(self.messages)
    }

    /// The time that message `number` carries. At a rate it is the time at which it was due, so that it counts as
    /// delay when we or the server are late.
    fn time(&self, number: u64, passed: u64) -> u64 {
        self.per_second.map_or(passed, |rate| (number as f64 * 1e9 / rate as f64) as u64)
    }
}

/// The writer's end.
pub struct Mouth<'a> {
    peer: &'a dyn Peer,
    socket: TcpStream,
    work: Work,
    begun: Instant,
    waiting: Vec<u8>,
    posted: u64,
    confirmed: u64,
    counter: Counter,
    /// Posts of earlier works, so that no id is used twice.
    earlier: u64,
    text: Vec<u8>,
}

impl<'a> Mouth<'a> {
    pub fn new(peer: &'a dyn Peer, stream: StdStream, registry: &Registry, token: Token) -> Result<Self> {
        stream.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(stream);
        registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        let work = Work { messages: 0, in_flight: 0, echo: false, per_second: None };
        let (waiting, text) = (Vec::new(), Vec::with_capacity(text::LENGTH));
        let counter = Counter::new(peer.confirms());
        let (begun, posted, confirmed, earlier) = (Instant::now(), 0, 0, 0);
        Ok(Self { peer, socket, work, begun, waiting, posted, confirmed, counter, earlier, text })
    }

    /// Takes up new work. Nothing may be in flight.
    pub fn begin(&mut self, work: Work, begun: Instant) {
        self.earlier += self.posted;
        (self.posted, self.confirmed) = (0, 0);
        (self.work, self.begun) = (work, begun);
    }

    /// How many have been posted.
    pub fn posted(&self) -> u64 {
        self.posted
    }

    /// How many of them the server has confirmed.
    pub fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// Takes the confirmations that are there and posts what is due. `heard` is how many messages have come back.
    pub fn turn(&mut self, buffer: &mut [u8], heard: u64) -> Result<()> {
        self.take(buffer)?;
        if self.peer.confirms() == Confirms::Echo {
            self.confirmed = heard;
        }
        let passed = self.begun.elapsed().as_nanos() as u64;
        let taken = if self.work.echo { self.confirmed.min(heard) } else { self.confirmed };
        let due = self.work.due(passed, taken);
        while self.posted < due {
            self.text.clear();
            text::append(&mut self.text, self.posted, self.work.time(self.posted, passed));
            self.peer.post(self.earlier + self.posted, &self.text, &mut self.waiting);
            self.posted += 1;
        }
        self.flush()
    }

    fn take(&mut self, buffer: &mut [u8]) -> Result<()> {
        loop {
            match self.socket.read(buffer) {
                Ok(count) => {
                    ensure!(count > 0, "the server closed the connection of the writer");
                    self.confirmed += self.counter.feed(&buffer[..count]);
                    if count < buffer.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("the writer's connection broke"),
            }
        }
    }

    fn flush(&mut self) -> Result<()> {
        while !self.waiting.is_empty() {
            match self.socket.write(&self.waiting) {
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("the writer's connection broke"),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_and_a_rate_say_what_is_due() {
        let window = Work { messages: 100, in_flight: 10, echo: false, per_second: None };
        assert_eq!([0, 50, 95].map(|confirmed| window.due(7, confirmed)), [10, 60, 100]);
        let paced = Work { per_second: Some(1_000), ..window };
        assert_eq!([0, 999_999, 1_000_000, 60_000_000_000].map(|passed| paced.due(passed, 0)), [1, 1, 2, 100]);
        assert_eq!((paced.time(3, 9), window.time(3, 9)), (3_000_000, 9));
    }
}
