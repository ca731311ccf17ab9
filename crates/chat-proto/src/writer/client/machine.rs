//! The state machine of the client: logs in or registers, then posts and matches confirmations. It repeats and stores
//! nothing (docs/protocol.md, sections 2 and 4).

use std::collections::VecDeque;
use std::time::Instant;

use crate::dialogue::{Extensions, ServerLine};
use crate::error::{Excerpt, Expected, ProtocolError, Refusal};
use crate::extension::{DeclinedPost, Extension, RepeatablePost, StoredPost};
use crate::keepalive::{KeepaliveEvent, KeepaliveTimer};
use crate::line::Line;
use crate::state_machine::{NotReady, Output, StateMachine};
use crate::writer::client::interface::{Intent, WriterClientCommand, WriterClientConfig, WriterClientEvent};
use crate::writer::client::pending::{PendingAnswers, PendingConfirmation};

/// The client's side of one connection to the write port.
///
/// ```
/// use std::time::Instant;
/// use chat_proto::{GREETING, Intent, Line, Output, StateMachine, Token, WriterClient, WriterClientConfig};
///
/// let token = Token::new("9a08f44c-c541-41eb-8c47-0242ac110002")?;
/// let mut client = WriterClient::new(WriterClientConfig::new(Intent::Login(token)), Instant::now());
/// client.handle_input(Line::from(GREETING), Instant::now())?;
/// assert!(matches!(client.poll_output(), Output::Transmit(line) if line.as_str().starts_with("9a08")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WriterClient {
    config: WriterClientConfig,
    state: WriterClientState,
    extensions: Extensions,
    outputs: VecDeque<Output<WriterClientEvent>>,
    /// When the current answer before the chat is due.
    due: Option<Instant>,
    keepalive_timer: Option<KeepaliveTimer>,
    pending: PendingAnswers,
}

/// The line that the client waits for, or the end of the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriterClientState {
    Greeting,
    Prompt,
    Account,
    Welcome,
    Chat,
    Over,
}

impl WriterClient {
    /// Creates the machine for a connection that has just been opened. The server sends the first line.
    #[must_use]
    pub fn new(config: WriterClientConfig, now: Instant) -> Self {
        let due = Some(now + config.answer_timeout);
        Self {
            config,
            state: WriterClientState::Greeting,
            extensions: Extensions::NONE,
            outputs: VecDeque::new(),
            due,
            keepalive_timer: None,
            pending: PendingAnswers::default(),
        }
    }

    /// Returns whether a post would be accepted now: the chat is open and the window has space.
    #[must_use]
    pub fn can_post(&self) -> bool {
        let window = if self.extensions.id { self.config.window_ids } else { self.config.window_plain };
        self.state == WriterClientState::Chat && self.pending.len() < window
    }

    fn send(&mut self, line: Line, now: Instant) {
        self.outputs.push_back(Output::Transmit(line));
        if let Some(timer) = &mut self.keepalive_timer {
            timer.on_request(now);
        }
    }

    fn notify(&mut self, event: WriterClientEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Enters a state in which the next answer is due.
    fn expect(&mut self, state: WriterClientState, now: Instant) {
        self.state = state;
        self.due = Some(now + self.config.answer_timeout);
    }

    /// Handles a line before the chat.
    fn handle_login_line(&mut self, line: &Line, now: Instant) -> Result<(), ProtocolError> {
        match (self.state, ServerLine::parse(line)) {
            (WriterClientState::Greeting, ServerLine::Greeting) => {
                let (answer, next) = match &self.config.intent {
                    Intent::Login(token) => (Line::from(token.expose()), WriterClientState::Account),
                    Intent::Register(_) => (Line::default(), WriterClientState::Prompt),
                };
                self.send(answer, now);
                self.expect(next, now);
            }
            (WriterClientState::Prompt, ServerLine::NicknamePrompt) => {
                if let Intent::Register(nickname) = &self.config.intent {
                    let nickname = Line::from(nickname.as_str());
                    self.send(nickname, now);
                }
                self.expect(WriterClientState::Account, now);
            }
            (WriterClientState::Account, ServerLine::Account(account, extensions)) => {
                self.extensions = extensions;
                self.notify(WriterClientEvent::Account(account));
                self.expect(WriterClientState::Welcome, now);
            }
            (WriterClientState::Account, ServerLine::UnknownToken) => {
                self.state = WriterClientState::Over;
                self.due = None;
                return Err(ProtocolError::Refused(match self.config.intent {
                    Intent::Login(_) => Refusal::UnknownToken,
                    Intent::Register(_) => Refusal::Nickname,
                }));
            }
            (WriterClientState::Welcome, ServerLine::Welcome(offer)) => {
                // An earlier server offers in the account record.
                self.extensions = self.extensions.or(offer);
                self.state = WriterClientState::Chat;
                self.due = None;
                self.keepalive_timer = self.config.keepalive.map(|limits| KeepaliveTimer::new(limits, now));
                self.notify(WriterClientEvent::Ready { extensions: self.extensions });
            }
            _ => return Err(violation(self.waiting_for(), line)),
        }
        Ok(())
    }

    /// Handles a line of the chat. Returns whether it answers something.
    fn handle_chat_line(&mut self, line: &Line, now: Instant) -> Result<bool, ProtocolError> {
        if let Some(json) = line.extension() {
            return Ok(self.handle_extension(json));
        }
        if ServerLine::parse(line) != ServerLine::Confirmation {
            return Err(violation(Expected::Confirmation, line));
        }
        match self.pending.confirm_next() {
            Some(PendingConfirmation::Post(key)) => {
                self.notify(WriterClientEvent::Confirmed { key, position: None });
            }
            Some(PendingConfirmation::Ping(sent)) => {
                self.notify(WriterClientEvent::RoundTrip(now.saturating_duration_since(sent)));
            }
            // A surplus confirmation would confirm the next post before the server has stored it.
            None => return Err(violation(Expected::Chat, line)),
        }
        Ok(true)
    }

    fn handle_extension(&mut self, json: &str) -> bool {
        let (id, answer) = match Extension::parse(json) {
            Some(Extension::Stored(StoredPost { id, position })) => (id, Ok(position)),
            Some(Extension::Declined(DeclinedPost { id, code, retry_after, reason })) => {
                (id, Err((code, retry_after, reason)))
            }
            _ => return false,
        };
        let Some(key) = self.pending.answer(&id) else { return false };
        self.notify(match answer {
            Ok(position) => WriterClientEvent::Confirmed { key, position: Some(position) },
            Err((code, retry_after, reason)) => WriterClientEvent::Declined { key, code, retry_after, reason },
        });
        true
    }

    fn waiting_for(&self) -> Expected {
        match self.state {
            WriterClientState::Greeting => Expected::Greeting,
            WriterClientState::Prompt => Expected::NicknamePrompt,
            WriterClientState::Account => Expected::Account,
            WriterClientState::Welcome => Expected::Welcome,
            WriterClientState::Chat | WriterClientState::Over => Expected::Confirmation,
        }
    }
}

impl StateMachine for WriterClient {
    type Command = WriterClientCommand;
    type Event = WriterClientEvent;

