//! Listeners that read one byte per second, and as many that read nothing, under a stream of messages: memory of the
//! server and latency of the other listeners. Each round measures without them, with them and without them again; the
//! difference of the first and the last measurement is the noise of this machine.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy, sink};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::options::Options;
use super::server_limits::MAY_GROW_MIB;
use super::table::{CheckResult, Table};
use crate::programs::{GUARD, Peer, Programs, Server, id_post};
use crate::quantile::{median, quantile};

/// Number of listeners that read and are measured.
const HONEST: usize = 8;

/// Messages per second during a measurement.
const RATE: u64 = 200;

/// Length of a message in characters.
const TEXT: usize = 1_000;

/// Messages before a measurement, which fill the buffers between the server and the listeners that do not read.
const FILL: usize = 8_000;

/// Time without a read from the store after which the buffers count as full.
const QUIET: Duration = Duration::from_millis(500);

/// Largest accepted ratio of the 99th percentiles.
const WORSE: f64 = 1.10;

/// Ratio of the two measurements without load above which the result is inconclusive.
const MAX_NOISE: f64 = 1.5;

pub(super) async fn run(programs: &Programs, options: &Options, table: &mut Table) -> Result<()> {
    let (mut ratios, mut noises, mut without, mut with) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut grown, mut idle, mut held, mut pages) = (0.0f64, 0.0, usize::MAX, 0.0f64);
    for _ in 0..options.rounds {
        // A stall limit above the length of a measurement, so that none is closed during it.
        let server = Server::start(programs, &["--stall", "600"], None).await?;
        let (writer, _) = Peer::register(server.write, "Writer").await?;
        let mut traffic = Traffic::prepare(&server, writer).await?;
        // The same number of messages before each measurement, so that all three start from the same state.
        traffic.fill().await?;
        idle = server.peak_mib()?;
        let before = traffic.measure(options).await?;
        let stalled = connect_stalled(server.listen, options.readers).await?;
        traffic.fill().await?;
        let read = wait_until_full(&server).await?;
        let among = traffic.measure(options).await?;
        pages = pages.max(server.figure("store_pages_read_total").await? - read);
        held = held.min(server.figure("connections_open{port=\"listen\"}").await? as usize - HONEST);
        grown = grown.max(server.peak_mib()? - idle);
        drop(stalled);
        server.wait_for_connections("listen", HONEST).await?;
        traffic.fill().await?;
        let after = traffic.measure(options).await?;
        let quiet = (before + after) / 2.0;
        ratios.push(among / quiet);
        noises.push(before.max(after) / before.min(after));
        without.push(quiet);
        with.push(among);
    }
    let done =
        format!("{0} listeners at 1 byte/s and {0} that read nothing, {RATE} messages/s of 1 kB", options.readers);
    table.add(
        "dead readers, memory",
        format!("{done}, {FILL} messages before"),
        format!("peak +{grown:.1} MiB over {idle:.1}; {held} of {} still connected", 2 * options.readers),
        "peak at most +32 MiB; none closed before the limit",
        grown <= MAY_GROW_MIB && held == 2 * options.readers,
    );
    let (ratio, noise) = (median(&ratios), median(&noises));
    let result = match ratio {
        _ if noise > MAX_NOISE => CheckResult::Inconclusive,
        _ if ratio <= WORSE => CheckResult::Passed,
        _ if ratio <= noise => CheckResult::Inconclusive,
        _ => CheckResult::Failed,
    };
    table.add_result(
        "dead readers, others",
        format!("{done}; {} rounds of {} s without, with, without", options.rounds, options.round_seconds),
        format!(
            "p99 of {HONEST} other listeners {:.2} ms without, {:.2} ms with: ratio {ratio:.2}, noise {noise:.2}; \
             {pages} pages read from the store meanwhile",
            median(&without) * 1e3,
            median(&with) * 1e3,
        ),
        "ratio at most 1.10; not decided within the noise, or where the noise is above 1.5",
        result,
    );
    Ok(())
}

