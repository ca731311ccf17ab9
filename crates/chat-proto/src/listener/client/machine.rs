//! The client's state machine: requests the numbered log if the server has one, accepts plain lines otherwise, and
//! reports missed messages (docs/protocol.md, sections 3 and 5).

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Buf as _, Bytes};

use crate::dialogue::GREETING;
use crate::error::{Excerpt, Expected, ProtocolError};
use crate::extension::{
    Extension, NumberedMessage, RemovedLine, RemovedMessage, ResumeAnswer, ResumeFrom, ResumeReply, ResumeRequest,
    SeqRange,
};
use crate::ident::{Position, Seq, StreamId};
use crate::keepalive::{Keepalive, KeepaliveEvent, KeepaliveTimer};
use crate::line::Line;
use crate::listener::client::interface::{ListenerClientConfig, ListenerClientEvent};
use crate::message::Message;
use crate::numbered_lines::NumberedLines;
use crate::plain_lines::PlainLines;
use crate::state_machine::{NotReady, Output, StateMachine};

/// The client's side of one connection to the listen port.
///
/// ```
/// use std::time::Instant;
/// use chat_proto::{Line, ListenerClient, ListenerClientConfig, ListenerClientEvent, Output, StateMachine};
///
/// let mut client = ListenerClient::new(ListenerClientConfig::default(), Instant::now());
/// assert_eq!(client.poll_output(), Output::Event(ListenerClientEvent::Plain));
/// client.handle_input(Line::from("Keen Bob: hello"), Instant::now())?;
/// let Output::Event(ListenerClientEvent::Message(message)) = client.poll_output() else { panic!() };
/// assert_eq!(message.text.as_str(), "hello");
/// # Ok::<(), chat_proto::ProtocolError>(())
/// ```
#[derive(Debug)]
pub struct ListenerClient {
    state: ListenerClientState,
    outputs: VecDeque<Output<ListenerClientEvent>>,
    keepalive: Option<Keepalive>,
    keepalive_timer: Option<KeepaliveTimer>,
    pings: u64,
    /// No line has arrived yet.
    first: bool,
}

#[derive(Debug)]
enum ListenerClientState {
    /// The request is not answered yet. `None` in `held` stands for a line that was too long.
    Asked { request: ResumeRequest, held: Vec<Option<Line>>, held_bytes: usize, until: Instant },
    /// `late` is the request, whose answer may still arrive, and how many lines were delivered since.
    Plain { late: Option<(ResumeRequest, u64)> },
    Numbered {
        stream: StreamId,
        next: Seq,
        /// Messages up to this number were already delivered as plain lines, or reported as missed.
        skip_to: Seq,
    },
}

/// How many bytes are held back while the answer is outstanding. Beyond this the server is treated as plain at once: a
/// room with so much text within a second cannot be read by people.
const MAX_HELD: usize = 1024 * 1024;

/// The cost of a held line in addition to its text, so that empty lines are bounded too.
const LINE_OVERHEAD: usize = 64;

impl ListenerClient {
    /// Creates the machine for a connection that has just been opened.
    #[must_use]
    pub fn new(config: ListenerClientConfig, now: Instant) -> Self {
        let mut outputs = VecDeque::new();
        let state = match config.resume {
            Some(request) => {
                outputs.push_back(Output::Transmit(Extension::Request(request.clone()).to_line()));
                ListenerClientState::Asked {
                    request,
                    held: Vec::new(),
                    held_bytes: 0,
                    until: now + config.answer_timeout,
                }
            }
            None => {
                outputs.push_back(Output::Event(ListenerClientEvent::Plain));
                ListenerClientState::Plain { late: None }
            }
        };
        Self { state, outputs, keepalive: config.keepalive, keepalive_timer: None, pings: 0, first: true }
    }

