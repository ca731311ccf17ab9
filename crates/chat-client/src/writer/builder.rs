//! Configures and starts a writer.

use std::sync::Arc;
use std::time::Duration;

use chat_proto::Token;
use tokio::sync::{Semaphore, mpsc, watch};
use tracing::Instrument as _;

use super::handle::Writer;
use super::task::{WriterTask, WriterWatches};
use crate::config::{ClientConfig, Side};
use crate::net::connect::service_dial;
use crate::net::dial::Dial;
use crate::net::supervisor::{self, Supervisor};
use crate::outbox::access::OutboxAccess;
#[cfg(feature = "files")]
use crate::outbox::log::Outbox;

/// The default queue: four times the window of unanswered messages, and at most 16 MiB of the longest texts.
const QUEUE_SIZE: usize = 1024;

/// How long a writer whose last handle was dropped keeps sending.
const DRAIN_WHEN_DROPPED: Duration = Duration::from_secs(10);

/// Configures a [`Writer`]; created by [`Writer::builder`]. It can start once it has a token.
///
/// ```
/// use chat_client::testing::Room;
/// use chat_client::{ClientConfig, Outbox, Text, Writer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("outbox");
/// let room = Room::new();
/// let outbox = Outbox::open(&path, "127.0.0.1:5050")?;
/// let writer =
///     Writer::builder(ClientConfig::default()).token(room.token()).dial(room.dial()).outbox(outbox).queue_size(64).start();
/// writer.post(Text::new("hello")?).await?;
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until `start`"]
pub struct WriterBuilder<T = ()> {
    config: ClientConfig,
    token: T,
    outbox: OutboxAccess,
    dial: Option<Box<dyn Dial>>,
    queue_size: usize,
    drain_when_dropped: Duration,
}

impl<T> std::fmt::Debug for WriterBuilder<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriterBuilder")
            .field("config", &self.config)
            .field("outbox", &self.outbox)
            .finish_non_exhaustive()
    }
}

impl<T> WriterBuilder<T> {
    /// Sets the account's token.
    pub fn token(self, token: Token) -> WriterBuilder<Token> {
        let Self { config, outbox, dial, queue_size, drain_when_dropped, .. } = self;
        WriterBuilder { config, token, outbox, dial, queue_size, drain_when_dropped }
    }

    /// Saves messages in `outbox` until they are confirmed. The default is to keep them in memory.
    ///
    /// While the writer runs, only it writes the file. Messages that an earlier run left in it are not sent
    /// automatically: pass those that should be sent to [`Writer::send_entry`].
    #[cfg(feature = "files")]
    pub fn outbox(mut self, outbox: Outbox) -> Self {
        self.outbox.set(outbox);
        self
    }

    /// Writes the outbox on the runtime's own thread, which it blocks, so that a simulation in virtual time replays
    /// exactly from its seed. The time at which a blocking thread answers is not virtual.
    #[cfg(all(feature = "files", any(test, feature = "testing")))]
    pub fn outbox_in_virtual_time(mut self) -> Self {
        self.outbox.set_inline();
        self
    }

    /// Connects with `dial` instead of TCP. With [`ClientConfig::tls`] TLS runs over its streams too.
    pub fn dial(mut self, dial: impl Dial) -> Self {
        self.dial = Some(Box::new(dial));
        self
    }

    /// Sets how many messages may be queued and unanswered together; 1,024 by default, at least 1.
    pub fn queue_size(mut self, messages: usize) -> Self {
        self.queue_size = messages.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// Sets how long the writer keeps sending after the last handle was dropped; 10 s by default.
    pub fn drain_when_dropped(mut self, time: Duration) -> Self {
        self.drain_when_dropped = time;
        self
    }
}

impl WriterBuilder<Token> {
    /// Starts the writer on the current Tokio runtime.
    ///
    /// # Panics
    /// Outside a Tokio runtime, and in one without timers (`enable_time`).
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Writer {
        supervisor::assert_runtime();
        let dial = service_dial(&self.config, self.dial);
        let supervisor = Supervisor::new(&self.config, dial.nodes());
        let (requests, received) = mpsc::unbounded_channel();
        let places = Arc::new(Semaphore::new(self.queue_size));
        let (account_sender, account) = watch::channel(None);
        let (round_trip_sender, round_trip) = watch::channel(None);
        let (outbox_error_sender, outbox_error) = watch::channel(None);
        let (hold_sender, hold) = watch::channel(None);
        let (report_sender, report) = watch::channel(None);
        let mut handle = Writer {
            requests,
            places: places.clone(),
            queue_size: self.queue_size,
            outbox: self.outbox.clone(),
            state: supervisor.state(),
            account,
            round_trip,
            outbox_error,
            hold,
            report,
            retry_now: supervisor.retry_now(),
            end_now: Arc::default(),
            counters: supervisor.counters(),
        };
        let watches = WriterWatches {
            account: account_sender,
            round_trip: round_trip_sender,
            outbox_error: outbox_error_sender,
            hold: hold_sender,
        };
        let span = tracing::info_span!("writer", address = self.config.addresses_text(Side::Write));
        let task = WriterTask::new(
            self.config,
            self.token,
            self.outbox,
            supervisor,
            received,
            watches,
            self.drain_when_dropped,
        );
        handle.end_now = task.end_now();
        tokio::spawn(
            async move {
                let report = task.run(&dial).await;
                // Stop accepting messages before the report is sent: a reader must find every accepted message in it.
                places.close();
                report_sender.send_replace(Some(report));
            }
            .instrument(span),
        );
        handle
    }
}

impl Writer {
    /// Returns a builder for a writer that posts to the room of `config`.
    pub fn builder(config: ClientConfig) -> WriterBuilder {
        WriterBuilder {
            config,
            token: (),
            outbox: OutboxAccess::default(),
            dial: None,
            queue_size: QUEUE_SIZE,
            drain_when_dropped: DRAIN_WHEN_DROPPED,
        }
    }
}
