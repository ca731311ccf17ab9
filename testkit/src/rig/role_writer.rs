//! A writer's process: types numbered messages as fast as they are confirmed, keeps them in an
//! outbox, and says on standard output what it was told of each. After a death it goes on where it
//! stopped, with what its outbox and the rig know.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chat_client::{
    Delivery, DeliveryError, EntryState, Outbox, OutboxError, PostId, Receipt, SendError, Text, Token, Writer,
};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::options::WriterRole;
use super::patience::{WRITER_ANSWER, impatient};
use super::said;

/// How many messages it has typed and not been told of at most: some windows' worth after a break.
const IN_FLIGHT: usize = 48;

/// How long it waits when the disk is too full for its outbox.
const DISK_PAUSE: Duration = Duration::from_millis(10);

type Told = (u64, Result<Receipt, DeliveryError>);

struct Typing {
    role: WriterRole,
    writer: Writer,
    outbox: Outbox,
    deliveries: FuturesUnordered<futures_util::future::BoxFuture<'static, Told>>,
}

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
    let mut typing = Typing { role, writer, outbox, deliveries: FuturesUnordered::new() };
    let mut next = typing.take_up(from, &open).await?;

    let mut stopping = false;
    while !(stopping && typing.deliveries.is_empty()) {
        tokio::select! {
            biased;
            Some(told) = typing.deliveries.next() => typing.tell(told)?,
            line = orders.next_line(), if !stopping => match line?.as_deref() {
                Some("stop") => stopping = true,
                _ => return Ok(()),
            },
            () = std::future::ready(()), if !stopping && typing.deliveries.len() < IN_FLIGHT => {
                typing.type_one(next, false).await?;
                next += 1;
            }
        }
    }
    report("idle");
    // Killed, or left, like everybody else.
    let _ = orders.next_line().await;
    Ok(())
}

impl Typing {
    /// Goes on with what was typed and not told of, in its order: the outbox knows most of it, and
    /// what it does not know was confirmed and not reported, or reported and not kept. Returns the
    /// number to go on with.
    async fn take_up(&mut self, from: u64, open: &[u64]) -> anyhow::Result<u64> {
        let mut left: BTreeMap<u64, _> = open.iter().map(|&number| (number, None)).collect();
        for entry in self.outbox.entries() {
            let number = said::number(self.role.writer, entry.id.as_str()).context("a strange entry")?;
            left.insert(number, Some(entry));
        }
        let next = left.keys().next_back().map_or(from, |last| from.max(last + 1));
        for (number, entry) in left {
            match entry {
                Some(entry) if entry.state == EntryState::Refused => {
                    report(&format!("typing {number}\nrefused {number} earlier"));
                    let _ = self.outbox.discard(&entry.id);
                }
                Some(entry) => {
                    report(&format!("typing {number}"));
                    let taken = self.writer.send_entry(entry).await;
                    self.wait_for(number, taken?);
                }
                None => self.type_one(number, true).await?,
            }
        }
        Ok(next)
    }

    async fn type_one(&mut self, number: u64, again: bool) -> anyhow::Result<()> {
        report(&format!("typing {number}"));
        let id = PostId::new(&said::id(self.role.writer, number))?;
        let mut text = Text::new(&said::text(self.role.seed, self.role.writer, number))?;
        loop {
            let id = id.clone();
            let taken =
                if again { self.writer.send_again(id, text).await } else { self.writer.send_as(id, text).await };
            match taken {
                Ok(delivery) => {
                    self.wait_for(number, delivery);
                    return Ok(());
                }
                Err(SendError::Kept(_, back)) => text = back,
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(DISK_PAUSE).await;
        }
    }

    fn wait_for(&mut self, number: u64, delivery: Delivery) {
        self.deliveries.push(delivery.map(move |told| (number, told)).boxed());
    }

    fn tell(&mut self, (number, told): Told) -> anyhow::Result<()> {
        match told {
            Ok(Receipt { position: Some(position), .. }) => report(&format!("confirmed {number} {}", position.seq)),
            Ok(Receipt { position: None, .. }) => report(&format!("confirmed {number} ?")),
            Err(DeliveryError::Refused(code, _)) => {
                report(&format!("refused {number} {code}"));
                let _ = self.outbox.discard(&PostId::new(&said::id(self.role.writer, number))?);
            }
            Err(DeliveryError::Unconfirmed { .. }) => report(&format!("unconfirmed {number}")),
            Err(DeliveryError::NeverSent { .. }) => report(&format!("never-sent {number}")),
            Err(other) => bail!("an unknown end: {other}"),
        }
        Ok(())
    }
}

/// Into the pipe at once: what is there survives us.
fn report(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
}