/// Waits until the server reads no more pages from the store, because all buffers are full. Returns the number of pages
/// read so far.
async fn wait_until_full(server: &Server) -> Result<f64> {
    let began = Instant::now();
    let mut pages = server.figure("store_pages_read_total").await?;
    loop {
        sleep(QUIET).await;
        let before = std::mem::replace(&mut pages, server.figure("store_pages_read_total").await?);
        if pages - before < 1.0 {
            return Ok(pages);
        }
        ensure!(began.elapsed() < GUARD, "the buffers of the stalled listeners are not full after 60 s");
    }
}

/// Connects listeners of which every second one reads a byte per second and the others nothing.
async fn connect_stalled(address: SocketAddr, each: usize) -> Result<JoinSet<()>> {
    let mut stalled = JoinSet::new();
    for number in 0..2 * each {
        let mut peer = Peer::connect_narrow(address).await?.wait_until_subscribed().await?;
        stalled.spawn(async move {
            let reads = number % 2 == 0;
            loop {
                sleep(Duration::from_secs(1)).await;
                if reads && peer.byte().await.is_none() {
                    return;
                }
            }
        });
    }
    Ok(stalled)
}

/// One writer and the listeners that measure.
struct Traffic {
    writer: OwnedWriteHalf,
    _answers: JoinHandle<()>,
    listeners: Vec<BufReader<TcpStream>>,
    began: Instant,
    posts: u64,
}

impl Traffic {
    async fn prepare(server: &Server, writer: Peer) -> Result<Self> {
        let (mut answers, writer) = writer.into_stream().into_split();
        let _answers = tokio::spawn(async move { drop(copy(&mut answers, &mut sink()).await) });
        let mut listeners = Vec::new();
        for _ in 0..HONEST {
            listeners.push(BufReader::new(Peer::listen(server.listen).await?.into_stream()));
        }
        Ok(Self { writer, _answers, listeners, began: Instant::now(), posts: 0 })
    }

    /// Posts a message that contains its time.
    async fn post(&mut self) -> Result<()> {
        self.posts += 1;
        let text = format!("{} {}", self.began.elapsed().as_nanos(), "x".repeat(TEXT));
        self.writer.write_all(id_post(&self.posts.to_string(), &text).as_bytes()).await?;
        Ok(())
    }

    async fn fill(&mut self) -> Result<()> {
        let (mut sent, began) = (0, self.began);
        while sent < FILL {
            for _ in 0..100 {
                self.post().await?;
            }
            sent += 100;
            receive(&mut self.listeners, began, 100).await?;
        }
        Ok(())
    }

    /// Returns the 99th percentile of the time from a post to each listener, in seconds.
    async fn measure(&mut self, options: &Options) -> Result<f64> {
        let count = (options.round_seconds * RATE as f64) as usize;
        let mut ticks = interval(Duration::from_nanos(1_000_000_000 / RATE));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut listeners, began) = (std::mem::take(&mut self.listeners), self.began);
        let receiving = tokio::spawn(async move {
            let took = receive(&mut listeners, began, count).await;
            (listeners, took)
        });
        for _ in 0..count {
            ticks.tick().await;
            self.post().await?;
        }
        let (listeners, took) = receiving.await?;
        self.listeners = listeners;
        Ok(quantile(&took?, 0.99))
    }
}

/// Receives `count` messages on every listener concurrently. Returns the seconds that each took.
async fn receive(listeners: &mut [BufReader<TcpStream>], began: Instant, count: usize) -> Result<Vec<f64>> {
    let each = listeners.iter_mut().map(|listener| async move {
        let mut took = Vec::with_capacity(count);
        let mut line = String::new();
        for _ in 0..count {
            line.clear();
            timeout(GUARD, listener.read_line(&mut line)).await.context("a listener receives nothing")??;
            let sent = line.split(' ').rev().nth(1).with_context(|| format!("unexpected line {line:?}"))?;
            took.push(began.elapsed().as_secs_f64() - sent.parse::<f64>()? / 1e9);
        }
        Ok::<_, anyhow::Error>(took)
    });
    Ok(futures_util::future::try_join_all(each).await?.concat())
}
