//! The load generator: one thread with a publisher and all subscribers of a peer.
//!
//! It waits with epoll, reads in large pieces and leaves most bytes in the kernel, so that it is not what limits the
//! server. The connections are in `subscriber` and `publisher`.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use mio::{Events, Poll, Token};
use tokio_rustls::rustls::ClientConnection;

use crate::dialogue;
use crate::measure::Sample;
use crate::peers::{Peer, Running};
use crate::publisher::{Publisher, Workload};
use crate::subscriber::{SampleState, Subscriber};
use crate::thread_time::thread_seconds;
use crate::tls;
use testkit::process;

/// Size of the read buffer. Most subscribers discard in the kernel, so a large one costs nothing.
const BUFFER: usize = 1 << 20;
const EVENTS: usize = 1024;
/// Number of subscriber events after which the publisher is served again.
const SUBSCRIBERS_PER_TURN: usize = 64;
/// Time without an event after which nothing is in transit.
const QUIET: Duration = Duration::from_millis(100);
/// Number of test messages until all subscribers must have received one.
const PROBES: usize = 100;
/// Time without progress after which a round fails.
const STUCK: Duration = Duration::from_secs(30);
/// Bytes by which subscribers may differ: more than the rest of a message after its number, and than a peer sends
/// between messages.
const SLACK: u64 = 128;

/// A server with its subscribers and its publisher.
pub(crate) struct LoadGenerator<'a> {
    server: &'a Running,
    poll: Poll,
    events: Events,
    subscribers: Vec<Subscriber>,
    /// The positions of the samples.
    sampled: Vec<usize>,
    publisher: Publisher<'a>,
    buffer: Vec<u8>,
    begun: Instant,
}

impl<'a> LoadGenerator<'a> {
    /// Connects all and waits until each subscriber has received a message. `samples` of the subscribers read what they
    /// receive; the others only count bytes.
    pub(crate) fn connect(peer: &'a dyn Peer, server: &'a Running, listeners: usize, samples: usize) -> Result<Self> {
        ensure!(listeners > 0, "the number of listeners must be at least 1");
        let poll = Poll::new()?;
        let (mut subscribers, mut sampled) = (Vec::with_capacity(listeners), Vec::new());
        let streams = open_listeners(peer, server, listeners).context("could not connect all listeners")?;
        for (index, (stream, tls)) in streams.into_iter().enumerate() {
            let mut subscriber = Subscriber::new(stream, tls, poll.registry(), Token(index))?;
            // The last one too: a server may serve its listeners in any order.
            if index % listeners.div_ceil(samples) == 0 || index + 1 == listeners {
                sampled.push(index);
                subscriber.sample = Some(SampleState::default());
            }
            subscribers.push(subscriber);
        }
        let stream = dialogue::open(server.write, &peer.writer()).context("could not connect the writer")?;
        let publisher = Publisher::new(peer, stream, poll.registry(), Token(listeners))?;
        let (events, buffer) = (Events::with_capacity(EVENTS), vec![0; BUFFER]);
        let mut load = Self { server, poll, events, subscribers, sampled, publisher, buffer, begun: Instant::now() };
        load.probe()?;
        Ok(load)
    }

    /// Returns the samples.
    pub(crate) fn samples(&mut self) -> impl Iterator<Item = &mut SampleState> {
        self.subscribers.iter_mut().filter_map(|subscriber| subscriber.sample.as_mut())
    }

    /// Lets the samples keep the times of what comes from now on.
    pub(crate) fn keep_times(&mut self) {
        self.samples().for_each(|sample| sample.times = Some(Vec::new()));
    }

    /// Posts, and returns when every subscriber has all messages and every post is confirmed. Units are deliveries.
    pub(crate) fn run(&mut self, work: Workload) -> Result<Sample> {
        self.begin(work)?;
        let sample = self.execute(work)?;
        self.verify(work)?;
        Ok(sample)
    }

    /// Waits until nothing is in transit, resets all counters and sets the workload.
    pub(crate) fn begin(&mut self, work: Workload) -> Result<()> {
        while self.turn(QUIET)? {}
        self.subscribers.iter_mut().for_each(Subscriber::reset);
        self.begun = Instant::now();
        self.publisher.begin(work, self.begun);
        Ok(())
    }

