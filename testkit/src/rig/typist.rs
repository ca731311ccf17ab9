//! A writer that types numbered messages, keeps them in an outbox, and reports what it was told of each. Of the
//! same use in a process and in a simulation: where reports go is the caller's business.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chat_client::{Delivery, DeliveryError, EntryState, Outbox, PostId, Receipt, SendError, Text, Writer};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

use super::said;

/// How long it waits when the disk is too full for its outbox.
pub(crate) const DISK_PAUSE: Duration = Duration::from_millis(10);

/// What became of a post, by its number.
pub(crate) type Ended = (u64, Result<Receipt, DeliveryError>);

/// One life of a writer.
pub(crate) struct Typist<R> {
    seed: u64,
    number: usize,
    writer: Writer,
    outbox: Outbox,
    deliveries: FuturesUnordered<futures_util::future::BoxFuture<'static, Ended>>,
    report: R,
}

impl<R: Fn(&str)> Typist<R> {
    pub(crate) fn new(seed: u64, number: usize, writer: Writer, outbox: Outbox, report: R) -> Self {
        Self { seed, number, writer, outbox, deliveries: FuturesUnordered::new(), report }
    }

    /// How many were typed and not told of.
    pub(crate) fn open(&self) -> usize {
        self.deliveries.len()
    }

    /// The next that has ended; `None` when there is none under way. Dropping the future loses nothing.
    pub(crate) async fn next_ended(&mut self) -> Option<Ended> {
        self.deliveries.next().await
    }

    /// Goes on with what was typed and not told of, in its order: the outbox knows most of it, and
    /// what it does not know was confirmed and not reported, or reported and not kept. Returns the
    /// number to go on with.
    pub(crate) async fn take_up(&mut self, from: u64, open: &[u64]) -> anyhow::Result<u64> {
        let mut left: BTreeMap<u64, _> = open.iter().map(|&number| (number, None)).collect();
        for entry in self.outbox.entries() {
            let number = said::number(self.number, entry.id.as_str()).context("a strange entry")?;
            left.insert(number, Some(entry));
        }
        let next = left.keys().next_back().map_or(from, |last| from.max(last + 1));
        for (number, entry) in left {
            match entry {
                Some(entry) if entry.state == EntryState::Refused => {
                    (self.report)(&format!("typing {number}\nrefused {number} earlier"));
                    let _ = self.outbox.discard(&entry.id);
                }
                Some(entry) => {
                    (self.report)(&format!("typing {number}"));
                    let taken = self.writer.send_entry(entry).await;
                    self.wait_for(number, taken?);
                }
                None => self.type_one(number, true).await?,
            }
        }
        Ok(next)
    }

    pub(crate) async fn type_one(&mut self, number: u64, again: bool) -> anyhow::Result<()> {
        (self.report)(&format!("typing {number}"));
        let id = PostId::new(&said::id(self.number, number))?;
        let mut text = Text::new(&said::text(self.seed, self.number, number))?;
        loop {
            let id = id.clone();
            let taken =
                if again { self.writer.send_again(id, text).await } else { self.writer.send_as(id, text).await };
            match taken {
                Ok(delivery) => {
                    self.wait_for(number, delivery);
                    return Ok(());
                }
                Err(SendError::Outbox { text: back, .. }) => text = back,
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(DISK_PAUSE).await;
        }
    }

    fn wait_for(&mut self, number: u64, delivery: Delivery) {
        self.deliveries.push(delivery.map(move |told| (number, told)).boxed());
    }

    pub(crate) fn tell(&mut self, (number, told): Ended) -> anyhow::Result<()> {
        match told {
            Ok(Receipt { position: Some(position), .. }) => {
                (self.report)(&format!("confirmed {number} {}", position.seq));
            }
            Ok(Receipt { position: None, .. }) => (self.report)(&format!("confirmed {number} ?")),
            Err(DeliveryError::Refused(code, _)) => {
                (self.report)(&format!("refused {number} {code}"));
                let _ = self.outbox.discard(&PostId::new(&said::id(self.number, number))?);
            }
            Err(DeliveryError::Unconfirmed { .. }) => (self.report)(&format!("unconfirmed {number}")),
            Err(DeliveryError::NeverSent { .. }) => (self.report)(&format!("never-sent {number}")),
            Err(other) => bail!("an unknown end: {other}"),
        }
        Ok(())
    }
}
