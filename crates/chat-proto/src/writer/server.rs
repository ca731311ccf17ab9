//! The write port as the server sees it. It stores nothing and knows no account: what a token or a
//! nickname is worth is decided by whoever drives it (protocol, section 2).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::dialogue::{self, Extensions};
use crate::error::{Expected, ProtocolError};
use crate::extension::{DeclineCode, Extension};
use crate::foreign::refuse_foreign;
use crate::{
    Account, Line, MAX_INPUT_LINE, MAX_TEXT_BYTES, NotReady, Output, Position, PostId, StateMachine, Text, TextError,
    Token,
};

/// How a server holds the dialogue.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WriterServerConfig {
    /// How long a client may take to send its token, or the empty line instead. Default 60 s.
    pub login_timeout: Duration,
    /// How long a client may take for a nickname. Default 10 min: a registration window holds this
    /// state open while a person types.
    pub nickname_timeout: Duration,
    /// Close after a refusal, instead of asking for a nickname as the public server does.
    pub strict: bool,
    /// What the account record offers.
    pub offer: Extensions,
    /// How many posts, and how many pings behind them, may wait for their answer before the client is
    /// read no further. Default 1024.
    pub max_unanswered: usize,
}

impl Default for WriterServerConfig {
    fn default() -> Self {
        Self {
            login_timeout: Duration::from_secs(60),
            nickname_timeout: Duration::from_secs(600),
            strict: false,
            offer: Extensions::ALL,
            max_unanswered: 1024,
        }
    }
}

/// What the server has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriterServerCommand {
    /// Let the client in: answers a login or a registration.
    Accept(Account),
    /// Do not: the token is unknown or the nickname cannot be had.
    Deny,
    /// The oldest unanswered plain post is stored.
    Confirm,
    /// The post with this id is stored, now or long ago.
    Stored {
        /// The client's id.
        id: PostId,
        /// Where it stands.
        position: Position,
    },
    /// The post with this id is not stored.
    Decline {
        /// The client's id.
        id: PostId,
        /// Why.
        code: DeclineCode,
        /// When to try again, if that can help.
        retry_after: Option<Duration>,
    },
}

/// What the server learns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriterServerEvent {
    /// Somebody shows a token. Owes an `Accept` or a `Deny`.
    Login(Token),
    /// Somebody asks for a nickname, as it was typed; may be blank. Owes an `Accept` or a `Deny`.
    Register(String),
    /// A message. Owes a `Confirm` where it has no id, else a `Stored` or a `Decline`.
    Post {
        /// The client's id, from a client that uses them.
        id: Option<PostId>,
        /// The content.
        text: Text,
    },
    /// A post was declined for its text, and the client has been told. No command answers it.
    Declined {
        /// The client's id.
        id: PostId,
        /// Why.
        code: DeclineCode,
    },
}

/// The server's side of one connection to the write port.
#[derive(Debug)]
pub struct WriterServer {
    config: WriterServerConfig,
    state: WriterServerState,
    outputs: VecDeque<Output<WriterServerEvent>>,
    deadline: Option<Instant>,
    /// The lines of the message in the making.
    pending: String,
    replies: VecDeque<PendingReply>,
    plain_unanswered: usize,
    id_unanswered: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriterServerState {
    Token,
    Nickname,
    /// An event owes a decision; `true` where a nickname was asked for.
    Deciding {
        nickname: bool,
    },
    Chat,
    Over,
}

/// Answers that go out together: so many posts, and the pings that came after them.
#[derive(Debug)]
struct PendingReply {
    posts: usize,
    pings: usize,
}

/// How many groups of pings between posts are told apart. Beyond it a ping waits for a later post,
/// which is late but never early: a confirmation still stands for all that came before it.
const MAX_PENDING_REPLIES: usize = 64;

/// How many pings may wait behind unanswered posts. Their answers leave at once with the last post's,
/// so they are bounded even for a server that lets any number of posts wait.
const MAX_PENDING_PINGS: usize = 1024;

impl WriterServer {
    /// A connection that has just been accepted; the greeting is its first output.
    #[must_use]
    pub fn new(config: WriterServerConfig, now: Instant) -> Self {
        let deadline = Some(now + config.login_timeout);
        Self {
            config,
            state: WriterServerState::Token,
            outputs: VecDeque::from([Output::Transmit(Line::from_static(dialogue::GREETING))]),
            deadline,
            pending: String::new(),
            replies: VecDeque::new(),
            plain_unanswered: 0,
            id_unanswered: 0,
        }
    }

