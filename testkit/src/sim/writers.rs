//! One simulated writer: posts messages, is killed at any instant, and resumes from its outbox and the ledger.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chat_client::{Outbox, Token, Writer};
use fastrand::Rng;

use super::network::{SimDialer, SimNetwork};
use crate::rig::ledger::{Ledger, Reporter};
use crate::rig::timeouts::{WRITER_ANSWER_TIMEOUT, client_config};
use crate::rig::writer_driver::WriterDriver;

/// Maximum number of pending messages.
const IN_FLIGHT: usize = 12;

/// A writer of the simulation.
pub(super) struct SimWriter {
    pub(super) seed: u64,
    pub(super) number: usize,
    pub(super) token: Token,
    pub(super) posts: u64,
    pub(super) dir: PathBuf,
    pub(super) rng: Rng,
}

/// Runs the writer until all its messages have an outcome. The first `kills` lifetimes are short.
pub(super) async fn run(
    mut sim: SimWriter,
    network: Arc<SimNetwork>,
    ledger: Arc<Ledger>,
    kills: usize,
) -> anyhow::Result<()> {
    for lifetime in 0.. {
        let path = path(&sim, lifetime);
        let (dialer, end) = SimDialer::new(&network, sim.rng.u64(..));
        let outbox = Outbox::open(&path, "sim")?;
        let mut config = client_config(0, sim.rng.u64(..));
        config.answer_timeout = WRITER_ANSWER_TIMEOUT;
        let builder = Writer::builder(config).token(sim.token.clone()).outbox(outbox.clone()).outbox_in_virtual_time();
        let writer = builder.dial(dialer).start();
        let report = {
            let (ledger, number) = (Arc::clone(&ledger), sim.number);
            move |line: &str| line.lines().for_each(|line| ledger.record(Reporter::Writer(number), line))
        };
        let driver = WriterDriver::new(sim.seed, sim.number, writer, outbox, report);
        let span = if lifetime < kills { Duration::from_millis(sim.rng.u64(1..900)) } else { Duration::MAX };
        let mut pace = sim.rng.fork();
        let resume_line = ledger.resume_line(sim.number);
        let posting = post_all(driver, &resume_line, sim.posts, &mut pace);
        match tokio::time::timeout(span, posting).await {
            Ok(ended) => return ended,
            Err(_) => {
                // Copied before the writer's tasks run again: only what is on the disk at this instant survives.
                end.send_replace(false);
                copy(&path, &self::path(&sim, lifetime + 1))?;
            }
        }
    }
    Ok(())
}

async fn post_all<R: Fn(&str)>(
    mut driver: WriterDriver<R>,
    resume_line: &str,
    posts: u64,
    pace: &mut Rng,
) -> anyhow::Result<()> {
    let mut numbers = resume_line.split(' ').map(str::parse);
    let from: u64 = numbers.next().context("no first number")??;
    let pending: Vec<u64> = numbers.collect::<Result<_, _>>()?;
    let mut next = driver.recover(from, &pending).await?;
    while next < posts || driver.pending() > 0 {
        let pause = Duration::from_millis(pace.u64(0..30));
        // Biased so that a seed replays exactly. Both branches are cancel safe; posting runs in the arm.
        tokio::select! {
            biased;
            Some(outcome) = driver.next_outcome() => driver.report_outcome(outcome).await?,
            () = tokio::time::sleep(pause), if next < posts && driver.pending() < IN_FLIGHT => {
                driver.post(next, false).await?;
                next += 1;
            }
        }
    }
    Ok(())
}

fn path(writer: &SimWriter, lifetime: usize) -> PathBuf {
    writer.dir.join(format!("outbox-{}-{lifetime}", writer.number))
}

/// Copies a file if it exists.
pub(super) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::copy(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
