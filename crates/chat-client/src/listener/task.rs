//! The task of a [`Listener`](crate::Listener): what it keeps from one connection to the next, how far it has read, and
//! what it may have missed.

mod events;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chat_proto::{
    Connection, LineCodec, ListenerClient, ListenerClientConfig, ListenerClientEvent, Nonce, Position, ResumeFrom,
    ResumeRequest,
};
use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::event::{ClosedCause, EventBatch, ListenerEvent};
use super::link::ListenerLink;
use crate::config::{ClientConfig, Resume, Side};
use crate::net::connect::service_connection;
use crate::net::counters::{ServiceCount, ServiceCounters};
use crate::net::dial::Dial;
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;
use crate::net::supervisor::Supervisor;
use crate::time;

/// How many events are sent to the consumer at once.
const BATCH_EVENTS: usize = 512;

/// How many bytes of text are sent to the consumer at once, so that long messages take no more memory than short ones.
/// With the batches that wait for a slow consumer the total is about 2 MB.
const BATCH_BYTES: usize = 256 * 1024;

/// How many bytes are read at once when the server sends much. Lines that arrive together are sent on together.
const BULK_READ_BYTES: usize = 64 * 1024;

/// How long an unknown server has to report that it numbers its messages (1 s in the protocol). The first lines of a
/// plain server are held back in the meantime.
const HOLD_UNKNOWN: Duration = Duration::from_secs(1);

/// The same if a position of an earlier run shows that this server numbers its messages. The user may have changed to
/// another server since, so it is not much longer.
const HOLD_EXPECTED: Duration = Duration::from_secs(2);

/// The same if the caller asked for older messages. The server reads them from its store, which takes longer when it is
/// busy, and a caller who asked for them would rather wait than go without.
const HOLD_PAST: Duration = Duration::from_secs(5);

/// How many connections such a server may leave without an answer before it counts as plain. That loses the position in
/// its log, so a slow link alone must not cause it.
const UNANSWERED: u32 = 3;

/// The same for connections on which nothing was received. A half-open link looks like this, so it is weaker evidence
/// of a plain server; but a plain room without messages must be accepted in the end.
const SILENT: u32 = 20;

/// How many of these connections a request to retry now counts for: a user who asks twice need not wait for the others.
const PER_REQUEST: u32 = 2;

/// After this time without numbers the server counts as plain even before [`SILENT`] connections, which take minutes
/// with the waits between them.
const SILENT_TIME: Duration = Duration::from_secs(60);

/// The state of a listener that outlives a connection.
#[derive(Debug)]
pub(super) struct ListenerTask {
    config: ClientConfig,
    events: mpsc::Sender<EventBatch>,
    numbered: watch::Sender<Option<bool>>,
    counters: Arc<ServiceCounters>,
    batch: Vec<ListenerEvent>,
    batch_bytes: usize,
    /// Sent after the batch.
    block: Option<EventBatch>,
    /// How far the numbered log has been read.
    position: Option<Position>,
    /// When the room was last received; `None` before the first connection, unless an earlier run is continued.
    last_heard: Option<SystemTime>,
    /// Whether this run has had a connection.
    connected: bool,
    /// Whether this run has seen the server answer a request.
    proven: bool,
    unanswered: u32,
    silent: u32,
    silent_since: Option<Instant>,
    started: SystemTime,
}

impl ListenerTask {
    pub(super) fn new(
        config: ClientConfig,
        events: mpsc::Sender<EventBatch>,
        numbered: watch::Sender<Option<bool>>,
        counters: Arc<ServiceCounters>,
    ) -> Self {
        let started = SystemTime::now();
        let (position, last_heard) = match &config.resume {
            Resume::After { position, last_heard } => (Some(position.clone()), Some(last_heard.unwrap_or(started))),
            _ => (None, None),
        };
        Self {
            config,
            events,
            numbered,
            counters,
            batch: Vec::new(),
            batch_bytes: 0,
            block: None,
            position,
            last_heard,
            connected: false,
            proven: false,
            unanswered: 0,
            silent: 0,
            silent_since: None,
            started,
        }
    }