    fn handle_input(&mut self, line: Line, now: Instant) -> Result<(), ProtocolError> {
        if self.state == WriterClientState::Chat {
            let was_pending = !self.pending.is_empty();
            let answers = self.handle_chat_line(&line, now)?;
            let is_pending = !self.pending.is_empty();
            // Lines that answer nothing do not extend the deadline of an answer: a server that sends but never answers
            // is as useless as a silent one.
            if let Some(timer) = self.keepalive_timer.as_mut().filter(|_| answers || !was_pending) {
                timer.on_input(now, is_pending);
            }
            return Ok(());
        }
        if self.state == WriterClientState::Over || line.extension().is_some() {
            return Ok(());
        }
        self.handle_login_line(&line, now)
    }

    /// Handles a disconnection. The end of the stream is never an empty message. The caller knows by their keys which
    /// posts are unanswered.
    fn handle_end(&mut self, _unfinished: Option<Line>, _now: Instant) -> Result<(), ProtocolError> {
        let waiting_for = self.waiting_for();
        let in_chat = self.state == WriterClientState::Chat;
        self.state = WriterClientState::Over;
        (self.due, self.keepalive_timer) = (None, None);
        if in_chat { Ok(()) } else { Err(ProtocolError::EndedEarly { waiting_for }) }
    }

    fn handle_command(
        &mut self,
        command: WriterClientCommand,
        now: Instant,
    ) -> Result<(), NotReady<WriterClientCommand>> {
        if !self.can_post() {
            return Err(NotReady::new(command));
        }
        let WriterClientCommand::Post { key, id, text } = command;
        if self.extensions.id {
            self.pending.push_with_id(id.clone(), key);
            self.send(Extension::Post(RepeatablePost { id, text: Ok(text) }).to_line(), now);
        } else {
            self.pending.push(PendingConfirmation::Post(key));
            self.send(Line::from(text.flattened().into_owned()), now);
            self.send(Line::default(), now);
        }
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), ProtocolError> {
        if self.due.is_some_and(|due| now >= due) {
            let after = self.config.answer_timeout;
            return Err(ProtocolError::TimedOut { waiting_for: self.waiting_for(), after });
        }
        let Some(timer) = &self.keepalive_timer else { return Ok(()) };
        match timer.check(now) {
            KeepaliveEvent::Wait => Ok(()),
            KeepaliveEvent::Probe => {
                self.pending.push(PendingConfirmation::Ping(now));
                self.send(Line::default(), now);
                Ok(())
            }
            KeepaliveEvent::Expired => {
                Err(ProtocolError::TimedOut { waiting_for: Expected::Confirmation, after: timer.answer_timeout() })
            }
        }
    }

    fn poll_output(&mut self) -> Output<WriterClientEvent> {
        self.outputs.pop_front().unwrap_or_else(|| {
            let deadline = self.due.or(self.keepalive_timer.as_ref().map(KeepaliveTimer::deadline));
            Output::Timeout(deadline)
        })
    }
}

fn violation(expected: Expected, line: &Line) -> ProtocolError {
    ProtocolError::Violation { expected, got: Excerpt::of(line) }
}