    /// Posts that wait for an answer.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.plain_unanswered + self.id_unanswered
    }

    fn send(&mut self, line: &'static str) {
        self.outputs.push_back(Output::Transmit(Line::from_static(line)));
    }

    fn notify(&mut self, event: WriterServerEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    fn token_line(&mut self, line: &Line, now: Instant) -> Result<(), ProtocolError> {
        refuse_foreign(line, Expected::Token)?;
        if line.is_blank() {
            self.send(dialogue::NICKNAME_PROMPT);
            self.state = WriterServerState::Nickname;
            self.deadline = Some(now + self.config.nickname_timeout);
        } else if let Ok(token) = Token::new(line.as_str()) {
            self.state = WriterServerState::Deciding { nickname: false };
            self.deadline = None;
            self.notify(WriterServerEvent::Login(token));
        } else {
            self.deny(now);
        }
        Ok(())
    }

    fn chat_line(&mut self, line: &Line) -> Result<(), ProtocolError> {
        if let Some(json) = line.extension() {
            self.extension(json);
        } else if line.as_str().len() > MAX_INPUT_LINE {
            return Err(ProtocolError::MessageTooLong { limit: MAX_INPUT_LINE });
        } else if !line.is_blank() {
            if self.pending.len() + line.as_str().len() >= MAX_TEXT_BYTES {
                return Err(ProtocolError::MessageTooLong { limit: MAX_TEXT_BYTES });
            }
            if !self.pending.is_empty() {
                self.pending.push('\n');
            }
            self.pending.push_str(line.as_str());
        } else if !self.publish() {
            self.ping();
        }
        Ok(())
    }

    /// Hands out the message in the making; `false` when there is none.
    fn publish(&mut self) -> bool {
        let Ok(text) = Text::new(&std::mem::take(&mut self.pending)) else { return false };
        self.plain_unanswered += 1;
        let full = self.replies.len() >= MAX_PENDING_REPLIES;
        match self.replies.back_mut() {
            Some(group) if group.pings == 0 || full => group.posts += 1,
            _ => self.replies.push_back(PendingReply { posts: 1, pings: 0 }),
        }
        self.notify(WriterServerEvent::Post { id: None, text });
        true
    }

    fn ping(&mut self) {
        match self.replies.back_mut() {
            Some(group) => group.pings += 1,
            None => self.send(dialogue::CONFIRMATION),
        }
    }

    fn confirm(&mut self) -> bool {
        let Some(group) = self.replies.front_mut() else { return false };
        group.posts -= 1;
        self.plain_unanswered -= 1;
        let pings = if group.posts == 0 { self.replies.pop_front().map_or(0, |group| group.pings) } else { 0 };
        for _ in 0..=pings {
            self.send(dialogue::CONFIRMATION);
        }
        true
    }

    fn extension(&mut self, json: &str) {
        let Some(Extension::Post { id, text }) = Extension::parse(json) else { return };
        if !self.config.offer.id {
            return;
        }
        match text {
            Ok(text) => {
                self.id_unanswered += 1;
                self.notify(WriterServerEvent::Post { id: Some(id), text });
            }
            Err(reason) => {
                let code = match reason {
                    TextError::TooLong { .. } => DeclineCode::TooLong,
                    TextError::Blank => DeclineCode::Other("blank".into()),
                };
                self.answer(&Extension::Declined { id: id.clone(), code: code.clone(), retry_after: None });
                self.notify(WriterServerEvent::Declined { id, code });
            }
        }
    }

    fn answer(&mut self, extension: &Extension) {
        self.outputs.push_back(Output::Transmit(extension.to_line()));
    }

    fn deny(&mut self, now: Instant) {
        self.send(dialogue::UNKNOWN_TOKEN);
        if self.config.strict {
            self.state = WriterServerState::Over;
            self.deadline = Some(now);
        } else {
            self.send(dialogue::NICKNAME_PROMPT);
            self.state = WriterServerState::Nickname;
            self.deadline = Some(now + self.config.nickname_timeout);
        }
    }

    fn waiting_for(&self) -> Expected {
        match self.state {
            WriterServerState::Token => Expected::Token,
            WriterServerState::Nickname => Expected::Nickname,
            _ => Expected::Chat,
        }
    }
}

impl StateMachine for WriterServer {
    type Command = WriterServerCommand;
    type Event = WriterServerEvent;

