//! A writer's process: types numbered messages as fast as they are confirmed, keeps them in an
//! outbox, and says on standard output what it was told of each. After a death it goes on where it
//! stopped, with what its outbox and the rig know.

use std::io::Write as _;

use anyhow::Context as _;
use chat_client::{Outbox, OutboxError, Token, Writer};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::options::WriterRole;
use super::patience::{WRITER_ANSWER, impatient};
use super::typist::{DISK_PAUSE, Typist};

/// How many messages it has typed and not been told of at most: some windows' worth after a break.
const IN_FLIGHT: usize = 48;

/// Types until it is told to stop and all is told, until it is killed, or until whoever started it
/// is gone.
///
/// # Errors
/// The rig spoke nonsense, or the writer's service ended by itself.
#[tokio::main(flavor = "current_thread")]
pub async fn write(role: WriterRole) -> anyhow::Result<()> {
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let first = orders.next_line().await?.context("no orders")?;
    let mut first = first.split(' ').map(str::parse);
    let from: u64 = first.next().context("no first number")??;
    let open: Vec<u64> = first.collect::<Result<_, _>>()?;

    let outbox = loop {
        match Outbox::open(&role.outbox, "chaos") {
            Ok(outbox) => break outbox,
            Err(error @ OutboxError::Locked(_)) => return Err(error.into()),
            Err(_) => tokio::time::sleep(DISK_PAUSE).await,
        }
    };
    let mut config = impatient(role.port, role.seed ^ from ^ (role.writer as u64));
    config.answer_timeout = WRITER_ANSWER;
    let writer = Writer::start_kept(config, Token::new(&role.token)?, outbox.clone());
    let mut typist = Typist::new(role.seed, role.writer, writer, outbox, report);
    let mut next = typist.take_up(from, &open).await?;

    let mut stopping = false;
    while !(stopping && typist.open() == 0) {
        tokio::select! {
            biased;
            Some(ended) = typist.next_ended() => typist.tell(ended)?,
            line = orders.next_line(), if !stopping => match line?.as_deref() {
                Some("stop") => stopping = true,
                _ => return Ok(()),
            },
            () = std::future::ready(()), if !stopping && typist.open() < IN_FLIGHT => {
                typist.type_one(next, false).await?;
                next += 1;
            }
        }
    }
    report("idle");
    // Killed, or left, like everybody else.
    let _ = orders.next_line().await;
    Ok(())
}

/// Into the pipe at once: what is there survives us.
fn report(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
}
