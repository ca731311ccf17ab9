//! The listen port as a client sees it: asks for the log where it may be had, takes plain lines
//! where not, and says what it missed (protocol, sections 3 and 5).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::dialogue::GREETING;
use crate::error::{Excerpt, Expected, ProtocolError};
use crate::extension::{Extension, Nonce, ResumeAnswer, ResumeFrom, ResumeRequest, SeqRange};
use crate::keepalive::{Keepalive, KeepaliveEvent, Watchdog};
use crate::{Line, Message, NotReady, Output, PlainLines, Position, Seq, StateMachine, StreamId};

/// How a client listens.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListenerClientConfig {
    /// What to ask for; `None` takes the server as plain and never speaks.
    pub resume: Option<ResumeRequest>,
    /// How long to hold what comes before the answer. Default 1 s: four times what the server holds
    /// plain lines back, so an answer that is on its way is not taken for none.
    pub answer_timeout: Duration,
    /// Finds a dead link once the log is numbered. A plain server answers nothing on this port.
    pub keepalive: Option<Keepalive>,
}

impl ListenerClientConfig {
    /// Sets what to ask for; `None` takes the server as plain.
    #[must_use]
    pub fn with_resume(self, resume: Option<ResumeRequest>) -> Self {
        Self { resume, ..self }
    }
}

impl Default for ListenerClientConfig {
    fn default() -> Self {
        Self { resume: None, answer_timeout: Duration::from_secs(1), keepalive: Some(Keepalive::default()) }
    }
}

/// What the client learns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenerClientEvent {
    /// The server numbers nothing; messages follow from when it accepted the connection.
    Plain,
    /// The server reads its log to us.
    Numbered {
        /// Which log.
        stream: StreamId,
        /// The number of the first message that follows.
        from: Seq,
        /// The number of the newest message it had then.
        head: Seq,
    },
    /// A message.
    Message(Message),
    /// Messages of a plain server that came together, where that is quicker than one by one.
    Lines(PlainLines),
    /// Messages were missed here.
    Gap {
        /// How many, where the numbers tell.
        missed: Option<u64>,
    },
    /// A plain line was too long to be taken: one message is missing here.
    TooLong,
}

/// The client's side of one connection to the listen port.
#[derive(Debug)]
pub struct ListenerClient {
    state: ListenerClientState,
    outputs: VecDeque<Output<ListenerClientEvent>>,
    keepalive: Option<Keepalive>,
    watchdog: Option<Watchdog>,
    pings: u64,
    /// Nothing has come yet.
    first: bool,
}

#[derive(Debug)]
enum ListenerClientState {
    /// Asked, and no answer yet. In the place of a line that was too long nothing is held.
    Asked { request: ResumeRequest, held: Vec<Option<Line>>, held_bytes: usize, until: Instant },
    /// `late` is what was asked for, should the answer come after all, and how many lines were
    /// delivered since.
    Plain { late: Option<(ResumeRequest, u64)> },
    Numbered {
        stream: StreamId,
        next: Seq,
        /// Up to here everything was delivered as plain lines already, or is known as missed.
        skip_to: Seq,
    },
}

/// How much is held for an answer, in bytes; more, and the server is taken as plain at once. A room
/// that says so much within a second is not one that a person reads.
const MAX_HELD: usize = 1024 * 1024;

/// What a held line costs beside its text, so that empty lines are bounded too.
const LINE_OVERHEAD: usize = 64;