    /// Connects repeatedly until it is stopped or another attempt makes no sense.
    pub(super) async fn run(
        mut self,
        mut supervisor: Supervisor,
        dial: Box<dyn Dial>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        loop {
            supervisor.connecting();
            // Dropping the connection in the middle is safe: after a stop its events are not needed.
            let error = tokio::select! {
                // A fixed order of polling, so that a simulation replays from its seed.
                biased;
                _ = &mut stopped => break,
                error = self.run_connection(&mut supervisor, &dial) => error,
            };
            let Some(error) = error else { break };
            let cause = Arc::new(error);
            let Some(retry_at) = supervisor.failed(cause.clone()) else {
                let last = EventBatch::Events(vec![ListenerEvent::Closed(ClosedCause(cause))]);
                // After a stop the last event is not needed, so dropping the send loses nothing.
                tokio::select! {
                    biased;
                    _ = &mut stopped => {}
                    // An error means that the consumer is gone.
                    _ = self.events.send(last) => {}
                }
                return;
            };
            // A fixed order of polling, so that a simulation replays from its seed.
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                requested = supervisor.wait(retry_at) => {
                    if requested && matches!(*cause, ConnectError::NoAnswerToResume) {
                        self.unanswered += PER_REQUEST;
                    }
                }
            }
        }
        supervisor.closed(None);
    }

    /// Dials and receives until that fails; `None` when the consumer is gone.
    async fn run_connection(&mut self, supervisor: &mut Supervisor, dial: &dyn Dial) -> Option<ConnectError> {
        let io = match dial.dial(Side::Listen).await {
            Ok(io) => io,
            Err(error) => return Some(error),
        };
        let continues = self.position.is_some() && self.config.resume != Resume::Off;
        let position_before = self.position.clone();
        let mut link = ListenerLink::new(self.connection(io), continues, position_before, self.last_heard);
        loop {
            let mut next = link.connection.next_event().await;
            // Forward all events of one read as one batch.
            let failed = loop {
                match next {
                    Ok(event) => self.handle_event(event, &mut link, supervisor),
                    Err(error) => break Some(self.lost(error, &link)),
                }
                if self.block.is_some() || self.batch.len() >= BATCH_EVENTS || self.batch_bytes >= BATCH_BYTES {
                    break None;
                }
                match link.connection.next_event().now_or_never() {
                    Some(more) => next = more,
                    // An ended connection proves nothing about the server; this one is still alive.
                    None => {
                        if let Some(held) = link.doubted.take() {
                            if !self.asked_enough(&held) {
                                break Some(ConnectError::NoAnswerToResume);
                            }
                            self.forget_log(&mut link);
                            held.into_iter().for_each(|event| self.handle_event(event, &mut link, supervisor));
                        }
                        self.report_server_kind(&mut link, supervisor);
                        break None;
                    }
                }
            };
            self.push_joined(&mut link);
            self.flush().await.ok()?;
            if failed.is_some() {
                return failed;
            }
        }
    }

    fn connection(&self, io: BoxedIo) -> Connection<ListenerClient, BoxedIo> {
        let hold = match (self.proven, &self.position) {
            (true, _) => self.config.answer_timeout,
            (false, Some(_)) => HOLD_EXPECTED,
            (false, None) if self.asks_for_past() => HOLD_PAST,
            (false, None) => HOLD_UNKNOWN,
        };
        let mut config = ListenerClientConfig::default().with_resume(self.request());
        config.answer_timeout = hold;
        config.keepalive = Some(self.config.keepalive);
        // One line that cannot be parsed must not stop the reception of the others.
        let codec = LineCodec::for_client().skipping_long_lines();
        let machine = ListenerClient::new(config, Instant::now().into_std());
        service_connection(&self.config, machine, io, codec).with_bulk_reads(BULK_READ_BYTES)
    }

    /// Returns whether the next request asks for messages from before the start. They are requested until one request
    /// was answered.
    fn asks_for_past(&self) -> bool {
        !self.connected && matches!(self.config.resume, Resume::Last(1..) | Resume::Since(_))
    }

    fn request(&self) -> Option<ResumeRequest> {
        let from = match (&self.position, &self.config.resume) {
            (_, Resume::Off) => return None,
            (Some(position), _) => ResumeFrom::After(position.clone()),
            (None, Resume::Last(count)) if !self.connected => ResumeFrom::Last(*count),
            (None, Resume::Since(at)) if !self.connected => ResumeFrom::AfterTime(time::to_millis(*at)),
            (None, _) => ResumeFrom::Last(0),
        };
        // Unguessable, so that no message can imitate the answer.
        let nonce = Nonce::new(&uuid::Uuid::new_v4().simple().to_string()).ok()?;
        Some(ResumeRequest::new(from, nonce))
    }

    /// Counts one more connection without an answer. Returns whether the server now counts as plain.
    fn asked_enough(&mut self, held: &[ListenerClientEvent]) -> bool {
        if held.iter().any(|event| matches!(event, ListenerClientEvent::Numbered { .. })) {
            // The answer arrived just after the deadline.
            return false;
        }
        *if held.is_empty() { &mut self.silent } else { &mut self.unanswered } += 1;
        let silent_for = self.silent_since.get_or_insert_with(Instant::now).elapsed();
        self.unanswered >= UNANSWERED || self.silent >= SILENT || (!self.proven && silent_for >= SILENT_TIME)
    }

    /// Treats the server as one without numbers.
    fn forget_log(&mut self, link: &mut ListenerLink) {
        self.position = None;
        (self.proven, self.unanswered, self.silent, self.silent_since) = (false, 0, 0, None);
        link.unreported_kind = Some(false);
    }

    async fn flush(&mut self) -> Result<(), mpsc::error::SendError<EventBatch>> {
        if self.batch.is_empty() && self.block.is_none() {
            return Ok(());
        }
        if self.connected {
            self.last_heard = Some(SystemTime::now());
        }
        if !self.batch.is_empty() {
            self.batch_bytes = 0;
            let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(16));
            self.send(EventBatch::Events(batch)).await?;
        }
        match self.block.take() {
            Some(block) => self.send(block).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, batch: EventBatch) -> Result<(), mpsc::error::SendError<EventBatch>> {
        // Lossless: `usize` has at most 64 bits.
        self.counters.add(ServiceCount::Message, batch.messages() as u64);
        self.events.send(batch).await
    }
}
