//! The load generator: one thread that holds a writer and all listeners of a peer, posts, and sees everything come.
//!
//! It waits with epoll, reads in large pieces, and looks at no byte that it need not look at. What one connection does
//! is in `ear` and `mouth`.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use mio::{Events, Poll, Token};

use crate::ear::{Ear, Sampled};
use crate::measure::Sample;
use crate::mouth::{Mouth, Work};
use crate::peers::{Peer, Running};
use crate::thread_time::thread_seconds;
use crate::{dialogue, process};

/// Where what is looked at goes. The rest is dropped without touching it, so the size costs nothing.
const BUFFER: usize = 1 << 20;
const EVENTS: usize = 1024;
/// After so many listeners the writer is looked at again, so that it does not wait for a whole round of them.
const LISTENERS_A_TURN: usize = 64;
/// Nothing comes for so long: nothing is under way.
const QUIET: Duration = Duration::from_millis(100);
/// How often a message is posted to prove that everybody is there, and how long each time it may take.
const PROOFS: usize = 100;
/// A server that does nothing for so long does nothing any more.
const STUCK: Duration = Duration::from_secs(30);
/// More than what follows the number in a message, and than what a peer says beside the messages.
const SLACK: u64 = 128;

/// A server, its listeners and its writer.
pub struct Crowd<'a> {
    server: &'a Running,
    poll: Poll,
    events: Events,
    ears: Vec<Ear>,
    mouth: Mouth<'a>,
    buffer: Vec<u8>,
    begun: Instant,
}

impl<'a> Crowd<'a> {
    /// Connects all and proves that a message comes to each of them. `samples` of the listeners look at what comes.
    pub fn gather(peer: &'a dyn Peer, server: &'a Running, listeners: usize, samples: usize) -> Result<Self> {
        ensure!(listeners > 0, "somebody has to listen");
        let poll = Poll::new()?;
        let mut ears = Vec::with_capacity(listeners);
        let streams = dialogue::open_all(server.listen, listeners, |index| peer.listener(index));
        for (index, stream) in streams.context("not all listeners got in")?.into_iter().enumerate() {
            let mut ear = Ear::new(stream, poll.registry(), Token(index))?;
            if index % listeners.div_ceil(samples) == 0 {
                ear.sample = Some(Sampled::default());
            }
            ears.push(ear);
        }
        let stream = dialogue::open(server.write, &peer.writer()).context("the writer did not get in")?;
        let mouth = Mouth::new(peer, stream, poll.registry(), Token(listeners))?;
        let (events, buffer) = (Events::with_capacity(EVENTS), vec![0; BUFFER]);
        let mut crowd = Self { server, poll, events, ears, mouth, buffer, begun: Instant::now() };
        crowd.prove()?;
        Ok(crowd)
    }

    /// The listeners that look at what comes.
    pub fn samples(&mut self) -> impl Iterator<Item = &mut Sampled> {
        self.ears.iter_mut().filter_map(|ear| ear.sample.as_mut())
    }

    /// Lets the samples keep the times of what comes from now on.
    pub fn keep_times(&mut self) {
        self.samples().for_each(|sample| sample.times = Some(Vec::new()));
    }

    /// Posts, and returns when every listener has everything and every post is confirmed. The units are deliveries.
    pub fn run(&mut self, work: Work) -> Result<Sample> {
        self.begin(work)?;
        let sample = self.work_off(work)?;
        self.compare(work)?;
        Ok(sample)
    }

    /// Waits until nothing is under way, forgets what was, and takes up the work.
    pub fn begin(&mut self, work: Work) -> Result<()> {
        while self.turn(QUIET)? {}
        self.ears.iter_mut().for_each(Ear::reset);
        self.begun = Instant::now();
        self.mouth.begin(work, self.begun);
        Ok(())
    }

