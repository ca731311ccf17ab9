//! The task behind a [`Listener`](crate::Listener): what it knows from one connection to the next, how far it has
//! read, and what it may have missed.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chat_proto::{
    Connection, ConnectionError, Extensions, LineCodec, ListenerClient, ListenerClientConfig, ListenerClientEvent,
    Nonce, PlainLines, Position, ResumeFrom, ResumeRequest, Seq,
};
use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::event::{ClosedCause, EventBatch, ListenerEvent};
use super::gap::{Gap, GapCause};
use crate::config::{ClientConfig, Resume, Side};
use crate::net::dial::Dial;
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;
use crate::net::supervisor::Supervisor;
use crate::time;

/// How many events go to the consumer at once.
const BATCH_EVENTS: usize = 512;

/// How many bytes of text go to the consumer at once, so that a room of long messages takes no more memory than one of
/// short ones. With the batches that wait for a slow consumer it makes some two megabytes.
const BATCH_BYTES: usize = 256 * 1024;

/// How long an unknown server may take to say that it numbers its messages (one second in the protocol). The first
/// lines of a plain server are held back meanwhile.
const HOLD_UNKNOWN: Duration = Duration::from_secs(1);

/// The same where a position of an earlier run says that this server numbers. The user may have changed to another
/// server since, so it is not much longer.
const HOLD_EXPECTED: Duration = Duration::from_secs(2);

/// How many connections such a server may leave without an answer before it counts as plain. That loses the position
/// in its log, so a slow link alone must not cause it.
const UNANSWERED: u32 = 3;

/// The same for connections on which nothing came at all. A half-open link looks like that, and it is much less a sign
/// of a plain server; but a plain room in which no message is sent must be received in the end.
const SILENT: u32 = 20;

/// After so long without any sign of numbers such a server counts as plain even before [`SILENT`] connections, which
/// take minutes when each is preceded by a wait.
const SILENT_TIME: Duration = Duration::from_secs(60);

/// What a listener knows over its connections.
#[derive(Debug)]
pub(crate) struct ListenerTask {
    config: ClientConfig,
    events: mpsc::Sender<EventBatch>,
    numbered: watch::Sender<Option<bool>>,
    batch: Vec<ListenerEvent>,
    batch_bytes: usize,
    /// Comes after the batch.
    lines: Option<PlainLines>,
    /// How far the numbered log has been read.
    position: Option<Position>,
    /// When the room was last received; `None` before the first connection, unless an earlier run is continued.
    last_heard: Option<SystemTime>,
    /// Whether there was a connection in this run.
    connected: bool,
    /// Whether this run has seen the server answer a request.
    proven: bool,
    unanswered: u32,
    silent: u32,
    silent_since: Option<Instant>,
    started: SystemTime,
}

/// One connection and what has become known on it.
struct ListenerConnection {
    connection: Connection<ListenerClient, BoxedIo>,
    /// Whether the server is believed to have a log that continues after the position.
    continues: bool,
    /// The position when the connection was made.
    position_before: Option<Position>,
    /// When the room was last received before this connection.
    blind_since: Option<SystemTime>,
    /// A gap that comes with the answer is what the server lost; a later one is a hole in the numbers.
    answered: bool,
    /// The server has another log than the one that was read, or has lost the end of that.
    other_log: bool,
    /// When the connection was made.
    until: SystemTime,
    /// What the server turned out to be, as long as that is not reported: a connection that ends at once was none.
    unreported_kind: Option<bool>,
    /// The new position, until it is known whether a gap comes before it.
    joined: Option<Position>,
    /// The newest message that the server had when it answered, until that is delivered.
    head: Option<Seq>,
    /// The room has been received on this connection.
    heard: bool,
    /// The server did not answer although it could once: what it sends waits here. It is dropped if the server is asked
    /// again, because it could not be told from what comes again, numbered, when the server does answer.
    doubted: Option<Vec<ListenerClientEvent>>,
    /// The gap before this connection is reported, or there is none.
    gap_reported: bool,
}

impl ListenerTask {
    pub(crate) fn new(
        config: ClientConfig,
        events: mpsc::Sender<EventBatch>,
        numbered: watch::Sender<Option<bool>>,
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
            batch: Vec::new(),
            batch_bytes: 0,
            lines: None,
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

    /// Connects again and again until it is told to stop or another attempt makes no sense.
    pub(crate) async fn run(
        mut self,
        mut supervisor: Supervisor,
        dial: Box<dyn Dial>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        loop {
            supervisor.connecting();
            // Dropping the connection in the middle is safe: after a stop its events are not wanted.
            let error = tokio::select! {
                // In this order, so that a simulation replays from its seed.
                biased;
                _ = &mut stopped => break,
                error = self.run_connection(&mut supervisor, &dial) => error,
            };
            let Some(error) = error else { break };
            let cause = Arc::new(error);
            let Some(retry_at) = supervisor.failed(cause.clone()) else {
                let last = EventBatch::Events(vec![ListenerEvent::Closed(ClosedCause(cause))]);
                tokio::select! {
                    biased;
                    _ = &mut stopped => {}
                    // An error means that the consumer is gone.
                    _ = self.events.send(last) => {}
                }
                return;
            };
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                () = supervisor.wait(retry_at) => {}
            }
        }
        supervisor.closed(None);
    }