impl ListenerClient {
    /// A connection that has just been made.
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
        Self { state, outputs, keepalive: config.keepalive, watchdog: None, pings: 0, first: true }
    }

    fn notify(&mut self, event: ListenerClientEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Takes a plain line; `None` for one that was too long.
    fn plain_line(&mut self, line: Option<Line>) {
        match &mut self.state {
            ListenerClientState::Asked { held, held_bytes, .. } => {
                *held_bytes += line.as_ref().map_or(0, |line| line.as_str().len()) + LINE_OVERHEAD;
                held.push(line);
                if *held_bytes >= MAX_HELD {
                    self.give_up_asking();
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
            // The log is numbered by now: a plain line is no message of it. And if a numbered one was too long, the
            // number of the next one tells.
            ListenerClientState::Numbered { .. } => {}
        }
    }

    /// Takes the server as plain and hands out what was held.
    fn give_up_asking(&mut self) {
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

    fn answer(&mut self, answer: ResumeAnswer, nonce: &Nonce, now: Instant) {
        let (request, delivered) = match &self.state {
            ListenerClientState::Asked { request, .. } => (request, 0),
            ListenerClientState::Plain { late: Some((request, delivered)) } => (request, *delivered),
            ListenerClientState::Plain { late: None } | ListenerClientState::Numbered { .. } => return,
        };
        if request.nonce != *nonce {
            return;
        }
        let missed = match &request.from {
            ResumeFrom::After(Position { stream, .. }) if *stream != answer.stream => Some(None),
            ResumeFrom::After(Position { seq, .. }) => match answer.from.checked_sub(seq.saturating_add(1)) {
                Some(0) => None,
                Some(missed) => Some(Some(missed)),
                // The log has lost its end: what stood there is not known.
                None => Some(None),
            },
            ResumeFrom::Last(_) | ResumeFrom::AfterTime(_) => None,
        };
        // What was delivered as plain lines does not come twice, and what is older does not come
        // behind it: whoever was told that the server is plain knows that it was missed.
        let (missed, skip_to) = match answer.plain {
            Some(SeqRange { first, last }) if delivered > 0 => (None, last.min(first.saturating_add(delivered - 1))),
            _ => (missed, 0),
        };
        let ResumeAnswer { stream, from, head, .. } = answer;
        self.state = ListenerClientState::Numbered { stream: stream.clone(), next: from, skip_to };
        self.watchdog = self.keepalive.map(|limits| Watchdog::new(limits, now));
        self.notify(ListenerClientEvent::Numbered { stream, from, head });
        if let Some(missed) = missed {
            self.notify(ListenerClientEvent::Gap { missed });
        }
    }

    fn numbered(&mut self, seq: Seq, mut message: Message) {
        let ListenerClientState::Numbered { stream, next, skip_to } = &mut self.state else { return };
        if seq < *next {
            return;
        }
        let missed = seq - *next;
        *next = seq.saturating_add(1);
        let skipped = seq <= *skip_to;
        message.position = Some(Position { stream: stream.clone(), seq });
        if missed > 0 {
            self.notify(ListenerClientEvent::Gap { missed: Some(missed) });
        }
        if !skipped {
            self.notify(ListenerClientEvent::Message(message));
        }
    }
}

impl StateMachine for ListenerClient {
    type Command = std::convert::Infallible;
    type Event = ListenerClientEvent;

    fn handle_input(&mut self, line: Line, now: Instant) -> Result<(), ProtocolError> {
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.on_input(now, false);
        }
        if std::mem::take(&mut self.first) && line.as_str() == GREETING {
            // A write port greets, a listen port never does: the two are exchanged.
            return Err(ProtocolError::Violation { expected: Expected::Message, got: Excerpt::of(&line) });
        }
        let Some(json) = line.extension() else {
            self.plain_line(Some(line));
            return Ok(());
        };
        match Extension::parse(json) {
            Some(Extension::Answer { answer, nonce }) => self.answer(answer, &nonce, now),
            Some(Extension::Numbered { seq, at, sender, text }) => {
                self.numbered(seq, Message { sender: Some(sender), text, position: None, at: Some(at) });
            }
            _ => {}
        }
        Ok(())
    }

    /// From a plain server, once it is known as one. What it says first may show that it is something else.
    fn wants_lines(&self) -> bool {
        matches!(self.state, ListenerClientState::Plain { .. }) && !self.first
    }

    fn handle_lines(&mut self, lines: Bytes, _now: Instant) -> Result<(), Bytes> {
        let lines = PlainLines::new(lines)?;
        if let ListenerClientState::Plain { late: Some((_, delivered)) } = &mut self.state {
            *delivered += lines.count() as u64;
        }
        self.notify(ListenerClientEvent::Lines(lines));
        Ok(())
    }

    fn handle_too_long(&mut self, now: Instant) {
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.on_input(now, false);
        }
        self.first = false;
        self.plain_line(None);
    }

    /// A line that was cut in the middle is not a message: the server has it whole, or nobody does.
    fn handle_end(&mut self, _unfinished: Option<Line>, _now: Instant) -> Result<(), ProtocolError> {
        self.give_up_asking();
        self.watchdog = None;
        Ok(())
    }

    fn handle_command(&mut self, command: Self::Command, _now: Instant) -> Result<(), NotReady<Self::Command>> {
        match command {}
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), ProtocolError> {
        if matches!(self.state, ListenerClientState::Asked { until, .. } if now >= until) {
            self.give_up_asking();
        }
        let Some(watchdog) = &mut self.watchdog else { return Ok(()) };
        match watchdog.check(now) {
            KeepaliveEvent::Wait => Ok(()),
            KeepaliveEvent::Probe => {
                watchdog.on_request(now);
                self.pings += 1;
                self.outputs.push_back(Output::Transmit(Extension::Ping(self.pings).to_line()));
                Ok(())
            }
            KeepaliveEvent::Lost => {
                Err(ProtocolError::TimedOut { waiting_for: Expected::Pong, after: watchdog.answer_timeout() })
            }
        }
    }

    fn poll_output(&mut self) -> Output<ListenerClientEvent> {
        self.outputs.pop_front().unwrap_or_else(|| {
            Output::Timeout(match &self.state {
                ListenerClientState::Asked { until, .. } => Some(*until),
                _ => self.watchdog.as_ref().map(Watchdog::deadline),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(client: &mut ListenerClient) -> Vec<ListenerClientEvent> {
        let mut events = Vec::new();
        loop {
            match client.poll_output() {
                Output::Event(event) => events.push(event),
                Output::Transmit(_) => {}
                Output::Timeout(_) => return events,
            }
        }
    }

    #[test]
    fn a_line_that_was_too_long_is_told_in_its_place_unless_numbers_tell_it() {
        let now = Instant::now();
        let request = || ResumeRequest { from: ResumeFrom::Last(0), nonce: Nonce::new("8c1d").unwrap() };
        let asked = || {
            let mut client =
                ListenerClient::new(ListenerClientConfig { resume: Some(request()), ..Default::default() }, now);
            client.handle_input(Line::from("Bob: one"), now).unwrap();
            client.handle_too_long(now);
            client.handle_input(Line::from("Bob: three"), now).unwrap();
            assert_eq!(events(&mut client), [], "all is held");
            client
        };
        let mut plain = asked();
        plain.handle_timeout(now + Duration::from_secs(1)).unwrap();
        let [_, ListenerClientEvent::Message(_), ListenerClientEvent::TooLong, ListenerClientEvent::Message(_)] =
            &events(&mut plain)[..]
        else {
            panic!("in order")
        };
        plain.handle_too_long(now);
        assert_eq!(events(&mut plain), [ListenerClientEvent::TooLong]);

        let mut numbered = asked();
        let stream = StreamId::new("k3f9").unwrap();
        numbered.answer(ResumeAnswer { stream, from: 1, head: 3, plain: None }, &request().nonce, now);
        numbered.handle_too_long(now);
        let line = "\u{1}{\"seq\": 2, \"at\": 1, \"nick\": \"Bob\", \"text\": \"two\"}";
        numbered.handle_input(Line::from(line), now).unwrap();
        let [ListenerClientEvent::Numbered { .. }, gap, ListenerClientEvent::Message(_)] = &events(&mut numbered)[..]
        else {
            panic!("the number tells")
        };
        assert_eq!(*gap, ListenerClientEvent::Gap { missed: Some(1) });
    }
}
