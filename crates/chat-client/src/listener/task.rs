//! The task of a [`Listener`](crate::Listener): what it keeps from one connection to the next, how far it has read, and
//! what it may have missed.

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

/// How many events are sent to the consumer at once.
const BATCH_EVENTS: usize = 512;

/// How many bytes of text are sent to the consumer at once, so that long messages take no more memory than short ones.
/// With the batches that wait for a slow consumer the total is about 2 MB.
const BATCH_BYTES: usize = 256 * 1024;

/// How long an unknown server has to report that it numbers its messages (1 s in the protocol). The first lines of a
/// plain server are held back in the meantime.
const HOLD_UNKNOWN: Duration = Duration::from_secs(1);

/// The same if a position of an earlier run shows that this server numbers its messages. The user may have changed to
/// another server since, so it is not much longer.
const HOLD_EXPECTED: Duration = Duration::from_secs(2);

/// How many connections such a server may leave without an answer before it counts as plain. That loses the position in
/// its log, so a slow link alone must not cause it.
const UNANSWERED: u32 = 3;

/// The same for connections on which nothing was received. A half-open link looks like this, so it is weaker evidence
/// of a plain server; but a plain room without messages must be accepted in the end.
const SILENT: u32 = 20;

/// After this time without numbers the server counts as plain even before [`SILENT`] connections, which take minutes
/// with the waits between them.
const SILENT_TIME: Duration = Duration::from_secs(60);

/// The state of a listener that outlives a connection.
#[derive(Debug)]
pub(crate) struct ListenerTask {
    config: ClientConfig,
    events: mpsc::Sender<EventBatch>,
    numbered: watch::Sender<Option<bool>>,
    batch: Vec<ListenerEvent>,
    batch_bytes: usize,
    /// Sent after the batch.
    lines: Option<PlainLines>,
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

/// One connection, and what has become known on it.
struct ListenerConnection {
    connection: Connection<ListenerClient, BoxedIo>,
    /// Whether the server is expected to have a log that continues after the position.
    continues: bool,
    /// The position when the connection was made.
    position_before: Option<Position>,
    /// When the room was last received before this connection.
    blind_since: Option<SystemTime>,
    /// Distinguishes two gaps: one that comes with the answer was lost by the server, a later one is a hole in the
    /// numbers.
    answered: bool,
    /// The server has another log than the one that was read, or has lost its end.
    other_log: bool,
    /// When the connection was made.
    until: SystemTime,
    /// Whether the server numbers its messages, until this is reported: a connection that ends at once is not reported.
    unreported_kind: Option<bool>,
    /// The new position, held back until it is known whether a gap precedes it.
    joined: Option<Position>,
    /// The newest message that the server had when it answered, until it is delivered.
    head: Option<Seq>,
    /// The room has been received on this connection.
    heard: bool,
    /// Events of a server that answered before but not on this connection. They are dropped if the server is asked
    /// again, because they could not be told apart from the numbered copies that would follow its answer.
    doubted: Option<Vec<ListenerClientEvent>>,
    /// The gap before this connection is reported, or there was none.
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

    /// Connects repeatedly until it is stopped or another attempt makes no sense.
    pub(crate) async fn run(
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
                () = supervisor.wait(retry_at) => {}
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
            (false, None) => HOLD_UNKNOWN,
        };
        let mut config = ListenerClientConfig::default().with_resume(self.request());
        config.answer_timeout = hold;
        config.keepalive = Some(self.config.keepalive);
        // One line that cannot be parsed must not stop the reception of the others.
        let codec = LineCodec::for_client().skipping_long_lines();
        Connection::new(ListenerClient::new(config, Instant::now().into_std()), io, codec)
    }

    fn request(&self) -> Option<ResumeRequest> {
        let from = match (&self.position, &self.config.resume) {
            (_, Resume::Off) => return None,
            (Some(position), _) => ResumeFrom::After(position.clone()),
            // Older messages are requested until one request was answered.
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
    fn forget_log(&mut self, link: &mut ListenerConnection) {
        self.position = None;
        (self.proven, self.unanswered, self.silent, self.silent_since) = (false, 0, 0, None);
        link.unreported_kind = Some(false);
    }

    fn handle_event(&mut self, event: ListenerClientEvent, link: &mut ListenerConnection, supervisor: &mut Supervisor) {
        if let Some(held) = &mut link.doubted {
            match event {
                // One by one, because lines are sent after the batch, and there may be several blocks of them.
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
                // If the connection is lost before the first message, the next one resumes at the same position.
                let joined = Position { stream, seq: from.saturating_sub(1) };
                self.position = Some(joined.clone());
                (self.proven, self.unanswered, self.silent, self.silent_since) = (true, 0, 0, None);
                link.unreported_kind = Some(true);
                self.report_server_kind(link, supervisor);
                // A gap may follow, and it must precede this event.
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
            // Events of a later protocol version contain nothing that this version can use.
            _ => {}
        }
    }

    /// Reports a new position once no gap can precede it.
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

    /// Reports whether the server numbers its messages. From here on the room is received. What was sent since it was
    /// last received is a gap, unless the server continues at the old position.
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

    /// Records until when the room was received, after the connection was lost.
    fn lost(&mut self, error: ConnectionError, link: &ListenerConnection) -> ConnectError {
        if let Some(last) = self.last_heard.as_mut().filter(|_| link.heard) {
            let now = SystemTime::now();
            // A clean end follows everything that was sent. In other cases the link may have been dead for as long as
            // its keepalive takes to notice.
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
