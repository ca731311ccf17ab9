//! Drives one writer: posts numbered messages, keeps them in an outbox, and reports the outcome of each. Used by the
//! writer process of the rig and by the simulation; the caller decides where reports go.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chat_client::{
    Delivery, DeliveryError, DeliveryState, Outbox, PostId, Receipt, SendError, SendOptions, Text, Writer,
};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

use super::post_text;

/// Pause before a retry while the disk is too full for the outbox.
pub(crate) const DISK_PAUSE: Duration = Duration::from_millis(10);

/// The outcome of a post, with its number.
pub(crate) type PostOutcome = (u64, Result<Receipt, DeliveryError>);

/// One process lifetime of a writer.
pub(crate) struct WriterDriver<R> {
    seed: u64,
    number: usize,
    writer: Writer,
    outbox: Outbox,
    deliveries: FuturesUnordered<futures_util::future::BoxFuture<'static, PostOutcome>>,
    report: R,
}

impl<R: Fn(&str)> WriterDriver<R> {
    pub(crate) fn new(seed: u64, number: usize, writer: Writer, outbox: Outbox, report: R) -> Self {
        Self { seed, number, writer, outbox, deliveries: FuturesUnordered::new(), report }
    }

    /// Returns the number of posts without an outcome.
    pub(crate) fn pending(&self) -> usize {
        self.deliveries.len()
    }

    /// Waits for the next outcome. Returns `None` when no post is pending.
    ///
    /// # Cancel safety
    /// Cancel safe: an outcome is removed only when it is returned.
    pub(crate) async fn next_outcome(&mut self) -> Option<PostOutcome> {
        self.deliveries.next().await
    }

    /// Sends the pending messages of the previous lifetime again, in their order. Most are in the outbox. One that is
    /// not was confirmed before its report was written, or reported as pending before it was stored. Returns the next
    /// number.
    pub(crate) async fn recover(&mut self, from: u64, pending: &[u64]) -> anyhow::Result<u64> {
        let mut left: BTreeMap<u64, _> = pending.iter().map(|&number| (number, None)).collect();
        for entry in self.outbox.entries() {
            let number = post_text::number(self.number, entry.id.as_str()).context("a foreign entry in the outbox")?;
            left.insert(number, Some(entry));
        }
        let next = left.keys().next_back().map_or(from, |last| from.max(last + 1));
        for (number, entry) in left {
            match entry {
                Some(entry) if matches!(entry.state, DeliveryState::Refused { .. }) => {
                    (self.report)(&format!("posting {number}\nrefused {number} earlier"));
                    let _ = self.writer.discard(&entry.id).await;
                }
                Some(entry) => {
                    (self.report)(&format!("posting {number}"));
                    let delivery = self.writer.send_entry(entry).await;
                    self.await_outcome(number, delivery?);
                }
                None => self.post(number, true).await?,
            }
        }
        Ok(next)
    }

    /// Posts message `number`. With `again`, it may have been sent by a previous lifetime.
    pub(crate) async fn post(&mut self, number: u64, again: bool) -> anyhow::Result<()> {
        (self.report)(&format!("posting {number}"));
        let id = PostId::new(&post_text::id(self.number, number))?;
        let mut text = Text::new(&post_text::text(self.seed, self.number, number))?;
        loop {
            let id = id.clone();
            let sent = self.writer.send_with(text, SendOptions::with_id(id).may_be_delivered(again)).await;
            match sent {
                Ok(delivery) => {
                    self.await_outcome(number, delivery);
                    return Ok(());
                }
                Err(SendError::Outbox { text: back, .. }) => text = back,
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(DISK_PAUSE).await;
        }
    }

    fn await_outcome(&mut self, number: u64, delivery: Delivery) {
        self.deliveries.push(delivery.map(move |outcome| (number, outcome)).boxed());
    }

    pub(crate) async fn report_outcome(&mut self, (number, outcome): PostOutcome) -> anyhow::Result<()> {
        match outcome {
            Ok(Receipt { position: Some(position), .. }) => {
                (self.report)(&format!("confirmed {number} {}", position.seq));
            }
            Ok(Receipt { position: None, .. }) => (self.report)(&format!("confirmed {number} ?")),
            Err(DeliveryError::Refused { code, .. }) => {
                (self.report)(&format!("refused {number} {}", code.as_str()));
                let _ = self.writer.discard(&PostId::new(&post_text::id(self.number, number))?).await;
            }
            Err(DeliveryError::Unconfirmed { .. }) => {
                (self.report)(&format!("unconfirmed {number}"));
                // Final for the driver, like a refusal: a later lifetime must not send it after the posts behind it.
                let _ = self.writer.discard(&PostId::new(&post_text::id(self.number, number))?).await;
            }
            Err(DeliveryError::NeverSent { .. }) => (self.report)(&format!("never-sent {number}")),
            Err(other) => bail!("unexpected outcome of message {number}: {other}"),
        }
        Ok(())
    }
}