    fn handle_input(&mut self, line: Line, now: Instant) -> Result<(), ProtocolError> {
        match self.state {
            WriterServerState::Token => self.token_line(&line, now)?,
            WriterServerState::Nickname => {
                self.state = WriterServerState::Deciding { nickname: true };
                self.deadline = None;
                self.notify(WriterServerEvent::Register(line.as_str().to_owned()));
            }
            WriterServerState::Chat => self.chat_line(&line)?,
            WriterServerState::Deciding { .. } => return Err(ProtocolError::Overrun),
            WriterServerState::Over => {}
        }
        Ok(())
    }

    /// Text that is pending at the end is a message all the same (protocol, section 2); a torn token
    /// or nickname is nothing.
    fn handle_end(&mut self, unfinished: Option<Line>, _now: Instant) -> Result<(), ProtocolError> {
        if self.state == WriterServerState::Chat {
            // A torn extension line is repeated by whoever sent it: it has an id.
            if let Some(line) = unfinished.filter(|line| line.extension().is_none()) {
                self.chat_line(&line)?;
            }
            self.publish();
        }
        self.deadline = None;
        self.state = WriterServerState::Over;
        Ok(())
    }

    fn handle_command(
        &mut self,
        command: WriterServerCommand,
        now: Instant,
    ) -> Result<(), NotReady<WriterServerCommand>> {
        let allowed = match (&command, self.state) {
            (WriterServerCommand::Accept(account), WriterServerState::Deciding { .. }) => {
                let record = dialogue::account_record(account, self.config.offer);
                self.outputs.push_back(Output::Transmit(record));
                self.send(dialogue::WELCOME);
                self.state = WriterServerState::Chat;
                true
            }
            (WriterServerCommand::Deny, WriterServerState::Deciding { .. }) => {
                self.deny(now);
                true
            }
            // Answers are still due when the client has ended its side.
            (WriterServerCommand::Confirm, WriterServerState::Chat | WriterServerState::Over) => self.confirm(),
            (WriterServerCommand::Stored { id, position }, WriterServerState::Chat | WriterServerState::Over)
                if self.id_unanswered > 0 =>
            {
                self.id_unanswered -= 1;
                self.answer(&Extension::Stored { id: id.clone(), position: position.clone() });
                true
            }
            (
                WriterServerCommand::Decline { id, code, retry_after },
                WriterServerState::Chat | WriterServerState::Over,
            ) if self.id_unanswered > 0 => {
                self.id_unanswered -= 1;
                self.answer(&Extension::Declined { id: id.clone(), code: code.clone(), retry_after: *retry_after });
                true
            }
            _ => false,
        };
        if allowed { Ok(()) } else { Err(NotReady::new(command)) }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), ProtocolError> {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return Ok(());
        }
        self.deadline = None;
        let after = match self.state {
            WriterServerState::Token => self.config.login_timeout,
            WriterServerState::Nickname => self.config.nickname_timeout,
            WriterServerState::Over => return Err(ProtocolError::Refused(crate::Refusal::UnknownToken)),
            WriterServerState::Deciding { .. } | WriterServerState::Chat => return Ok(()),
        };
        Err(ProtocolError::TimedOut { waiting_for: self.waiting_for(), after })
    }

    fn wants_input(&self) -> bool {
        let pings: usize = self.replies.iter().map(|group| group.pings).sum();
        !matches!(self.state, WriterServerState::Deciding { .. })
            && self.unanswered() < self.config.max_unanswered
            && pings < self.config.max_unanswered.min(MAX_PENDING_PINGS)
    }

    fn poll_output(&mut self) -> Output<WriterServerEvent> {
        self.outputs.pop_front().unwrap_or(Output::Timeout(self.deadline))
    }
}
