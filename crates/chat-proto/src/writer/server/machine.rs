//! The server's state machine. The program decides about tokens and nicknames and stores the messages
//! (docs/protocol.md, section 2).

use std::collections::VecDeque;
use std::time::Instant;

use crate::account::Token;
use crate::dialogue;
use crate::error::{Expected, ProtocolError, Refusal};
use crate::extension::{DeclineCode, DeclinedPost, Extension, RepeatablePost, StoredPost, readable_id};
use crate::foreign::{refuse_foreign, refuse_foreign_nickname, refuse_foreign_start, refuse_foreign_text};
use crate::ident::PostId;
use crate::line::Line;
use crate::state_machine::{NotReady, Output, StateMachine};
use crate::writer::server::interface::{WriterServerCommand, WriterServerConfig, WriterServerEvent};
use crate::writer::server::plain_message::{EndOfMessage, PlainMessage};
use crate::writer::server::replies::PendingReplies;

/// The server's side of one connection to the write port.
///
/// ```
/// use std::time::Instant;
/// use chat_proto::{Line, Output, StateMachine, WriterServer, WriterServerConfig, WriterServerEvent};
///
/// let mut server = WriterServer::new(WriterServerConfig::default(), Instant::now());
/// assert_eq!(server.poll_output(), Output::Transmit(Line::from_static(chat_proto::GREETING)));
/// server.handle_input(Line::from("9a08f44c"), Instant::now())?;
/// assert!(matches!(server.poll_output(), Output::Event(WriterServerEvent::Login(_))));
/// # Ok::<(), chat_proto::ProtocolError>(())
/// ```
#[derive(Debug)]
pub struct WriterServer {
    config: WriterServerConfig,
    state: WriterServerState,
    outputs: VecDeque<Output<WriterServerEvent>>,
    deadline: Option<Instant>,
    unfinished: PlainMessage,
    /// The client registered without a name and has not written a text yet: it may still be another protocol.
    nameless: bool,
    replies: PendingReplies,
    id_unanswered: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriterServerState {
    Token,
    Nickname,
    /// The program has to accept or deny a login or a registration.
    Deciding,
    Chat,
    Over,
}

/// How many pings may wait behind unanswered posts. Their answers are sent at once with that of the last post, so they
/// are bounded even on a server that lets any number of posts wait.
const MAX_PENDING_PINGS: usize = 1024;

impl WriterServer {
    /// Creates the machine for a connection that has just been accepted. Its first output is the greeting.
    #[must_use]
    pub fn new(config: WriterServerConfig, now: Instant) -> Self {
        let deadline = Some(now + config.login_timeout);
        Self {
            config,
            state: WriterServerState::Token,
            outputs: VecDeque::from([Output::Transmit(Line::from_static(dialogue::GREETING))]),
            deadline,
            unfinished: PlainMessage::default(),
            nameless: false,
            replies: PendingReplies::default(),
            id_unanswered: 0,
        }
    }

    /// Returns the number of posts that wait for an answer.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.replies.posts() + self.id_unanswered
    }

    fn send(&mut self, line: &'static str) {
        self.outputs.push_back(Output::Transmit(Line::from_static(line)));
    }

    fn send_extension(&mut self, extension: &Extension) {
        self.outputs.push_back(Output::Transmit(extension.to_line()));
    }

    fn notify(&mut self, event: WriterServerEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    fn handle_token_line(&mut self, line: &Line, now: Instant) -> Result<(), ProtocolError> {
        refuse_foreign(line, Expected::Token)?;
        if line.is_blank() {
            self.ask_for_nickname(now);
        } else if let Ok(token) = Token::new(line.as_str()) {
            self.state = WriterServerState::Deciding;
            self.deadline = None;
            self.notify(WriterServerEvent::Login(token));
        } else {
            self.deny(now);
        }
        Ok(())
    }

    fn ask_for_nickname(&mut self, now: Instant) {
        self.send(dialogue::NICKNAME_PROMPT);
        self.state = WriterServerState::Nickname;
        self.deadline = Some(now + self.config.nickname_timeout);
    }

    fn deny(&mut self, now: Instant) {
        self.send(dialogue::UNKNOWN_TOKEN);
        if self.config.strict {
            // `handle_timeout` closes: only there can a machine end the connection after its last line.
            self.state = WriterServerState::Over;
            self.deadline = Some(now);
        } else {
            self.ask_for_nickname(now);
        }
    }

    fn handle_chat_line(&mut self, line: &Line) -> Result<(), ProtocolError> {
        if self.nameless && !line.is_blank() {
            refuse_foreign_text(line)?;
            self.nameless = false;
        }
        if let Some(json) = line.extension() {
            self.handle_extension(json);
        } else if !line.is_blank() {
            self.unfinished.append(line.as_str());
        } else if !self.finish_message() && !self.replies.push_ping() {
            self.send(dialogue::CONFIRMATION);
        }
        Ok(())
    }

    /// Ends the plain message. Returns `false` when there is none.
    fn finish_message(&mut self) -> bool {
        match self.unfinished.finish() {
            EndOfMessage::Nothing => return false,
            EndOfMessage::Discarded => self.notify(WriterServerEvent::Discarded),
            EndOfMessage::Complete(text) => {
                self.replies.push_post();
                self.notify(WriterServerEvent::Post { id: None, text });
            }
        }
        true
    }

    fn handle_extension(&mut self, json: &str) {
        if !self.config.offer.id {
            return;
        }
        match Extension::parse(json) {
            Some(Extension::Post(RepeatablePost { id, text: Ok(text) })) => {
                self.id_unanswered += 1;
                self.notify(WriterServerEvent::Post { id: Some(id), text });
            }
            Some(Extension::Post(RepeatablePost { id, text: Err(error) })) => self.decline(id, error.into()),
            // A post with an id is always answered, even if nothing else in it can be parsed.
            _ => {
                if let Some(id) = readable_id(json) {
                    self.decline(id, DeclineCode::Malformed);
                }
            }
        }
    }

    /// Declines a post that cannot be a message, without a command of the program.
    fn decline(&mut self, id: PostId, code: DeclineCode) {
        let declined = DeclinedPost { id: id.clone(), code: code.clone(), retry_after: None, reason: None };
        self.send_extension(&Extension::Declined(declined));
        self.notify(WriterServerEvent::Declined { id, code });
    }

    fn confirm(&mut self) -> bool {
        let Some(confirmations) = self.replies.confirm() else { return false };
        for _ in 0..confirmations {
            self.send(dialogue::CONFIRMATION);
        }
        true
    }
}

impl StateMachine for WriterServer {
    type Command = WriterServerCommand;
    type Event = WriterServerEvent;

