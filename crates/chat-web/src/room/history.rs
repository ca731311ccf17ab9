//! Reads messages of the room that the gateway no longer has, over a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use chat_client::{ClientConfig, GapCause, Listener, ListenerEvent, Position, Resume, RetryPolicy, Seq, StreamId};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::encode::Encoder;
use super::ring::RingItem;
use crate::dialler::{Dialler, ForWhom};

/// How many pages are read at the same time. More would only wait for the same disk.
const READS_AT_ONCE: usize = 8;

/// How long one reading may take, with its connection.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// How long a reading waits for its turn.
const TURN_WITHIN: Duration = Duration::from_secs(5);

/// Reads older messages. Clones share the connections.
#[derive(Clone, Debug)]
pub(crate) struct RoomHistory {
    config: ClientConfig,
    dialler: Dialler,
    turns: Arc<Semaphore>,
}

/// Why nothing could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistoryFault {
    /// Too many pages are being read.
    Busy,
    /// The room was not reached, or did not answer in time.
    Unreachable,
    /// The room has another log.
    OtherStream,
}

impl RoomHistory {
    pub(crate) fn new(mut config: ClientConfig, dialler: Dialler) -> Self {
        config.retry = RetryPolicy::never();
        Self { config, dialler, turns: Arc::new(Semaphore::new(READS_AT_ONCE)) }
    }

    /// Reads what follows a position, up to the number `until`, or until about `max_bytes` are read. Gaps are among the
    /// items.
    pub(crate) async fn read(
        &self,
        after: Position,
        until: Seq,
        max_bytes: usize,
    ) -> Result<Vec<RingItem>, HistoryFault> {
        let turn = timeout(TURN_WITHIN, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(HistoryFault::Busy) };
        let reading = timeout(READ_WITHIN, self.read_now(after, until, max_bytes));
        reading.await.unwrap_or(Err(HistoryFault::Unreachable))
    }

    async fn read_now(&self, after: Position, until: Seq, max_bytes: usize) -> Result<Vec<RingItem>, HistoryFault> {
        let stream: StreamId = after.stream.clone();
        let mut encoder = Encoder::new(stream.clone());
        let mut config = self.config.clone();
        config.resume = Resume::after(after);
        let mut listener = Listener::builder(config).dial(self.dialler.dial(ForWhom::Gateway)).start();
        let (mut items, mut bytes) = (Vec::new(), 0);
        while let Some(event) = listener.next().await {
            match &event {
                ListenerEvent::Gap(gap) if gap.cause == GapCause::OtherStream => return Err(HistoryFault::OtherStream),
                ListenerEvent::Joined(position) if position.stream != stream => return Err(HistoryFault::OtherStream),
                ListenerEvent::CaughtUp(_) => return Ok(items),
                // A room without numbers cannot look back.
                ListenerEvent::Message(message) if message.position.is_none() => return Err(HistoryFault::OtherStream),
                ListenerEvent::Closed(_) => return Err(HistoryFault::Unreachable),
                _ => {}
            }
            let Some(item) = encoder.event(event) else { continue };
            let seq = item.position.as_ref().map(|position| position.seq);
            if seq.is_some_and(|seq| seq > until) {
                return Ok(items);
            }
            bytes += item.json.len();
            items.push(item);
            if bytes >= max_bytes || seq == Some(until) {
                return Ok(items);
            }
        }
        Err(HistoryFault::Unreachable)
    }
}
