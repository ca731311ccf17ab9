//! Writers and listeners spread over the nodes of a room, on one thread.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use mio::{Events, Poll, Token};

use super::posts::Confirmed;
use super::writer::Writer;
use crate::dialogue::{self, Step};
use crate::publisher::Workload;
use crate::subscriber::{SampleState, Subscriber};

const BUFFER: usize = 1 << 20;
const EVENTS: usize = 1024;
/// How often posts are made at a fixed rate.
const TICK: Duration = Duration::from_millis(1);
/// Time without progress after which a round fails: longer than an election takes.
const STUCK: Duration = Duration::from_secs(60);
/// Bytes by which listeners may differ: more than the rest of a message after its number.
const SLACK: u64 = 128;

/// All connections of a round.
pub(super) struct Crowd {
    poll: Poll,
    events: Events,
    writers: Vec<Writer>,
    listeners: Vec<Subscriber>,
    buffer: Vec<u8>,
    begun: Instant,
    confirmed: Vec<Confirmed>,
}

impl Crowd {
    /// Connects to the nodes, whose addresses are those for listeners and for writers, in turn. The first listener of each
    /// node reads what it receives, the others count bytes.
    pub(super) fn connect(nodes: &[(SocketAddr, SocketAddr)], writers: usize, listeners: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let places = nodes.iter().cycle();
        let connect =
            |(index, (_, node)): (usize, &(_, SocketAddr))| Writer::connect(*node, poll.registry(), Token(index));
        let all: Result<Vec<Writer>> = places.take(writers).enumerate().map(connect).collect();
        let (all, mut subscribers) = (all.context("could not connect the writers")?, Vec::new());
        for (index, (node, _)) in nodes.iter().enumerate() {
            let share = listeners / nodes.len() + usize::from(index < listeners % nodes.len());
            let steps = |_| vec![Step::new("\x01{\"resume\": {\"last\": 0}, \"nonce\": \"bench\"}\n", "\n")];
            let streams = dialogue::open_all(*node, share, steps).context("could not connect all listeners")?;
            for (place, stream) in streams.into_iter().enumerate() {
                let token = Token(writers + subscribers.len());
                let mut subscriber = Subscriber::new(stream, None, poll.registry(), token)?;
                if place == 0 {
                    let sample = subscriber.sample.insert(SampleState::default());
                    sample.times = Some(Vec::new());
                }
                subscribers.push(subscriber);
            }
        }
        let (events, buffer) = (Events::with_capacity(EVENTS), vec![0; BUFFER]);
        let confirmed = Vec::new();
        Ok(Self { poll, events, writers: all, listeners: subscribers, buffer, begun: Instant::now(), confirmed })
    }

    /// Gives each writer a workload.
    pub(super) fn begin(&mut self, work: Workload) {
        self.writers.iter_mut().for_each(|writer| writer.posts.begin(work));
        self.listeners.iter_mut().for_each(Subscriber::reset);
        self.confirmed.clear();
        self.begun = Instant::now();
    }

    /// Returns the nanoseconds since the beginning.
    pub(super) fn passed(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }

    /// Returns what was confirmed since the beginning.
    pub(super) fn confirmed(&self) -> &[Confirmed] {
        &self.confirmed
    }

    /// Returns the number of attempts that were declined.
    pub(super) fn refusals(&self) -> u64 {
        self.writers.iter().map(|writer| writer.posts.refusals()).sum()
    }

    /// Returns when the oldest post was due that is not confirmed.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.writers.iter().filter_map(|writer| writer.posts.oldest()).min()
    }

    /// Returns the bytes that all listeners have received.
    pub(super) fn bytes(&self) -> u64 {
        self.listeners.iter().map(|listener| listener.bytes).sum()
    }

    /// Returns the seconds that messages took until the first listener of each node had them.
    pub(super) fn delivery_times(&self) -> Vec<f64> {
        let samples = self.listeners.iter().filter_map(|listener| listener.sample.as_ref());
        let times = samples.flat_map(|sample| sample.times.iter().flatten());
        times.map(|(due, came)| came.saturating_sub(*due) as f64 / 1e9).collect()
    }

    /// Posts and reads for this long.
    pub(super) fn work_for(&mut self, period: Duration) -> Result<()> {
        let end = Instant::now() + period;
        while Instant::now() < end {
            self.turn()?;
        }
        Ok(())
    }

    /// Lets the writers post nothing new, and waits until all posts are confirmed.
    pub(super) fn end(&mut self) -> Result<()> {
        self.writers.iter_mut().for_each(|writer| writer.posts.end());
        self.finish()
    }

    /// Posts until all posts are confirmed.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.work_until("confirmed", |this| this.writers.iter().all(|writer| writer.posts.is_done()))
    }

    /// Reads until every listener has all messages of the only writer, which are `messages`.
    pub(super) fn deliver(&mut self, messages: u64) -> Result<()> {
        self.work_until("delivered", |this| {
            let samples = this.listeners.iter().filter_map(|listener| listener.sample.as_ref());
            let bytes = this.listeners.first().map_or(0, |listener| listener.bytes);
            samples.into_iter().all(|sample| sample.messages >= messages)
                && this.listeners.iter().all(|listener| listener.bytes + SLACK >= bytes)
        })?;
        for sample in self.listeners.iter().filter_map(|listener| listener.sample.as_ref()) {
            let (count, odd) = (sample.messages, sample.out_of_order);
            ensure!(count == messages && odd == 0, "a listener got {count} of {messages} messages, {odd} out of order");
        }
        Ok(())
    }

    fn work_until(&mut self, what: &str, is_done: impl Fn(&Self) -> bool) -> Result<()> {
        let (mut before, mut progress) = ((0, 0), Instant::now());
        while !is_done(self) {
            self.turn()?;
            let now = (self.confirmed.len(), self.bytes());
            if now != before {
                (before, progress) = (now, Instant::now());
            }
            ensure!(progress.elapsed() < STUCK, "not everything is {what}, and no progress for {} s", STUCK.as_secs());
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(TICK)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        let begun = self.begun;
        for event in &self.events {
            let index = event.token().0.checked_sub(self.writers.len());
            if let Some(listener) = index.and_then(|index| self.listeners.get_mut(index)) {
                listener.receive(&mut self.buffer, || begun.elapsed().as_nanos() as u64)?;
            }
        }
        let passed = self.passed();
        self.writers.iter_mut().try_for_each(|writer| writer.turn(&mut self.buffer, passed, &mut self.confirmed))
    }
}
