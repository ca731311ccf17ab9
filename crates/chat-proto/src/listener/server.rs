//! The listen port as the server sees it: whether this listener wants plain lines or a numbered log,
//! and from where. It holds no messages (protocol, sections 3 and 5).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::error::{Expected, ProtocolError};
use crate::extension::{Extension, Nonce, ResumeAnswer, ResumeRequest};
use crate::foreign::refuse_foreign;
use crate::{Line, Message, NotReady, Output, StateMachine};

/// How a server treats a new listener.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListenerServerConfig {
    /// How long plain lines are held back to see whether a request comes. Default 250 ms: a client's
    /// request is on its way when the connection is accepted, so it comes within one round trip,
    /// while a person with `nc` does not notice a quarter of a second.
    pub request_timeout: Duration,
}

impl ListenerServerConfig {
    /// Sets how long plain lines are held back for a request.
    #[must_use]
    pub const fn with_request_timeout(self, request_timeout: Duration) -> Self {
        Self { request_timeout }
    }
}

impl Default for ListenerServerConfig {
    fn default() -> Self {
        Self { request_timeout: Duration::from_millis(250) }
    }
}

/// What the server has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenerServerCommand {
    /// Answers the last request; from here on messages go out numbered.
    Answer(ResumeAnswer),
    /// Sends a message, plain or numbered as the listener has it.
    Deliver(Message),
}

/// What the server learns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenerServerEvent {
    /// No request came in time: send plain lines, beginning with those held back.
    Plain,
    /// The listener wants the log from there. Owes an `Answer`, also when it comes late.
    Resume(ResumeRequest),
}

/// The server's side of one connection to the listen port.
#[derive(Debug)]
pub struct ListenerServer {
    state: ListenerServerState,
    outputs: VecDeque<Output<ListenerServerEvent>>,
    deadline: Option<Instant>,
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
    /// A connection that has just been accepted.
    #[must_use]
    pub fn new(config: &ListenerServerConfig, now: Instant) -> Self {
        Self {
            state: ListenerServerState::Undecided,
            outputs: VecDeque::new(),
            deadline: Some(now + config.request_timeout),
            first: true,
        }
    }

    /// Whether messages go out numbered; `None` while that is not decided and none may go out.
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
            // One log a connection: a second request would leave it open which answer is whose.
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
                let line = Extension::Answer { answer, nonce: nonce.clone() }.to_line();
                self.outputs.push_back(Output::Transmit(line));
                self.state = ListenerServerState::Numbered;
                Ok(())
            }
            (ListenerServerCommand::Deliver(message), ListenerServerState::Plain) => {
                self.outputs.push_back(Output::Transmit(message.to_plain()));
                Ok(())
            }
            (ListenerServerCommand::Deliver(message), ListenerServerState::Numbered) => {
                match Extension::numbered(&message) {
                    Some(numbered) => {
                        self.outputs.push_back(Output::Transmit(numbered.to_line()));
                        Ok(())
                    }
                    None => Err(NotReady::new(ListenerServerCommand::Deliver(message))),
                }
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
            // A listener is silent for hours, and a server has ten thousand of them.
            self.outputs = VecDeque::new();
            Output::Timeout(self.deadline)
        })
    }
}
