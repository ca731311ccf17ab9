//! One listener's conversations with the listen port, and what it knows from one to the next: how far it has heard,
//! and what it may have missed. When to try again is the supervisor's business.

use std::time::Duration;

use chat_proto::{
    Connection, ConnectionError, Extensions, LineCodec, ListenerClient, ListenerClientConfig, ListenerClientEvent,
    Nonce, PlainLines, Position, ResumeFrom, ResumeRequest,
};
use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::config::{ClientConfig, Resume, Side};
use crate::dial::{BoxedIo, Dial};
use crate::error::ConnectError;
use crate::gap::{Gap, GapCause};
use crate::listener::{EventBatch, ListenerEvent};
use crate::supervisor::Supervisor;

/// How many events go to the consumer at once.
const BATCH_EVENTS: usize = 512;

/// How many bytes of text, so that a room of long messages takes no more memory than one of short ones. With the batches
/// that wait for a busy consumer it makes some two megabytes.
const BATCH_BYTES: usize = 256 * 1024;

/// How long a server that is not known may take to say that it numbers its messages: the protocol's one second
/// (section 5), during which the first lines of a plain server are held back.
const HOLD_UNKNOWN: Duration = Duration::from_secs(1);

/// The same where a cursor from an earlier run says that this server numbers. Somebody may have turned to another
/// server since, so it is not much longer.
const HOLD_EXPECTED: Duration = Duration::from_secs(2);

/// How often such a server may fail to answer before it is taken as plain. To take it as plain is to lose the place
/// in its log, so a slow link alone must not do it.
const UNANSWERED: u32 = 3;

/// The same for connections on which nothing came at all. That is what a half-open link looks like, and much less a
/// sign of a plain server; but a plain room in which nobody speaks must be heard in the end.
const SILENT: u32 = 20;

/// What a listener knows over its connections.
#[derive(Debug)]
pub(crate) struct ListenerTask {
    config: ClientConfig,
    events: mpsc::Sender<EventBatch>,
    numbered: watch::Sender<Option<bool>>,
    batch: Vec<ListenerEvent>,
    batch_bytes: usize,
    /// What came together, behind the batch.
    lines: Option<PlainLines>,
    /// How far the numbered log has been heard.
    heard_to: Option<Position>,
    /// When the room was last heard; `None` before the first connection.
    last_heard: Option<Timestamp>,
    /// Whether this run has seen the server answer a request.
    proven: bool,
    unanswered: u32,
    silent: u32,
    started: Timestamp,
}

/// What one connection is for, and what has come of it.
struct ListenerConnection {
    connection: Connection<ListenerClient, BoxedIo>,
    /// Whether the server is believed to have a log that goes on after what was heard.
    continues: bool,
    /// A gap that comes with the answer is the server's memory; a later one is a hole in the numbers.
    answered: bool,
    /// The server has another log than the one that was heard, or has lost the end of that.
    other_log: bool,
    /// When the connection was made.
    until: Timestamp,
    /// What the server turned out to be, while that has not been told: a connection that ends at once was none.
    unreported_kind: Option<bool>,
    /// The room has been heard on this connection.
    heard: bool,
    /// The server did not answer although it could once: what it says waits here, and is passed over if it is asked
    /// again, because it could not be told from what comes again, numbered, when it does answer.
    doubted: Option<Vec<ListenerClientEvent>>,
    /// The gap before this connection has been told, or there is none.
    gap_reported: bool,
}

impl ListenerTask {
    pub(crate) fn new(
        config: ClientConfig,
        events: mpsc::Sender<EventBatch>,
        numbered: watch::Sender<Option<bool>>,
    ) -> Self {
        let heard_to = match &config.resume {
            Resume::After(position) => Some(position.clone()),
            _ => None,
        };
        Self {
            config,
            events,
            numbered,
            batch: Vec::new(),
            batch_bytes: 0,
            lines: None,
            heard_to,
            last_heard: None,
            proven: false,
            unanswered: 0,
            silent: 0,
            started: Timestamp::now(),
        }
    }

