//! The write port as a client sees it: log in or register, then post and be confirmed. It repeats
//! nothing and stores nothing (protocol, sections 2 and 4).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::dialogue::{Extensions, ServerLine};
use crate::error::{Excerpt, Expected, ProtocolError, Refusal};
use crate::extension::{DeclineCode, Extension};
use crate::keepalive::{Keepalive, KeepaliveEvent, Watchdog};
use crate::{Account, Line, Nickname, NotReady, Output, Position, PostId, StateMachine, Text, Token};

/// What a client comes for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Intent {
    /// To use an account.
    Login(Token),
    /// To get one.
    Register(Nickname),
}

/// How a client holds the dialogue.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WriterClientConfig {
    /// Login or registration.
    pub intent: Intent,
    /// How long each answer before the chat may take. Default 10 s.
    pub answer_timeout: Duration,
    /// Finds a dead link; `None` waits for ever.
    pub keepalive: Option<Keepalive>,
    /// How many posts may be unanswered where answers pair by order. Default 32: all of them are
    /// unconfirmed when the link breaks.
    pub window_plain: usize,
    /// The same where posts carry ids and can be repeated. Default 256.
    pub window_ids: usize,
}

impl WriterClientConfig {
    /// The defaults.
    #[must_use]
    pub fn new(intent: Intent) -> Self {
        Self {
            intent,
            answer_timeout: Duration::from_secs(10),
            keepalive: Some(Keepalive::default()),
            window_plain: 32,
            window_ids: 256,
        }
    }
}

/// What the client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriterClientCommand {
    /// Post a message. The id goes with it where the server offers ids; elsewhere line breaks become
    /// spaces and the id stays here.
    Post {
        /// The caller's name for this post, repeated in the answer.
        key: u64,
        /// The id under which it can be repeated.
        id: PostId,
        /// The content.
        text: Text,
    },
}

/// What the client learns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriterClientEvent {
    /// The account as the server has it. A new one exists from here on: keep the token, whatever
    /// becomes of the connection.
    Account(Account),
    /// The chat is open; posts are taken from now on.
    Ready {
        /// What the server offers.
        extensions: Extensions,
    },
    /// The server has the message.
    Confirmed {
        /// The caller's name for the post.
        key: u64,
        /// Where it stands, from a server that numbers.
        position: Option<Position>,
    },
    /// The server did not store the message.
    Declined {
        /// The caller's name for the post.
        key: u64,
        /// Why.
        code: DeclineCode,
        /// When to try again, if that can help.
        retry_after: Option<Duration>,
    },
    /// How long a ping took.
    RoundTrip(Duration),
}