    fn notify(&mut self, event: ListenerClientEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Handles a plain line; `None` for one that was too long.
    fn plain_line(&mut self, line: Option<Line>) {
        match &mut self.state {
            ListenerClientState::Asked { held, held_bytes, .. } => {
                *held_bytes += line.as_ref().map_or(0, |line| line.as_str().len()) + LINE_OVERHEAD;
                held.push(line);
                if *held_bytes >= MAX_HELD {
                    self.fall_back_to_plain();
                }
            }
            ListenerClientState::Plain { late } => {
                if let Some((_, delivered)) = late {
                    *delivered += 1;
                }
                match line.map(|line| Message::from_plain(&line)) {
                    Some(Some(message)) => self.notify(ListenerClientEvent::Message(message)),
                    Some(None) => {}
                    None => self.notify(ListenerClientEvent::TooLong),
                }
            }
            // A plain line is not a message of a numbered log. If a numbered line was too long, the next sequence
            // number reveals the gap.
            ListenerClientState::Numbered { .. } => {}
        }
    }

    /// Treats the server as plain and delivers the held lines.
    fn fall_back_to_plain(&mut self) {
        let ListenerClientState::Asked { request, held, .. } =
            std::mem::replace(&mut self.state, ListenerClientState::Plain { late: None })
        else {
            return;
        };
        self.state = ListenerClientState::Plain { late: Some((request, 0)) };
        self.notify(ListenerClientEvent::Plain);
        for line in held {
            self.plain_line(line);
        }
    }

    fn handle_reply(&mut self, reply: ResumeReply, now: Instant) {
        let ResumeReply { answer, nonce } = reply;
        let (request, delivered) = match &self.state {
            ListenerClientState::Asked { request, .. } => (request, 0),
            ListenerClientState::Plain { late: Some((request, delivered)) } => (request, *delivered),
            ListenerClientState::Plain { late: None } | ListenerClientState::Numbered { .. } => return,
        };
        if request.nonce != nonce {
            return;
        }
        let expired = match (&request.from, answer.expired) {
            (ResumeFrom::After(Position { stream, seq }), Some(last)) if *stream == answer.stream => {
                last.min(answer.from.saturating_sub(1)).saturating_sub(*seq)
            }
            _ => 0,
        };
        let missed = match &request.from {
            ResumeFrom::After(Position { stream, .. }) if *stream != answer.stream => Some(None),
            ResumeFrom::After(Position { seq, .. }) => match answer.from.checked_sub(seq.saturating_add(1)) {
                Some(missed) if missed == expired => None,
                Some(missed) => Some(Some(missed - expired)),
                // The log has lost its end; the number of lost messages is unknown.
                None => Some(None),
            },
            ResumeFrom::Last(_) | ResumeFrom::AfterTime(_) => None,
        };
        // Messages that were delivered as plain lines must not be delivered twice, and older ones must not follow them:
        // the event `Plain` has already reported those as missed.
        let (expired, missed, skip_to) = match answer.plain {
            Some(SeqRange { first, last }) if delivered > 0 => (0, None, last.min(first.saturating_add(delivered - 1))),
            _ => (expired, missed, 0),
        };
        let ResumeAnswer { stream, from, head, .. } = answer;
        self.state = ListenerClientState::Numbered { stream: stream.clone(), next: from, skip_to };
        self.keepalive_timer = self.keepalive.map(|limits| KeepaliveTimer::new(limits, now));
        self.notify(ListenerClientEvent::Numbered { stream, from, head });
        if expired > 0 {
            self.notify(ListenerClientEvent::Expired { missed: expired });
        }
        if let Some(missed) = missed {
            self.notify(ListenerClientEvent::Gap { missed });
        }
    }

    /// Handles a line of a server that has been found to be one.
    fn handle_line(&mut self, line: Line, now: Instant) {
        let Some(json) = line.extension() else { return self.plain_line(Some(line)) };
        match Extension::parse(json) {
            Some(Extension::Reply(reply)) => self.handle_reply(reply, now),
            Some(Extension::Numbered(numbered)) => self.handle_numbered(numbered),
            Some(Extension::Removed(removed)) => self.handle_removed(removed),
            Some(Extension::Expired(last)) => self.handle_expired(last),
            _ => {}
        }
    }

    /// Handles whole lines: messages that follow one another as blocks, and what is between them line by line.
    fn handle_numbered_lines(&mut self, mut lines: Bytes, now: Instant) {
        if let Some(keepalive_timer) = &mut self.keepalive_timer {
            keepalive_timer.on_input(now, false);
        }
        while let Some(end) = memchr::memchr(b'\n', &lines) {
            if let ListenerClientState::Numbered { stream, next, skip_to } = &mut self.state
                && *skip_to < *next
                && let Some(block) = NumberedLines::take_from(&mut lines, stream, *next)
            {
                *next = block.last().seq.saturating_add(1);
                self.notify(ListenerClientEvent::NumberedLines(block));
                continue;
            }
            let line = lines.split_to(end);
            lines.advance(1);
            self.handle_line(Line::from_bytes(line), now);
        }
    }

    fn handle_numbered(&mut self, numbered: NumberedMessage) {
        let NumberedMessage { seq, at, sender, text } = numbered;
        let ListenerClientState::Numbered { stream, next, skip_to } = &mut self.state else { return };
        if seq < *next {
            return;
        }
        let missed = seq - *next;
        *next = seq.saturating_add(1);
        let skipped = seq <= *skip_to;
        let position = Position { stream: stream.clone(), seq };
        if missed > 0 {
            self.notify(ListenerClientEvent::Gap { missed: Some(missed) });
        }
        if !skipped {
            let message = Message::new(Some(sender), text).with_position(position).with_time(at);
            self.notify(ListenerClientEvent::Message(message));
        }
    }
}

impl ListenerClient {
    /// Handles the removal of a message: of the next one, which it replaces, or of one that was received before.
    fn handle_removed(&mut self, removed: RemovedLine) {
        let RemovedLine { seq, at, by, reason } = removed;
        let ListenerClientState::Numbered { stream, next, skip_to } = &mut self.state else { return };
        let in_place = seq >= *next;
        let missed = seq.saturating_sub(*next);
        let known = seq <= *skip_to;
        let position = Position { stream: stream.clone(), seq };
        if in_place {
            *next = seq.saturating_add(1);
            if missed > 0 {
                self.notify(ListenerClientEvent::Gap { missed: Some(missed) });
            }
        }
        let in_place = in_place && !known;
        let removed = RemovedMessage { in_place, ..RemovedMessage::new(position, at).with_details(by, reason) };
        self.notify(ListenerClientEvent::Removed(removed));
    }
}

impl ListenerClient {
    /// Handles the end of the messages that have expired: the next ones, or ones that were received before.
    fn handle_expired(&mut self, last: Seq) {
        let ListenerClientState::Numbered { next, skip_to, .. } = &mut self.state else { return };
        if last < *next {
            return;
        }
        let missed = last.saturating_sub(next.saturating_sub(1).max(*skip_to));
        *next = last.saturating_add(1);
        if missed > 0 {
            self.notify(ListenerClientEvent::Expired { missed });
        }
    }
}

impl StateMachine for ListenerClient {
    type Command = std::convert::Infallible;
    type Event = ListenerClientEvent;