    /// Posts until every listener has everything and every post is confirmed.
    pub fn work_off(&mut self, work: Work) -> Result<Sample> {
        let (cpu, load_cpu) = (process::cpu_seconds(self.server.pid)?, thread_seconds());
        let (mut all, mut behind) = (None, self.ears.len());
        let (mut progress, mut before) = (Instant::now(), (0, 0, 0));
        self.mouth.turn(&mut self.buffer, 0)?;
        while behind > 0 || self.mouth.confirmed() < work.messages {
            let paced = work.per_second.is_some() && self.mouth.posted() < work.messages;
            self.turn(Duration::from_millis(if paced { 1 } else { 1_000 }))?;
            if all.is_none() && self.heard() >= work.messages {
                // Everybody gets the same bytes, so the first listener's are how many make all messages.
                all = self.ears.first().map(|ear| ear.bytes);
            }
            if let Some(bytes) = all {
                behind = self.ears.iter().filter(|ear| ear.bytes + SLACK < bytes).count();
            }
            let now = (self.mouth.confirmed(), self.ears.iter().map(|ear| ear.bytes).sum(), behind);
            if now != before {
                (progress, before) = (Instant::now(), now);
            }
            ensure!(
                progress.elapsed() < STUCK,
                "it is stuck: of {} messages {} are confirmed, the first listener has {}, and {behind} listeners are behind",
                work.messages,
                self.mouth.confirmed(),
                self.heard()
            );
        }
        let wall_s = self.begun.elapsed().as_secs_f64();
        let load_cpu_s = thread_seconds() - load_cpu;
        let cpu_s = process::cpu_seconds(self.server.pid)? - cpu;
        let units = work.messages as f64 * self.ears.len() as f64;
        Ok(Sample { units, wall_s, cpu_s, load_cpu_s, peak_kib: process::peak_kib(self.server.pid)? })
    }

    /// Posts now and then until a message has come to everybody.
    pub fn prove(&mut self) -> Result<()> {
        for _ in 0..PROOFS {
            self.mouth.begin(Work { messages: 1, in_flight: 1, echo: false, per_second: None }, Instant::now());
            while self.turn(QUIET)? {}
            if self.ears.iter().all(|ear| ear.bytes > 0) {
                return Ok(());
            }
        }
        let deaf = self.ears.iter().filter(|ear| ear.bytes == 0).count();
        anyhow::bail!("{deaf} of {} listeners hear nothing", self.ears.len())
    }

    /// Everything came to everybody, once, and in order as far as samples can tell.
    pub fn compare(&mut self, work: Work) -> Result<()> {
        while self.turn(QUIET)? {}
        let bytes = self.ears.first().map_or(0, |ear| ear.bytes);
        let odd = self.ears.iter().filter(|ear| ear.bytes.abs_diff(bytes) > SLACK).count();
        ensure!(odd == 0, "{odd} listeners got more or less than the first one");
        for sample in self.samples() {
            ensure!(
                sample.messages == work.messages && sample.out_of_order == 0,
                "a listener got {} of {} messages, {} of them not in their place",
                sample.messages,
                work.messages,
                sample.out_of_order
            );
        }
        Ok(())
    }

    /// Waits, takes what came, and posts what is due. Returns whether anything came.
    fn turn(&mut self, patience: Duration) -> Result<bool> {
        match self.poll.poll(&mut self.events, Some(patience)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        let begun = self.begun;
        for (count, event) in self.events.iter().enumerate() {
            if let Some(ear) = self.ears.get_mut(event.token().0) {
                ear.take(&mut self.buffer, || begun.elapsed().as_nanos() as u64)?;
            }
            if count % LISTENERS_A_TURN == LISTENERS_A_TURN - 1 {
                let heard = heard(&self.ears);
                self.mouth.turn(&mut self.buffer, heard)?;
            }
        }
        let heard = self.heard();
        self.mouth.turn(&mut self.buffer, heard)?;
        Ok(!self.events.is_empty())
    }

    fn heard(&self) -> u64 {
        heard(&self.ears)
    }
}

/// How many messages have come to the first listener, who is always a sample.
fn heard(ears: &[Ear]) -> u64 {
    ears.first().and_then(|ear| ear.sample.as_ref()).map_or(0, |sample| sample.messages)
}