/// The client's side of one connection to the write port.
#[derive(Debug)]
pub struct WriterClient {
    config: WriterClientConfig,
    state: WriterClientState,
    extensions: Extensions,
    outputs: VecDeque<Output<WriterClientEvent>>,
    /// When the current answer before the chat is due.
    due: Option<Instant>,
    watchdog: Option<Watchdog>,
    /// What the next confirmations stand for, in order.
    plain: VecDeque<PendingConfirmation>,
    /// Posts with ids, oldest first; answers may come in any order.
    with_ids: VecDeque<(PostId, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriterClientState {
    Greeting,
    Prompt,
    Account,
    Welcome,
    Chat,
    Over,
}

#[derive(Debug)]
enum PendingConfirmation {
    Post(u64),
    Ping(Instant),
}

impl WriterClient {
    /// A connection that has just been made; the server speaks first.
    #[must_use]
    pub fn new(config: WriterClientConfig, now: Instant) -> Self {
        let due = Some(now + config.answer_timeout);
        Self {
            config,
            state: WriterClientState::Greeting,
            extensions: Extensions::default(),
            outputs: VecDeque::new(),
            due,
            watchdog: None,
            plain: VecDeque::new(),
            with_ids: VecDeque::new(),
        }
    }

    /// Whether a post would be taken now: the chat is open and the window has room.
    #[must_use]
    pub fn can_post(&self) -> bool {
        let window = if self.extensions.id { self.config.window_ids } else { self.config.window_plain };
        self.state == WriterClientState::Chat && self.plain.len() + self.with_ids.len() < window
    }

    fn send(&mut self, line: Line, now: Instant) {
        self.outputs.push_back(Output::Transmit(line));
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.on_request(now);
        }
    }

    fn notify(&mut self, event: WriterClientEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Moves on to a state in which the next answer is due.
    fn expect(&mut self, state: WriterClientState, now: Instant) {
        self.state = state;
        self.due = Some(now + self.config.answer_timeout);
    }

    fn awaits_answer(&self) -> bool {
        !self.plain.is_empty() || !self.with_ids.is_empty()
    }

    /// Takes a line of the chat, and says whether it answers something.
    fn chat(&mut self, line: &Line, now: Instant) -> Result<bool, ProtocolError> {
        if let Some(json) = line.extension() {
            let (id, answer) = match Extension::parse(json) {
                Some(Extension::Stored { id, position }) => (id, Ok(position)),
                Some(Extension::Declined { id, code, retry_after }) => (id, Err((code, retry_after))),
                _ => return Ok(false),
            };
            let Some(key) = self.answered(&id) else { return Ok(false) };
            self.notify(match answer {
                Ok(position) => WriterClientEvent::Confirmed { key, position: Some(position) },
                Err((code, retry_after)) => WriterClientEvent::Declined { key, code, retry_after },
            });
            return Ok(true);
        }
        if ServerLine::parse(line) != ServerLine::Confirmation {
            return Err(violation(Expected::Confirmation, line));
        }
        match self.plain.pop_front() {
            Some(PendingConfirmation::Post(key)) => self.notify(WriterClientEvent::Confirmed { key, position: None }),
            Some(PendingConfirmation::Ping(sent)) => {
                self.notify(WriterClientEvent::RoundTrip(now.saturating_duration_since(sent)));
            }
            // A confirmation of nothing would confirm the next post before its time.
            None => return Err(violation(Expected::Chat, line)),
        }
        Ok(true)
    }

    fn answered(&mut self, id: &PostId) -> Option<u64> {
        let index = self.with_ids.iter().position(|(known, _)| known == id)?;
        self.with_ids.remove(index).map(|(_, key)| key)
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
            let owed = self.awaits_answer();
            let answers = self.chat(&line, now)?;
            let awaits_answer = self.awaits_answer();
            // A server that talks and does not answer is no better than a silent one.
            if let Some(watchdog) = self.watchdog.as_mut().filter(|_| answers || !owed) {
                watchdog.on_input(now, awaits_answer);
            }
            return Ok(());
        }
        if self.state == WriterClientState::Over || line.extension().is_some() {
            return Ok(());
        }
        match (self.state, ServerLine::parse(&line)) {
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
            (WriterClientState::Welcome, ServerLine::Welcome) => {
                self.state = WriterClientState::Chat;
                self.due = None;
                self.watchdog = self.config.keepalive.map(|limits| Watchdog::new(limits, now));
                self.notify(WriterClientEvent::Ready { extensions: self.extensions });
            }
            _ => return Err(violation(self.waiting_for(), &line)),
        }
        Ok(())
    }

    /// The end of the stream is a disconnection, never an empty message. Whether anything was owed
    /// is for the caller to know: it has the keys.
    fn handle_end(&mut self, _unfinished: Option<Line>, _now: Instant) -> Result<(), ProtocolError> {
        let waiting_for = self.waiting_for();
        let in_chat = self.state == WriterClientState::Chat;
        self.state = WriterClientState::Over;
        (self.due, self.watchdog) = (None, None);
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
            self.with_ids.push_back((id.clone(), key));
            self.send(Extension::Post { id, text: Ok(text) }.to_line(), now);
        } else {
            self.plain.push_back(PendingConfirmation::Post(key));
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
        match self.watchdog.as_ref().map(|watchdog| (watchdog.check(now), watchdog.answer_timeout())) {
            Some((KeepaliveEvent::Probe, _)) => {
                self.plain.push_back(PendingConfirmation::Ping(now));
                self.send(Line::default(), now);
                Ok(())
            }
            Some((KeepaliveEvent::Lost, after)) => {
                Err(ProtocolError::TimedOut { waiting_for: Expected::Confirmation, after })
            }
            Some((KeepaliveEvent::Wait, _)) | None => Ok(()),
        }
    }

    fn poll_output(&mut self) -> Output<WriterClientEvent> {
        self.outputs.pop_front().unwrap_or_else(|| {
            let deadline = self.due.or(self.watchdog.as_ref().map(Watchdog::deadline));
            Output::Timeout(deadline)
        })
    }
}

fn violation(expected: Expected, line: &Line) -> ProtocolError {
    ProtocolError::Violation { expected, got: Excerpt::of(line) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GREETING, WELCOME};

    fn in_chat(now: Instant) -> WriterClient {
        let token = Token::new("9a08").unwrap();
        let mut client = WriterClient::new(WriterClientConfig::new(Intent::Login(token)), now);
        let account = r#"{"nickname": "Bob", "account_hash": "9a08", "extensions": ["id"]}"#;
        for line in [GREETING, account, WELCOME] {
            client.handle_input(Line::from(line), now).unwrap();
        }
        client
    }

    fn post(client: &mut WriterClient, key: u64, now: Instant) {
        let (id, text) = (PostId::new(&key.to_string()).unwrap(), Text::new("hello").unwrap());
        client.handle_command(WriterClientCommand::Post { key, id, text }, now).unwrap();
    }

    #[test]
    fn a_post_without_an_answer_ends_the_connection_whatever_else_arrives() {
        for chatter in ["\u{1}{}", "\u{1}{\"ok\": \"another\", \"stream\": \"k3f9\", \"seq\": 1}", "\u{1}{\"pong\": 1}"]
        {
            let start = Instant::now();
            let mut client = in_chat(start);
            post(&mut client, 1, start);
            for second in 1..10 {
                let now = start + Duration::from_secs(second);
                client.handle_input(Line::from(chatter), now).unwrap();
                client.handle_timeout(now).unwrap();
            }
            let end = client.handle_timeout(start + Duration::from_secs(10));
            assert!(matches!(end, Err(ProtocolError::TimedOut { .. })), "{chatter}: {end:?}");
        }
    }

    #[test]
    fn each_answer_gives_the_next_one_its_time_and_chatter_puts_a_probe_off() {
        let start = Instant::now();
        let mut client = in_chat(start);
        (1..=2).for_each(|key| post(&mut client, key, start));
        let at = |second| start + Duration::from_secs(second);
        let ok = |key| Line::from(format!("\u{1}{{\"ok\": \"{key}\", \"stream\": \"k3f9\", \"seq\": {key}}}"));
        client.handle_input(ok(1), at(9)).unwrap();
        client.handle_timeout(at(18)).unwrap();
        client.handle_input(ok(2), at(18)).unwrap();
        client.handle_input(Line::from("\u{1}{}"), at(20)).unwrap();
        while client.poll_output() != Output::Timeout(Some(at(25))) {}
        client.handle_timeout(at(25)).unwrap();
        assert_eq!(client.poll_output(), Output::Transmit(Line::default()));
    }
}