    /// Posts until every subscriber has all messages and every post is confirmed.
    pub(crate) fn execute(&mut self, work: Workload) -> Result<Sample> {
        let (cpu, load_cpu) = (process::cpu_seconds(self.server.pid)?, thread_seconds());
        let (mut all, mut behind) = (None, self.subscribers.len());
        let (mut progress, mut before) = (Instant::now(), (0, 0, 0));
        self.publisher.turn(&mut self.buffer, 0)?;
        while behind > 0 || self.publisher.confirmed() < work.messages {
            let paced = work.per_second.is_some() && self.publisher.posted() < work.messages;
            self.turn(Duration::from_millis(if paced { 1 } else { 1_000 }))?;
            if all.is_none() && self.received() >= work.messages {
                // All subscribers get the same bytes, so the first one's count is the target of the others.
                all = self.subscribers.first().map(|subscriber| subscriber.bytes);
            }
            if let Some(bytes) = all {
                behind = self.subscribers.iter().filter(|subscriber| subscriber.bytes + SLACK < bytes).count();
            }
            let now =
                (self.publisher.confirmed(), self.subscribers.iter().map(|subscriber| subscriber.bytes).sum(), behind);
            if now != before {
                (progress, before) = (Instant::now(), now);
            }
            ensure!(
                progress.elapsed() < STUCK,
                "no progress for 30 s: of {} messages {} are confirmed, the first listener has {}, {behind} listeners \
                 are behind",
                work.messages,
                self.publisher.confirmed(),
                self.received()
            );
        }
        let wall_s = self.begun.elapsed().as_secs_f64();
        let load_cpu_s = thread_seconds() - load_cpu;
        let cpu_s = process::cpu_seconds(self.server.pid)? - cpu;
        let units = work.messages as f64 * self.subscribers.len() as f64;
        Ok(Sample { units, wall_s, cpu_s, load_cpu_s, peak_kib: process::peak_kib(self.server.pid)? })
    }

    /// Posts test messages until every subscriber has received one.
    pub(crate) fn probe(&mut self) -> Result<()> {
        for _ in 0..PROBES {
            self.publisher.begin(Workload { messages: 1, in_flight: 1, echo: false, per_second: None }, Instant::now());
            while self.turn(QUIET)? {}
            if self.subscribers.iter().all(|subscriber| subscriber.bytes > 0) {
                return Ok(());
            }
        }
        let silent = self.subscribers.iter().filter(|subscriber| subscriber.bytes == 0).count();
        anyhow::bail!("{silent} of {} listeners receive nothing", self.subscribers.len())
    }

    /// Checks that all subscribers have the same number of bytes, and the samples every message once and in order.
    pub(crate) fn verify(&mut self, work: Workload) -> Result<()> {
        while self.turn(QUIET)? {}
        let bytes = self.subscribers.first().map_or(0, |subscriber| subscriber.bytes);
        let odd = self.subscribers.iter().filter(|subscriber| subscriber.bytes.abs_diff(bytes) > SLACK).count();
        ensure!(odd == 0, "{odd} listeners got more or less than the first one");
        for sample in self.samples() {
            ensure!(
                sample.messages == work.messages && sample.out_of_order == 0,
                "a listener got {} of {} messages, {} of them out of order",
                sample.messages,
                work.messages,
                sample.out_of_order
            );
        }
        Ok(())
    }

    /// Waits for events, reads, and posts what is due. Returns whether there were events.
    fn turn(&mut self, timeout: Duration) -> Result<bool> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        let begun = self.begun;
        for (count, event) in self.events.iter().enumerate() {
            if let Some(subscriber) = self.subscribers.get_mut(event.token().0) {
                subscriber.receive(&mut self.buffer, || begun.elapsed().as_nanos() as u64)?;
            }
            if count % SUBSCRIBERS_PER_TURN == SUBSCRIBERS_PER_TURN - 1 {
                let echoed = echoed(&self.subscribers, &self.sampled);
                self.publisher.turn(&mut self.buffer, echoed)?;
            }
        }
        let echoed = echoed(&self.subscribers, &self.sampled);
        self.publisher.turn(&mut self.buffer, echoed)?;
        Ok(!self.events.is_empty())
    }

    /// Returns the number of messages at the first subscriber, which is always a sample.
    fn received(&self) -> u64 {
        messages_at(&self.subscribers, 0)
    }
}

fn open_listeners(
    peer: &dyn Peer,
    server: &Running,
    listeners: usize,
) -> Result<Vec<(TcpStream, Option<ClientConnection>)>> {
    let Some(config) = peer.tls() else {
        let plain = dialogue::open_all(server.listen, listeners, |index| peer.listener(index))?;
        return Ok(plain.into_iter().map(|stream| (stream, None)).collect());
    };
    let open = |index| {
        let (stream, tls) = tls::open(server.listen, Arc::clone(&config), &peer.listener(index))?;
        Ok((stream, Some(tls)))
    };
    (0..listeners).map(open).collect()
}

/// Returns the number of messages that any sample has.
fn echoed(subscribers: &[Subscriber], sampled: &[usize]) -> u64 {
    sampled.iter().map(|&index| messages_at(subscribers, index)).max().unwrap_or(0)
}

fn messages_at(subscribers: &[Subscriber], index: usize) -> u64 {
    subscribers.get(index).and_then(|subscriber| subscriber.sample.as_ref()).map_or(0, |sample| sample.messages)
}
