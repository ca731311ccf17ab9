//! The posting connection of the load generator: keeps a number of posts in flight, or posts at a fixed rate.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream as StdStream;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::peers::{Confirms, Counter, Peer};
use crate::text;

/// What to post.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) messages: u64,
    /// Maximum number of unconfirmed posts.
    pub(crate) in_flight: u64,
    /// A post is also in flight until one of the listeners has it. Otherwise a server that confirms before it delivers
    /// could batch many posts into one send, however few are in flight.
    pub(crate) echo: bool,
    /// Posts per second, regardless of the number in flight; `None` posts as fast as posts are confirmed.
    pub(crate) per_second: Option<u64>,
}

impl Workload {
    /// Returns the number of posts that are due `passed` nanoseconds after the beginning, with `confirmed` confirmed.
    pub(crate) fn due(&self, passed: u64, confirmed: u64) -> u64 {
        let number = match self.per_second {
            None => confirmed + self.in_flight,
            Some(rate) => (passed as f64 * rate as f64 / 1e9) as u64 + 1,
        };
        number.min(self.messages)
    }

    /// Returns the time that message `number` contains. At a fixed rate it is the time at which the message is due, so
    /// that a late generator counts as delay, too.
    pub(crate) fn time(&self, number: u64, passed: u64) -> u64 {
        self.per_second.map_or(passed, |rate| (number as f64 * 1e9 / rate as f64) as u64)
    }
}

/// The client side of a writer.
pub(crate) struct Publisher<'a> {
    peer: &'a dyn Peer,
    socket: TcpStream,
    work: Workload,
    begun: Instant,
    waiting: Vec<u8>,
    posted: u64,
    confirmed: u64,
    counter: Counter,
    /// Posts of earlier workloads, so that no id is used twice.
    earlier: u64,
    text: Vec<u8>,
}

impl<'a> Publisher<'a> {
    pub(crate) fn new(peer: &'a dyn Peer, stream: StdStream, registry: &Registry, token: Token) -> Result<Self> {
        stream.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(stream);
        registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        let work = Workload { messages: 0, in_flight: 0, echo: false, per_second: None };
        let (waiting, text) = (Vec::new(), Vec::with_capacity(text::LENGTH));
        let counter = Counter::new(peer.confirms());
        let (begun, posted, confirmed, earlier) = (Instant::now(), 0, 0, 0);
        Ok(Self { peer, socket, work, begun, waiting, posted, confirmed, counter, earlier, text })
    }

    /// Sets a new workload. Nothing may be in flight.
    pub(crate) fn begin(&mut self, work: Workload, begun: Instant) {
        self.earlier += self.posted;
        (self.posted, self.confirmed) = (0, 0);
        (self.work, self.begun) = (work, begun);
    }

    /// Returns the number of posts.
    pub(crate) fn posted(&self) -> u64 {
        self.posted
    }

    /// Returns the number of confirmed posts.
    pub(crate) fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// Reads available confirmations and posts what is due. `received` is the number of messages that any listener has.
    pub(crate) fn turn(&mut self, buffer: &mut [u8], received: u64) -> Result<()> {
        self.receive(buffer)?;
        if self.peer.confirms() == Confirms::Echo {
            self.confirmed = received;
        }
        let passed = self.begun.elapsed().as_nanos() as u64;
        let taken = if self.work.echo { self.confirmed.min(received) } else { self.confirmed };
        let due = self.work.due(passed, taken);
        while self.posted < due {
            self.text.clear();
            text::append(&mut self.text, self.posted, self.work.time(self.posted, passed));
            self.peer.post(self.earlier + self.posted, &self.text, &mut self.waiting);
            self.posted += 1;
        }
        self.flush()
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<()> {
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
    fn window_and_rate_decide_what_is_due() {
        let window = Workload { messages: 100, in_flight: 10, echo: false, per_second: None };
        assert_eq!([0, 50, 95].map(|confirmed| window.due(7, confirmed)), [10, 60, 100]);
        let paced = Workload { per_second: Some(1_000), ..window };
        assert_eq!([0, 999_999, 1_000_000, 60_000_000_000].map(|passed| paced.due(passed, 0)), [1, 1, 2, 100]);
        assert_eq!((paced.time(3, 9), window.time(3, 9)), (3_000_000, 9));
    }
}
