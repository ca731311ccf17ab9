//! The server's state machine: determines whether a listener wants plain lines or a numbered log, and from which
//! position. The program keeps the messages (docs/protocol.md, sections 3 and 5).

use std::collections::VecDeque;
use std::time::Instant;

use crate::error::{Expected, ProtocolError};
use crate::extension::{Extension, Nonce, NumberedMessage, RemovedLine, RemovedMessage, ResumeReply};
use crate::foreign::refuse_foreign;
use crate::line::Line;
use crate::listener::server::interface::{ListenerServerCommand, ListenerServerConfig, ListenerServerEvent};
use crate::state_machine::{NotReady, Output, StateMachine};

/// The server's side of one connection to the listen port.
///
/// ```
/// use std::time::Instant;
/// use chat_proto::{ListenerServer, ListenerServerConfig, ListenerServerEvent, Output, StateMachine};
///
/// let config = ListenerServerConfig::default();
/// let start = Instant::now();
/// let mut server = ListenerServer::new(&config, start);
/// assert_eq!(server.poll_output(), Output::Event(ListenerServerEvent::Plain));
/// server.handle_input("\u{1}{\"resume\": {\"last\": 5}, \"nonce\": \"8c1d\"}".into(), start)?;
/// assert!(matches!(server.poll_output(), Output::Event(ListenerServerEvent::Resume(_))));
/// # Ok::<(), chat_proto::ProtocolError>(())
/// ```
#[derive(Debug)]
pub struct ListenerServer {
    state: ListenerServerState,
    outputs: VecDeque<Output<ListenerServerEvent>>,
    deadline: Option<Instant>,
    /// No line has arrived yet.
    first: bool,
}

#[derive(Debug)]
enum ListenerServerState {
    Undecided,
    Plain,
    Answering(Nonce),
    Numbered,
}

impl ListenerServer {
    /// Creates the machine for a connection that has just been accepted.
    #[must_use]
    pub fn new(config: &ListenerServerConfig, now: Instant) -> Self {
        if config.request_timeout.is_zero() {
            let outputs = VecDeque::from([Output::Event(ListenerServerEvent::Plain)]);
            return Self { state: ListenerServerState::Plain, outputs, deadline: None, first: true };
        }
        let deadline = Some(now + config.request_timeout);
        Self { state: ListenerServerState::Undecided, outputs: VecDeque::new(), deadline, first: true }
    }

    /// Returns whether messages are sent numbered; `None` while that is not decided and none may be sent.
    #[must_use]
    pub fn numbered(&self) -> Option<bool> {
        match self.state {
            ListenerServerState::Undecided | ListenerServerState::Answering(_) => None,
            ListenerServerState::Plain => Some(false),
            ListenerServerState::Numbered => Some(true),
        }
    }
}

impl StateMachine for ListenerServer {
    type Command = ListenerServerCommand;
    type Event = ListenerServerEvent;

    fn handle_input(&mut self, line: Line, _now: Instant) -> Result<(), ProtocolError> {
        if std::mem::take(&mut self.first) {
            refuse_foreign(&line, Expected::Chat)?;
        }
        match line.extension().and_then(Extension::parse) {
            // One request per connection: with a second one it would be unclear which request an answer belongs to.
            Some(Extension::Request(request))
                if matches!(self.state, ListenerServerState::Undecided | ListenerServerState::Plain) =>
            {
                self.deadline = None;
                self.state = ListenerServerState::Answering(request.nonce.clone());
                self.outputs.push_back(Output::Event(ListenerServerEvent::Resume(request)));
            }
            Some(Extension::Ping(number)) => {
                self.outputs.push_back(Output::Transmit(Extension::Pong(number).to_line()));
            }
            _ => {}
        }
        Ok(())
    }

    fn handle_end(&mut self, _unfinished: Option<Line>, _now: Instant) -> Result<(), ProtocolError> {
        Ok(())
    }

    fn handle_command(
        &mut self,
        command: ListenerServerCommand,
        _now: Instant,
    ) -> Result<(), NotReady<ListenerServerCommand>> {
        match (command, &self.state) {
            (ListenerServerCommand::Answer(answer), ListenerServerState::Answering(nonce)) => {
                let line = Extension::Reply(ResumeReply { answer, nonce: nonce.clone() }).to_line();
                self.outputs.push_back(Output::Transmit(line));
                self.state = ListenerServerState::Numbered;
                Ok(())
            }
            (ListenerServerCommand::Deliver(message), ListenerServerState::Plain) => {
                self.outputs.push_back(Output::Transmit(message.to_plain()));
                Ok(())
            }
            (ListenerServerCommand::Deliver(message), ListenerServerState::Numbered) => {
                match NumberedMessage::of(&message) {
                    Some(numbered) => {
                        self.outputs.push_back(Output::Transmit(Extension::Numbered(numbered).to_line()));
                        Ok(())
                    }
                    None => Err(NotReady::new(ListenerServerCommand::Deliver(message))),
                }
            }
            (ListenerServerCommand::Remove(removed), ListenerServerState::Numbered) => {
                let RemovedMessage { position, at, by, reason, .. } = removed;
                let line = RemovedLine { seq: position.seq, at, by, reason };
                self.outputs.push_back(Output::Transmit(Extension::Removed(line).to_line()));
                Ok(())
            }
            (ListenerServerCommand::Expire(last), ListenerServerState::Numbered) => {
                self.outputs.push_back(Output::Transmit(Extension::Expired(last).to_line()));
                Ok(())
            }
            (command, _) => Err(NotReady::new(command)),
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), ProtocolError> {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.deadline = None;
            self.state = ListenerServerState::Plain;
            self.outputs.push_back(Output::Event(ListenerServerEvent::Plain));
        }
        Ok(())
    }

    fn wants_input(&self) -> bool {
        !matches!(self.state, ListenerServerState::Answering(_))
    }

    fn poll_output(&mut self) -> Output<ListenerServerEvent> {
        self.outputs.pop_front().unwrap_or_else(|| {
            // Frees the buffer: a listener is idle for hours, and a server may have ten thousand of them.
            self.outputs = VecDeque::new();
            Output::Timeout(self.deadline)
        })
    }
}