    fn handle_input(&mut self, line: Line, now: Instant) -> Result<(), ProtocolError> {
        match self.state {
            WriterServerState::Token => self.handle_token_line(&line, now)?,
            WriterServerState::Nickname => {
                refuse_foreign_nickname(&line)?;
                self.state = WriterServerState::Deciding;
                self.deadline = None;
                self.nameless = line.is_blank();
                self.notify(WriterServerEvent::Register(line.as_str().to_owned()));
            }
            WriterServerState::Chat => self.handle_chat_line(&line)?,
            WriterServerState::Deciding => return Err(ProtocolError::Overrun),
            WriterServerState::Over => {}
        }
        Ok(())
    }

    fn handle_too_long(&mut self, _now: Instant) {
        if self.state == WriterServerState::Chat {
            self.unfinished.discard();
        }
    }

    fn inspect_start(&mut self, bytes: &[u8]) -> Result<(), ProtocolError> {
        refuse_foreign_start(bytes)
    }

    /// Ends the plain message whose lines have arrived: it is stored and published. An unfinished token or nickname is
    /// ignored (docs/protocol.md, section 2).
    fn handle_end(&mut self, unfinished: Option<Line>, _now: Instant) -> Result<(), ProtocolError> {
        if self.state == WriterServerState::Chat {
            // An unfinished extension line has an id, so its author can repeat it.
            if let Some(line) = unfinished.filter(|line| line.extension().is_none()) {
                self.handle_chat_line(&line)?;
            }
            self.finish_message();
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
        use WriterServerState::{Chat, Deciding, Over};

        let allowed = match (&command, self.state) {
            (WriterServerCommand::Accept(account), Deciding) => {
                self.outputs.push_back(Output::Transmit(dialogue::account_record(account)));
                self.outputs.push_back(Output::Transmit(dialogue::welcome(self.config.offer)));
                self.state = Chat;
                true
            }
            (WriterServerCommand::Deny, Deciding) => {
                self.deny(now);
                true
            }
            // Answers are still due after the client has ended its side, because it may read them.
            (WriterServerCommand::Confirm, Chat | Over) => self.confirm(),
            (WriterServerCommand::Stored { id, position }, Chat | Over) if self.id_unanswered > 0 => {
                self.id_unanswered -= 1;
                let stored = StoredPost { id: id.clone(), position: position.clone() };
                self.send_extension(&Extension::Stored(stored));
                true
            }
            (WriterServerCommand::Decline { id, code, retry_after, reason }, Chat | Over) if self.id_unanswered > 0 => {
                self.id_unanswered -= 1;
                let (code, reason) = (code.clone(), reason.clone());
                let declined = DeclinedPost { id: id.clone(), code, retry_after: *retry_after, reason };
                self.send_extension(&Extension::Declined(declined));
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
        let (waiting_for, after) = match self.state {
            WriterServerState::Token => (Expected::Token, self.config.login_timeout),
            WriterServerState::Nickname => (Expected::Nickname, self.config.nickname_timeout),
            WriterServerState::Over => return Err(ProtocolError::Refused(Refusal::UnknownToken)),
            WriterServerState::Deciding | WriterServerState::Chat => return Ok(()),
        };
        Err(ProtocolError::TimedOut { waiting_for, after })
    }

    fn wants_input(&self) -> bool {
        self.state != WriterServerState::Deciding
            && self.unanswered() < self.config.max_unanswered
            && self.replies.pings() < self.config.max_unanswered.min(MAX_PENDING_PINGS)
    }

    fn poll_output(&mut self) -> Output<WriterServerEvent> {
        self.outputs.pop_front().unwrap_or(Output::Timeout(self.deadline))
    }
}

#[cfg(test)]
mod tests;