    fn handle_input(&mut self, line: Line, now: Instant) -> Result<(), ProtocolError> {
        if let Some(keepalive_timer) = &mut self.keepalive_timer {
            keepalive_timer.on_input(now, false);
        }
        if std::mem::take(&mut self.first) && line.as_str() == GREETING {
            // Only a write port sends a greeting: the two ports were exchanged.
            return Err(ProtocolError::Violation { expected: Expected::Message, got: Excerpt::of(&line) });
        }
        self.handle_line(line, now);
        Ok(())
    }

    /// Returns `true` after the first line, which could still show that this is not a listen port, unless it is not known
    /// yet whether the server numbers its lines.
    fn wants_lines(&self) -> bool {
        !matches!(self.state, ListenerClientState::Asked { .. }) && !self.first
    }

    fn handle_lines(&mut self, lines: Bytes, now: Instant) -> Result<(), Bytes> {
        if matches!(self.state, ListenerClientState::Numbered { .. }) {
            self.handle_numbered_lines(lines, now);
            return Ok(());
        }
        let lines = PlainLines::new(lines)?;
        if let ListenerClientState::Plain { late: Some((_, delivered)) } = &mut self.state {
            // Lossless: `usize` has at most 64 bits.
            *delivered += lines.count() as u64;
        }
        self.notify(ListenerClientEvent::Lines(lines));
        Ok(())
    }

    fn handle_too_long(&mut self, now: Instant) {
        if let Some(keepalive_timer) = &mut self.keepalive_timer {
            keepalive_timer.on_input(now, false);
        }
        self.first = false;
        self.plain_line(None);
    }

    /// Discards an unfinished line: it is not a whole message.
    fn handle_end(&mut self, _unfinished: Option<Line>, _now: Instant) -> Result<(), ProtocolError> {
        self.fall_back_to_plain();
        self.keepalive_timer = None;
        Ok(())
    }

    fn handle_command(&mut self, command: Self::Command, _now: Instant) -> Result<(), NotReady<Self::Command>> {
        match command {}
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), ProtocolError> {
        if matches!(self.state, ListenerClientState::Asked { until, .. } if now >= until) {
            self.fall_back_to_plain();
        }
        let Some(keepalive_timer) = &mut self.keepalive_timer else { return Ok(()) };
        match keepalive_timer.check(now) {
            KeepaliveEvent::Wait => Ok(()),
            KeepaliveEvent::Probe => {
                keepalive_timer.on_request(now);
                self.pings += 1;
                self.outputs.push_back(Output::Transmit(Extension::Ping(self.pings).to_line()));
                Ok(())
            }
            KeepaliveEvent::Expired => {
                Err(ProtocolError::TimedOut { waiting_for: Expected::Pong, after: keepalive_timer.answer_timeout() })
            }
        }
    }

    fn poll_output(&mut self) -> Output<ListenerClientEvent> {
        self.outputs.pop_front().unwrap_or_else(|| {
            Output::Timeout(match &self.state {
                ListenerClientState::Asked { until, .. } => Some(*until),
                _ => self.keepalive_timer.as_ref().map(KeepaliveTimer::deadline),
            })
        })
    }
}
