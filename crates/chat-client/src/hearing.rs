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
use crate::listener::{Heard, ListenerEvent};
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
pub(crate) struct Hearing {
    config: ClientConfig,
    events: mpsc::Sender<Heard>,
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
struct Conversation {
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
    untold: Option<bool>,
    /// The room has been heard on this connection.
    heard: bool,
    /// The server did not answer although it could once: what it says waits here, and is passed over if it is asked
    /// again, because it could not be told from what comes again, numbered, when it does answer.
    doubted: Option<Vec<ListenerClientEvent>>,
    /// The gap before this connection has been told, or there is none.
    gap_told: bool,
}

impl Hearing {
    pub(crate) fn new(
        config: ClientConfig,
        events: mpsc::Sender<Heard>,
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
    pub(crate) async fn converse(&mut self, supervisor: &mut Supervisor, dial: &impl Dial) -> Option<ConnectError> {
        let io = match dial.dial(Side::Listen).await {
            Ok(io) => io,
            Err(error) => return Some(error),
        };
        let mut talk = Conversation {
            connection: self.connection(io),
            continues: self.heard_to.is_some() && self.config.resume != Resume::Off,
            answered: false,
            other_log: false,
            until: Timestamp::now(),
            untold: None,
            heard: false,
            doubted: None,
            gap_told: false,
        };
        loop {
            let mut next = talk.connection.next_event().await;
            // What has come together leaves together.
            let failed = loop {
                match next {
                    Ok(event) => self.take(event, &mut talk, supervisor),
                    Err(error) => break Some(self.lost(error, &talk)),
                }
                if self.lines.is_some() || self.batch.len() >= BATCH_EVENTS || self.batch_bytes >= BATCH_BYTES {
                    break None;
                }
                match talk.connection.next_event().now_or_never() {
                    Some(more) => next = more,
                    // A connection that ended before the answer says nothing about the server; this one goes on.
                    None => {
                        if let Some(said) = talk.doubted.take() {
                            if !self.has_asked_enough(&said) {
                                break Some(ConnectError::NoAnswerToResume);
                            }
                            self.forget_the_log(&mut talk);
                            said.into_iter().for_each(|event| self.take(event, &mut talk, supervisor));
                        }
                        self.tell_what_it_is(&mut talk, supervisor);
                        break None;
                    }
                }
            };
            self.hand_over().await.ok()?;
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
        let config = ListenerClientConfig { resume: self.request(), hold, keepalive: Some(self.config.keepalive) };
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
        Some(ResumeRequest { from, nonce })
    }

    /// One more connection without an answer: whether the server is taken as plain now.
    fn has_asked_enough(&mut self, said: &[ListenerClientEvent]) -> bool {
        if said.iter().any(|event| matches!(event, ListenerClientEvent::Numbered { .. })) {
            // It came a moment too late.
            return false;
        }
        *if said.is_empty() { &mut self.silent } else { &mut self.unanswered } += 1;
        self.unanswered >= UNANSWERED || self.silent >= SILENT
    }

    /// The server numbers nothing.
    fn forget_the_log(&mut self, talk: &mut Conversation) {
        self.heard_to = None;
        (self.proven, self.unanswered, self.silent) = (false, 0, 0);
        talk.untold = Some(false);
    }

    fn take(&mut self, event: ListenerClientEvent, talk: &mut Conversation, supervisor: &mut Supervisor) {
        if let Some(said) = &mut talk.doubted {
            match event {
                // One by one, because lines stand behind the batch, and more than one piece of them may come.
                ListenerClientEvent::Lines(lines) => said.extend(lines.messages().map(ListenerClientEvent::Message)),
                event => said.push(event),
            }
            return;
        }
        match event {
            ListenerClientEvent::Plain if talk.continues => talk.doubted = Some(Vec::new()),
            ListenerClientEvent::Plain => self.forget_the_log(talk),
            ListenerClientEvent::Numbered { stream, from, .. } => {
                let heard = self.heard_to.as_ref();
                talk.other_log = heard.is_some_and(|heard| heard.stream != stream || from <= heard.seq);
                let new_place = heard.is_none() || talk.other_log;
                talk.answered = true;
                talk.gap_told |= talk.continues;
                // Over a reconnect before the first message it goes on from the same place.
                let joined = Position { stream, seq: from.saturating_sub(1) };
                self.heard_to = Some(joined.clone());
                (self.proven, self.unanswered, self.silent) = (true, 0, 0);
                talk.untold = Some(true);
                self.tell_what_it_is(talk, supervisor);
                if new_place {
                    self.batch.push(ListenerEvent::Joined(joined));
                }
            }
            ListenerClientEvent::Gap { missed } => {
                let cause = match (std::mem::take(&mut talk.answered), talk.other_log) {
                    (true, true) => GapCause::OtherStream,
                    (true, false) => GapCause::ServerForgot,
                    (false, _) => GapCause::HoleInNumbers,
                };
                self.tell_gap(missed, cause);
            }
            ListenerClientEvent::TooLong => {
                self.tell_what_it_is(talk, supervisor);
                self.tell_gap(Some(1), GapCause::LineTooLong);
            }
            ListenerClientEvent::Lines(lines) => {
                talk.answered = false;
                self.tell_what_it_is(talk, supervisor);
                self.lines = Some(lines);
            }
            ListenerClientEvent::Message(message) => {
                talk.answered = false;
                self.tell_what_it_is(talk, supervisor);
                if let Some(position) = &message.position {
                    match &mut self.heard_to {
                        Some(heard) if heard.stream == position.stream => heard.seq = position.seq,
                        heard => *heard = Some(position.clone()),
                    }
                }
                self.batch_bytes += message.text.as_str().len();
                self.batch.push(ListenerEvent::Message(message));
            }
        }
    }

    /// The server has shown what it can: the room is heard from here on, and what was said while it was not heard is
    /// a gap, unless the server goes on where we stopped.
    fn tell_what_it_is(&mut self, talk: &mut Conversation, supervisor: &mut Supervisor) {
        let Some(numbered) = talk.untold.take() else { return };
        talk.heard = true;
        if !std::mem::replace(&mut talk.gap_told, true)
            && let Some(since) = self.last_heard
        {
            let (until, cause) = (talk.until, GapCause::Disconnected);
            self.batch.push(ListenerEvent::Gap(Gap { since, until, missed: None, cause }));
        }
        self.last_heard = Some(Timestamp::now());
        self.numbered.send_if_modified(|known| known.replace(numbered) != Some(numbered));
        supervisor.online(Extensions { id: false, resume: numbered });
    }

    /// Until when the room was heard, now that the connection is lost.
    fn lost(&mut self, error: ConnectionError, talk: &Conversation) -> ConnectError {
        if let Some(last) = self.last_heard.as_mut().filter(|_| talk.heard) {
            let now = Timestamp::now();
            // An orderly end comes behind everything that was said. Otherwise the link may have been dead for as long
            // as it takes to find that out.
            let blind = match error {
                ConnectionError::Ended => std::time::Duration::ZERO,
                _ => self.config.keepalive.idle + self.config.keepalive.probe,
            };
            *last = now.checked_sub(blind).unwrap_or(now).max(*last);
        }
        error.into()
    }

    fn tell_gap(&mut self, missed: Option<u64>, cause: GapCause) {
        let until = Timestamp::now();
        let since = self.last_heard.unwrap_or(self.started);
        self.batch.push(ListenerEvent::Gap(Gap { since, until, missed, cause }));
    }

    async fn hand_over(&mut self) -> Result<(), mpsc::error::SendError<Heard>> {
        if self.batch.is_empty() && self.lines.is_none() {
            return Ok(());
        }
        if self.last_heard.is_some() {
            self.last_heard = Some(Timestamp::now());
        }
        if !self.batch.is_empty() {
            self.batch_bytes = 0;
            let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(16));
            self.events.send(Heard::Events(batch)).await?;
        }
        if let Some(lines) = self.lines.take() {
            self.events.send(Heard::Lines(lines)).await?;
        }
        Ok(())
    }
}
