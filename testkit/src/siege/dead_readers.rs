//! Listeners that read a byte a second, and as many that read nothing, under a stream of messages: what they cost the
//! server, and what they cost those who read. Each round measures without them, with them, and without them again; how far
//! the first and the last are apart is the noise of this machine.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy, sink};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::endless_lines::MAY_GROW_MIB;
use super::latency::{median, quantile};
use super::options::Options;
use super::peer::{Peer, id_post};
use super::programs::Programs;
use super::server::Server;
use super::table::{Table, Verdict};

/// Listeners that read, and are measured.
const HONEST: usize = 8;

/// Messages a second, while it is measured.
const RATE: u64 = 200;

/// Characters of a message.
const TEXT: usize = 1_000;

/// Messages before, which fill the buffers between the server and those who do not read.
const FILL: usize = 8_000;

/// How long nothing may be read from the store before it counts as quiet.
const QUIET: Duration = Duration::from_millis(500);

/// How much worse the 99th percentile may be.
const WORSE: f64 = 1.10;

/// How far two runs without them may be apart for the ratio to mean anything.
const RESTLESS: f64 = 1.5;

pub(super) async fn run(programs: &Programs, options: &Options, table: &mut Table) -> Result<()> {
    let (mut ratios, mut noises, mut without, mut with) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut grown, mut idle, mut held, mut pages) = (0.0f64, 0.0, usize::MAX, 0.0f64);
    for _ in 0..options.rounds {
        // Long enough for none of them to be closed while it is measured.
        let server = Server::start(programs, &["--stall", "600"], None).await?;
        let (writer, _) = Peer::register(server.write, "Talker").await?;
        let mut stage = Stage::prepare(&server, writer).await?;
        // The same messages have gone before each measurement.
        stage.fill().await?;
        idle = server.peak_mib()?;
        let before = stage.measure(options).await?;
        let crowd = gather(server.listen, options.readers).await?;
        stage.fill().await?;
        let read = all_are_full(&server).await?;
        let among = stage.measure(options).await?;
        pages = pages.max(server.figure("store_pages_read_total").await? - read);
        held = held.min(server.figure("connections_open{port=\"listen\"}").await? as usize - HONEST);
        grown = grown.max(server.peak_mib()? - idle);
        drop(crowd);
        server.wait_for_connections("listen", HONEST).await?;
        stage.fill().await?;
        let after = stage.measure(options).await?;
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
        format!("peak +{grown:.1} MiB over {idle:.1}; {held} of {} still there", 2 * options.readers),
        "peak at most +32 MiB; none closed before its time",
        grown <= MAY_GROW_MIB && held == 2 * options.readers,
    );
    let (ratio, noise) = (median(&ratios), median(&noises));
    let verdict = match ratio {
        _ if noise > RESTLESS => Verdict::Blurred,
        _ if ratio <= WORSE => Verdict::Holds,
        _ if ratio <= noise => Verdict::Blurred,
        _ => Verdict::Violated,
    };
    table.judge(
        "dead readers, others",
        format!("{done}; {} rounds of {} s without, with, without", options.rounds, options.round_seconds),
        format!(
            "p99 of {HONEST} honest listeners {:.2} ms without, {:.2} ms with: ratio {ratio:.2}, noise {noise:.2}; \
             {pages} pages read from the store meanwhile",
            median(&without) * 1e3,
            median(&with) * 1e3,
        ),
        "ratio at most 1.10; not decided within the noise, or where that is above 1.5",
        verdict,
    );
    Ok(())
}

/// Waits until nobody's buffers are being filled any more; returns how many pages of the store were read by then.
async fn all_are_full(server: &Server) -> Result<f64> {
    let mut pages = server.figure("store_pages_read_total").await?;
    loop {
        sleep(QUIET).await;
        let before = std::mem::replace(&mut pages, server.figure("store_pages_read_total").await?);
        if pages - before < 1.0 {
            return Ok(pages);
        }
    }
}

/// Those who do not read, or hardly.
async fn gather(address: SocketAddr, each: usize) -> Result<JoinSet<()>> {
    let mut crowd = JoinSet::new();
    for number in 0..2 * each {
        let mut peer = Peer::connect_narrow(address).await?.seated().await?;
        crowd.spawn(async move {
            let reads = number % 2 == 0;
            loop {
                sleep(Duration::from_secs(1)).await;
                if reads && peer.byte().await.is_none() {
                    return;
                }
            }
        });
    }
    Ok(crowd)
}

/// One writer and some listeners that measure.
struct Stage {
    writer: tokio::net::tcp::OwnedWriteHalf,
    _answers: JoinHandle<()>,
    listeners: Vec<BufReader<tokio::net::TcpStream>>,
    began: Instant,
    posts: u64,
}

impl Stage {
    async fn prepare(server: &Server, writer: Peer) -> Result<Self> {
        let (mut answers, writer) = writer.into_stream().into_split();
        let _answers = tokio::spawn(async move { drop(copy(&mut answers, &mut sink()).await) });
        let mut listeners = Vec::new();
        for _ in 0..HONEST {
            listeners.push(BufReader::new(Peer::listen(server.listen).await?.into_stream()));
        }
        Ok(Self { writer, _answers, listeners, began: Instant::now(), posts: 0 })
    }

    /// One message that says when it was sent.
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
            hear(&mut self.listeners, began, 100).await?;
        }
        Ok(())
    }

    /// The 99th percentile of the time from a post to each listener, in seconds.
    async fn measure(&mut self, options: &Options) -> Result<f64> {
        let count = (options.round_seconds * RATE as f64) as usize;
        let mut ticks = interval(Duration::from_nanos(1_000_000_000 / RATE));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut listeners, began) = (std::mem::take(&mut self.listeners), self.began);
        let hearing = tokio::spawn(async move {
            let took = hear(&mut listeners, began, count).await;
            (listeners, took)
        });
        for _ in 0..count {
            ticks.tick().await;
            self.post().await?;
        }
        let (listeners, took) = hearing.await?;
        self.listeners = listeners;
        Ok(quantile(&took?, 0.99))
    }
}

/// So many messages on each listener, side by side; how long each took.
async fn hear(listeners: &mut [BufReader<tokio::net::TcpStream>], began: Instant, count: usize) -> Result<Vec<f64>> {
    let each = listeners.iter_mut().map(|listener| async move {
        let mut took = Vec::with_capacity(count);
        let mut line = String::new();
        for _ in 0..count {
            line.clear();
            listener.read_line(&mut line).await?;
            let sent = line.split(' ').rev().nth(1).context("not a message of ours")?;
            took.push(began.elapsed().as_secs_f64() - sent.parse::<f64>()? / 1e9);
        }
        Ok::<_, anyhow::Error>(took)
    });
    Ok(futures_util::future::try_join_all(each).await?.concat())
}
