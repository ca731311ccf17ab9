//! One blocking connection that keeps a number of posts in flight, and the time that each waits for its confirmation.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::time::Instant;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::measure::Sample;
use crate::peers::{Counter, Peer};
use crate::thread_time::thread_seconds;
use crate::{dialogue, text};
use testkit::process;
use testkit::quantile::quantile;

/// One round, with percentiles of the time to the confirmation.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Posted {
    #[serde(flatten)]
    pub(crate) sample: Sample,
    pub(crate) p50_s: f64,
    pub(crate) p99_s: f64,
}

/// Posts to a new store until all messages are confirmed.
pub(crate) fn post(store: &dyn Peer, messages: u64, in_flight: u64) -> Result<Posted> {
    let server = store.start()?;
    let mut stream = dialogue::open(server.write, &store.writer())?;
    let mut counter = Counter::new(store.confirms());
    let mut waiting = VecDeque::new();
    let mut times = Vec::with_capacity(messages as usize);
    let (mut posts, mut content, mut answers) = (Vec::new(), Vec::new(), vec![0; 64 * 1024]);
    let mut posted = 0;
    let (begun, cpu, load_cpu) = (Instant::now(), process::cpu_seconds(server.pid)?, thread_seconds());
    while (times.len() as u64) < messages {
        posts.clear();
        while posted < messages && (waiting.len() as u64) < in_flight {
            content.clear();
            text::append(&mut content, posted, 0);
            store.post(posted, &content, &mut posts);
            waiting.push_back(Instant::now());
            posted += 1;
        }
        stream.write_all(&posts)?;
        let count = stream.read(&mut answers)?;
        ensure!(count > 0, "the server closed the connection");
        let (now, confirmed) = (Instant::now(), counter.feed(&answers[..count]) as usize);
        ensure!(confirmed <= waiting.len(), "more confirmations than posts");
        times.extend(waiting.drain(..confirmed).map(|at| (now - at).as_secs_f64()));
    }
    let wall_s = begun.elapsed().as_secs_f64();
    let load_cpu_s = thread_seconds() - load_cpu;
    let cpu_s = process::cpu_seconds(server.pid)? - cpu;
    let sample = Sample { units: messages as f64, wall_s, cpu_s, load_cpu_s, peak_kib: process::peak_kib(server.pid)? };
    Ok(Posted { sample, p50_s: quantile(&times, 0.5), p99_s: quantile(&times, 0.99) })
}