    /// Dials and listens until that fails; `None` when the consumer is gone.
    async fn run_connection(&mut self, supervisor: &mut Supervisor, dial: &dyn Dial) -> Option<ConnectError> {
        let io = match dial.dial(Side::Listen).await {
            Ok(io) => io,
            Err(error) => return Some(error),
        };
        let mut link = ListenerConnection {
            connection: self.connection(io),
            continues: self.position.is_some() && self.config.resume != Resume::Off,
            position_before: self.position.clone(),
            blind_since: self.last_heard,
            answered: false,
            other_log: false,
            until: SystemTime::now(),
            unreported_kind: None,
            joined: None,
            head: None,
            heard: false,
            doubted: None,
            gap_reported: false,
        };
        loop {
            let mut next = link.connection.next_event().await;
            // Forward all events of one read as one batch.
            let failed = loop {
                match next {
                    Ok(event) => self.handle_event(event, &mut link, supervisor),
                    Err(error) => break Some(self.lost(error, &link)),
                }
                if self.lines.is_some() || self.batch.len() >= BATCH_EVENTS || self.batch_bytes >= BATCH_BYTES {
                    break None;
                }
                match link.connection.next_event().now_or_never() {
                    Some(more) => next = more,
                    // A connection that ended before the answer says nothing about the server; this one is alive.
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
            (false, None) => HOLD_UNKNOWN,
        };
        let mut config = ListenerClientConfig::default().with_resume(self.request());
        config.answer_timeout = hold;
        config.keepalive = Some(self.config.keepalive);
        // One line that cannot be read is no reason to receive nothing more.
        let codec = LineCodec::for_client().skipping_long_lines();
        Connection::new(ListenerClient::new(config, Instant::now().into_std()), io, codec)
    }

    fn request(&self) -> Option<ResumeRequest> {
        let from = match (&self.position, &self.config.resume) {
            (_, Resume::Off) => return None,
            (Some(position), _) => ResumeFrom::After(position.clone()),
            // A look back is asked for until it was answered once.
            (None, Resume::Last(count)) if !self.connected => ResumeFrom::Last(*count),
            (None, Resume::Since(at)) if !self.connected => ResumeFrom::AfterTime(time::to_millis(*at)),
            (None, _) => ResumeFrom::Last(0),
        };
        // Unguessable, so that no message can pretend to be the answer.
        let nonce = Nonce::new(&uuid::Uuid::new_v4().simple().to_string()).ok()?;
        Some(ResumeRequest::new(from, nonce))
    }

    /// Counts one more connection without an answer. Returns whether the server counts as plain now.
    fn asked_enough(&mut self, held: &[ListenerClientEvent]) -> bool {
        if held.iter().any(|event| matches!(event, ListenerClientEvent::Numbered { .. })) {
            // It came a moment too late.
            return false;
        }
        *if held.is_empty() { &mut self.silent } else { &mut self.unanswered } += 1;
        let silent_for = self.silent_since.get_or_insert_with(Instant::now).elapsed();
        self.unanswered >= UNANSWERED || self.silent >= SILENT || (!self.proven && silent_for >= SILENT_TIME)
    }

    /// The server numbers nothing.
    fn forget_log(&mut self, link: &mut ListenerConnection) {
        self.position = None;
        (self.proven, self.unanswered, self.silent, self.silent_since) = (false, 0, 0, None);
        link.unreported_kind = Some(false);
    }

    fn handle_event(&mut self, event: ListenerClientEvent, link: &mut ListenerConnection, supervisor: &mut Supervisor) {
        if let Some(held) = &mut link.doubted {
            match event {
                // One by one, because lines come after the batch, and there may be more than one piece of them.
                ListenerClientEvent::Lines(lines) => held.extend(lines.messages().map(ListenerClientEvent::Message)),
                event => held.push(event),
            }
            return;
        }
        match event {
            ListenerClientEvent::Plain if link.continues => link.doubted = Some(Vec::new()),
            ListenerClientEvent::Plain => self.forget_log(link),
            ListenerClientEvent::Numbered { stream, from, head } => {
                let known = self.position.as_ref();
                link.other_log = known.is_some_and(|known| known.stream != stream || from <= known.seq);
                let new_place = known.is_none() || link.other_log;
                link.answered = true;
                link.gap_reported |= link.continues;
                // Over a reconnect before the first message it continues from the same position.
                let joined = Position { stream, seq: from.saturating_sub(1) };
                self.position = Some(joined.clone());
                (self.proven, self.unanswered, self.silent, self.silent_since) = (true, 0, 0, None);
                link.unreported_kind = Some(true);
                self.report_server_kind(link, supervisor);
                // The gap that may follow comes first.
                link.joined = new_place.then_some(joined);
                link.head = Some(head);
            }
            ListenerClientEvent::Gap { missed } => {
                if std::mem::take(&mut link.answered) {
                    let cause = if link.other_log { GapCause::OtherStream } else { GapCause::ServerForgot };
                    let since = link.blind_since.unwrap_or(self.started);
                    let before = self.position.as_ref().map(following);
                    self.push_gap(Gap {
                        after: link.position_before.clone(),
                        before,
                        ..Gap::new(since, link.until, missed, cause)
                    });
                } else {
                    let since = self.last_heard.unwrap_or(self.started);
                    let after = self.position.clone();
                    let before = after.as_ref().map(|after| Position {
                        seq: after.seq.saturating_add(missed.unwrap_or(0)).saturating_add(1),
                        ..after.clone()
                    });
                    let gap = Gap::new(since, SystemTime::now(), missed, GapCause::HoleInNumbers);
                    self.push_gap(Gap { after, before, ..gap });
                }
            }
            ListenerClientEvent::TooLong => {
                self.report_server_kind(link, supervisor);
                let since = self.last_heard.unwrap_or(self.started);
                self.push_gap(Gap::new(since, SystemTime::now(), Some(1), GapCause::LineTooLong));
            }
            ListenerClientEvent::Lines(lines) => {
                link.answered = false;
                self.report_server_kind(link, supervisor);
                self.lines = Some(lines);
            }
            ListenerClientEvent::Message(message) => {
                link.answered = false;
                self.report_server_kind(link, supervisor);
                self.push_joined(link);
                if let Some(position) = &message.position {
                    match &mut self.position {
                        Some(known) if known.stream == position.stream => known.seq = position.seq,
                        known => *known = Some(position.clone()),
                    }
                }
                self.batch_bytes += message.text.as_str().len();
                self.batch.push(ListenerEvent::Message(message));
                self.push_caught_up(link);
            }
            // Events of a later version of the protocol carry nothing that this one can use.
            _ => {}
        }
    }

    /// Reports a new position, once no gap can come before it any more.
    fn push_joined(&mut self, link: &mut ListenerConnection) {
        if let Some(joined) = link.joined.take() {
            self.batch.push(ListenerEvent::Joined(joined));
        }
        self.push_caught_up(link);
    }

    /// Reports the end of the replay.
    fn push_caught_up(&mut self, link: &mut ListenerConnection) {
        if link.joined.is_none()
            && let (Some(head), Some(position)) = (link.head, &self.position)
            && position.seq >= head
        {
            link.head = None;
            self.batch.push(ListenerEvent::CaughtUp(position.clone()));
        }
    }

    /// Reports what the server can do: from here on the room is received. What was sent since it was last received is a
    /// gap, unless the server continues where we stopped.
    fn report_server_kind(&mut self, link: &mut ListenerConnection, supervisor: &mut Supervisor) {
        let Some(numbered) = link.unreported_kind.take() else { return };
        link.heard = true;
        self.connected = true;
        if !std::mem::replace(&mut link.gap_reported, true)
            && let Some(since) = self.last_heard
        {
            let gap = Gap::new(since, link.until, None, GapCause::Disconnected);
            self.push_gap(Gap { after: link.position_before.clone(), ..gap });
        }
        self.last_heard = Some(SystemTime::now());
        self.numbered.send_if_modified(|known| known.replace(numbered) != Some(numbered));
        supervisor.online(Extensions::NONE.with_resume(numbered));
    }

    /// Notes until when the room was received, now that the connection is lost.
    fn lost(&mut self, error: ConnectionError, link: &ListenerConnection) -> ConnectError {
        if let Some(last) = self.last_heard.as_mut().filter(|_| link.heard) {
            let now = SystemTime::now();
            // A clean end comes after everything that was sent. Otherwise the link may have been dead for as long as it
            // takes to find that out.
            let blind = match error {
                ConnectionError::Ended => Duration::ZERO,
                _ => self.config.keepalive.idle + self.config.keepalive.answer_timeout,
            };
            *last = now.checked_sub(blind).unwrap_or(now).max(*last);
        }
        error.into()
    }

    fn push_gap(&mut self, gap: Gap) {
        tracing::info!(cause = gap.cause.as_str(), missed = gap.missed, "gap");
        self.batch.push(ListenerEvent::Gap(gap));
    }

    async fn flush(&mut self) -> Result<(), mpsc::error::SendError<EventBatch>> {
        if self.batch.is_empty() && self.lines.is_none() {
            return Ok(());
        }
        if self.connected {
            self.last_heard = Some(SystemTime::now());
        }
        if !self.batch.is_empty() {
            self.batch_bytes = 0;
            let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(16));
            self.events.send(EventBatch::Events(batch)).await?;
        }
        if let Some(lines) = self.lines.take() {
            self.events.send(EventBatch::Lines(lines)).await?;
        }
        Ok(())
    }
}

fn following(position: &Position) -> Position {
    Position { seq: position.seq.saturating_add(1), ..position.clone() }
}
