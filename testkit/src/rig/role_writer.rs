//! The writer process: posts numbered messages as fast as they are confirmed, keeps them in an outbox, and reports every
//! outcome on standard output. After a kill it resumes from the outbox and the line that the rig sends first.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use chat_client::{Outbox, OutboxError, Token, Writer};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::options::WriterRole;
use super::timeouts::client_config_of;
use super::writer_driver::{DISK_PAUSE, WriterDriver};

/// Maximum number of pending messages, a few windows of the writer.
const IN_FLIGHT: usize = 48;

/// Posts until it gets `stop` and no message is pending, until the rig closes the pipe, or until it is killed.
///
/// # Errors
/// The line from the rig could not be parsed, the outbox could not be opened, or the writer's service ended.
pub async fn write(role: WriterRole) -> anyhow::Result<()> {
    let mut commands = BufReader::new(tokio::io::stdin()).lines();
    let first = commands.next_line().await?.context("no resume line on standard input")?;
    let mut first = first.split(' ').map(str::parse);
    let from: u64 = first.next().context("no first number")??;
    let pending: Vec<u64> = first.collect::<Result<_, _>>()?;

    let outbox = loop {
        match Outbox::open(&role.outbox, "chaos") {
            Ok(outbox) => break outbox,
            Err(error @ OutboxError::Locked(_)) => return Err(error.into()),
            Err(_) => tokio::time::sleep(DISK_PAUSE).await,
        }
    };
    let mut config = client_config_of(&role.port, role.seed ^ from ^ (role.writer as u64));
    config.answer_timeout = Duration::from_millis(role.answer_ms);
    let writer = Writer::builder(config).token(Token::new(&role.token)?).outbox(outbox.clone()).start();
    let mut driver = WriterDriver::new(role.seed, role.writer, writer, outbox, report);
    let mut next = driver.recover(from, &pending).await?;

    let mut stopping = false;
    while !(stopping && driver.pending() == 0) {
        // Biased: outcomes first, so that posting, which is always ready, does not starve reports. All branches are
        // cancel safe; posting itself runs in the arm and is never dropped half-way.
        tokio::select! {
            biased;
            Some(outcome) = driver.next_outcome() => driver.report_outcome(outcome).await?,
            line = commands.next_line(), if !stopping => match line?.as_deref() {
                Some("stop") => stopping = true,
                _ => return Ok(()),
            },
            () = std::future::ready(()), if !stopping && driver.pending() < IN_FLIGHT => {
                driver.post(next, false).await?;
                next += 1;
            }
        }
    }
    report("idle");
    // Stays alive, so that the rig may kill it like any other process, until the pipe is closed.
    let _ = commands.next_line().await;
    Ok(())
}

/// Writes a report to the pipe at once: what is in the pipe survives a kill.
fn report(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
}