    /// Dials and listens until that fails; `None` when nobody reads the events any more.
    pub(crate) async fn run_connection(
        &mut self,
        supervisor: &mut Supervisor,
        dial: &impl Dial,
    ) -> Option<ConnectError> {
        let io = match dial.dial(Side::Listen).await {
            Ok(io) => io,
            Err(error) => return Some(error),
        };
        let mut link = ListenerConnection {
            connection: self.connection(io),
            continues: self.heard_to.is_some() && self.config.resume != Resume::Off,
            answered: false,
            other_log: false,
            until: Timestamp::now(),
            unreported_kind: None,
            heard: false,
            doubted: None,
            gap_reported: false,
        };
        loop {
            let mut next = link.connection.next_event().await;
            // What has come together leaves together.
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
                    // A connection that ended before the answer says nothing about the server; this one goes on.
                    None => {
                        if let Some(held) = link.doubted.take() {
                            if !self.asked_enough(&held) {
                                break Some(ConnectError::NoAnswerToResume);
                            }
                            self.forget_log(&mut link);
                            held.into_iter().for_each(|event| self.handle_event(event, &mut link, supervisor));
                        }
                        self.settle_server_kind(&mut link, supervisor);
                        break None;
                    }
                }
            };
            self.flush().await.ok()?;
            if failed.is_some() {
                return failed;
            }
        }
    }

    fn connection(&self, io: BoxedIo) -> Connection<ListenerClient, BoxedIo> {
        let hold = match (self.proven, &self.heard_to) {
            (true, _) => self.config.answer_timeout,
            (false, Some(_)) => HOLD_EXPECTED,
            (false, None) => HOLD_UNKNOWN,
        };
        let mut config = ListenerClientConfig::default().with_resume(self.request());
        config.answer_timeout = hold;
        config.keepalive = Some(self.config.keepalive);
        // One line that nobody can read is no reason to hear nothing more.
        let codec = LineCodec::for_client().skipping_long_lines();
        Connection::new(ListenerClient::new(config, Instant::now().into_std()), io, codec)
    }

    fn request(&self) -> Option<ResumeRequest> {
        let from = match (&self.heard_to, &self.config.resume) {
            (_, Resume::Off) => return None,
            (Some(position), _) => ResumeFrom::After(position.clone()),
            // What was asked for at the start is asked for until it was had once.
            (None, Resume::Last(count)) if self.last_heard.is_none() => ResumeFrom::Last(*count),
            (None, Resume::AfterTime(at)) if self.last_heard.is_none() => ResumeFrom::AfterTime(*at),
            (None, _) => ResumeFrom::Last(0),
        };
        // Unguessable, so that no message can pretend to be the answer.
        let nonce = Nonce::new(&uuid::Uuid::new_v4().simple().to_string()).ok()?;
        Some(ResumeRequest::new(from, nonce))
    }

    /// One more connection without an answer: whether the server is taken as plain now.
    fn asked_enough(&mut self, held: &[ListenerClientEvent]) -> bool {
        if held.iter().any(|event| matches!(event, ListenerClientEvent::Numbered { .. })) {
            // It came a moment too late.
            return false;
        }
        *if held.is_empty() { &mut self.silent } else { &mut self.unanswered } += 1;
        self.unanswered >= UNANSWERED || self.silent >= SILENT
    }

    /// The server numbers nothing.
    fn forget_log(&mut self, link: &mut ListenerConnection) {
        self.heard_to = None;
        (self.proven, self.unanswered, self.silent) = (false, 0, 0);
        link.unreported_kind = Some(false);
    }

    fn handle_event(&mut self, event: ListenerClientEvent, link: &mut ListenerConnection, supervisor: &mut Supervisor) {
        if let Some(held) = &mut link.doubted {
            match event {
                // One by one, because lines stand behind the batch, and more than one piece of them may come.
                ListenerClientEvent::Lines(lines) => held.extend(lines.messages().map(ListenerClientEvent::Message)),
                event => held.push(event),
            }
            return;
        }
        match event {
            ListenerClientEvent::Plain if link.continues => link.doubted = Some(Vec::new()),
            ListenerClientEvent::Plain => self.forget_log(link),
            ListenerClientEvent::Numbered { stream, from, .. } => {
                let heard = self.heard_to.as_ref();
                link.other_log = heard.is_some_and(|heard| heard.stream != stream || from <= heard.seq);
                let new_place = heard.is_none() || link.other_log;
                link.answered = true;
                link.gap_reported |= link.continues;
                // Over a reconnect before the first message it goes on from the same place.
                let joined = Position { stream, seq: from.saturating_sub(1) };
                self.heard_to = Some(joined.clone());
                (self.proven, self.unanswered, self.silent) = (true, 0, 0);
                link.unreported_kind = Some(true);
                self.settle_server_kind(link, supervisor);
                if new_place {
                    self.batch.push(ListenerEvent::Joined(joined));
                }
            }
            ListenerClientEvent::Gap { missed } => {
                let cause = match (std::mem::take(&mut link.answered), link.other_log) {
                    (true, true) => GapCause::OtherStream,
                    (true, false) => GapCause::ServerForgot,
                    (false, _) => GapCause::HoleInNumbers,
                };
                self.push_gap(missed, cause);
            }
            ListenerClientEvent::TooLong => {
                self.settle_server_kind(link, supervisor);
                self.push_gap(Some(1), GapCause::LineTooLong);
            }
            ListenerClientEvent::Lines(lines) => {
                link.answered = false;
                self.settle_server_kind(link, supervisor);
                self.lines = Some(lines);
            }
            ListenerClientEvent::Message(message) => {
                link.answered = false;
                self.settle_server_kind(link, supervisor);
                if let Some(position) = &message.position {
                    match &mut self.heard_to {
                        Some(heard) if heard.stream == position.stream => heard.seq = position.seq,
                        heard => *heard = Some(position.clone()),
                    }
                }
                self.batch_bytes += message.text.as_str().len();
                self.batch.push(ListenerEvent::Message(message));
            }
            // Events of a later version of the protocol carry nothing that this one can use.
            _ => {}
        }
    }

    /// The server has shown what it can: the room is heard from here on, and what was said while it was not heard is
    /// a gap, unless the server goes on where we stopped.
    fn settle_server_kind(&mut self, link: &mut ListenerConnection, supervisor: &mut Supervisor) {
        let Some(numbered) = link.unreported_kind.take() else { return };
        link.heard = true;
        if !std::mem::replace(&mut link.gap_reported, true)
            && let Some(since) = self.last_heard
        {
            let (until, cause) = (link.until, GapCause::Disconnected);
            self.batch.push(ListenerEvent::Gap(Gap { since, until, missed: None, cause }));
        }
        self.last_heard = Some(Timestamp::now());
        self.numbered.send_if_modified(|known| known.replace(numbered) != Some(numbered));
        supervisor.online(Extensions::NONE.with_resume(numbered));
    }

    /// Until when the room was heard, now that the connection is lost.
    fn lost(&mut self, error: ConnectionError, link: &ListenerConnection) -> ConnectError {
        if let Some(last) = self.last_heard.as_mut().filter(|_| link.heard) {
            let now = Timestamp::now();
            // An orderly end comes behind everything that was said. Otherwise the link may have been dead for as long
            // as it takes to find that out.
            let blind = match error {
                ConnectionError::Ended => std::time::Duration::ZERO,
                _ => self.config.keepalive.idle + self.config.keepalive.answer_timeout,
            };
            *last = now.checked_sub(blind).unwrap_or(now).max(*last);
        }
        error.into()
    }

    fn push_gap(&mut self, missed: Option<u64>, cause: GapCause) {
        let until = Timestamp::now();
        let since = self.last_heard.unwrap_or(self.started);
        self.batch.push(ListenerEvent::Gap(Gap { since, until, missed, cause }));
    }

    async fn flush(&mut self) -> Result<(), mpsc::error::SendError<EventBatch>> {
        if self.batch.is_empty() && self.lines.is_none() {
            return Ok(());
        }
        if self.last_heard.is_some() {
            self.last_heard = Some(Timestamp::now());
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
