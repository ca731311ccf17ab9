//! The contract between a state machine of the protocol and the driver that moves its bytes.

use std::time::Instant;

use bytes::Bytes;

use crate::error::ProtocolError;
use crate::line::Line;

/// One side of the protocol of one port, as a value.
///
/// A driver passes in lines, commands and the current time, and polls for output until it has to wait. The machine
/// reads no clock and no socket. `Connection` (feature `connection`) is a driver over asynchronous streams; a test can
/// be another one.
///
/// ```
/// use std::time::Instant;
/// use chat_proto::{Line, Output, ProtocolError, StateMachine};
///
/// /// Hands in one line and returns everything that the machine sends.
/// fn exchange<M: StateMachine>(machine: &mut M, line: Line, now: Instant) -> Result<Vec<Line>, ProtocolError> {
///     machine.handle_input(line, now)?;
///     let mut sent = Vec::new();
///     loop {
///         match machine.poll_output() {
///             Output::Transmit(line) => sent.push(line),
///             Output::Event(_) => {}
///             Output::Timeout(_) => return Ok(sent),
///         }
///     }
/// }
/// ```
pub trait StateMachine {
    /// The decisions of the program.
    type Command;
    /// The events for the program.
    type Event;

    /// Handles a line of the peer. A driver calls [`wants_input`](Self::wants_input) first.
    ///
    /// # Errors
    /// The dialogue cannot continue. Output that is already waiting is still valid.
    fn handle_input(&mut self, line: Line, now: Instant) -> Result<(), ProtocolError>;

    /// Returns whether [`handle_lines`](Self::handle_lines) may be used now. `false` unless the machine has a faster
    /// path for many lines than for one.
    fn wants_lines(&self) -> bool {
        false
    }

    /// Handles consecutive lines of the peer as one block, line feeds included, equivalent to one by one.
    ///
    /// # Errors
    /// Returns the lines if they must be passed in one by one.
    fn handle_lines(&mut self, lines: Bytes, _now: Instant) -> Result<(), Bytes> {
        Err(lines)
    }

    /// Handles a line of the peer that was over the limit and was skipped. Used only by a driver that skips such lines;
    /// otherwise they end the connection.
    fn handle_too_long(&mut self, _now: Instant) {}

    /// Inspects the first bytes of the peer before they are cut into lines: some protocols are only recognised there.
    ///
    /// # Errors
    /// [`ProtocolError::Violation`] when the peer speaks another protocol.
    fn inspect_start(&mut self, bytes: &[u8]) -> Result<(), ProtocolError> {
        let _ = bytes;
        Ok(())
    }

    /// Handles the end of the peer's stream. `unfinished` contains the bytes after the last line feed.
    ///
    /// # Errors
    /// The rules do not allow the stream to end here.
    fn handle_end(&mut self, unfinished: Option<Line>, now: Instant) -> Result<(), ProtocolError>;

    /// Handles a command of the program.
    ///
    /// # Errors
    /// Returns the command if the state does not allow it.
    fn handle_command(&mut self, command: Self::Command, now: Instant) -> Result<(), NotReady<Self::Command>>;

    /// Checks the deadline that the machine has returned. Does nothing if it has not passed.
    ///
    /// # Errors
    /// The peer has not answered in time.
    fn handle_timeout(&mut self, now: Instant) -> Result<(), ProtocolError>;

    /// Returns whether lines may be passed in now. `false` while a decision or too many answers are outstanding. The
    /// driver then does not read, which slows the peer down.
    fn wants_input(&self) -> bool {
        true
    }

    /// Returns the next thing to do. A driver polls again until it gets [`Output::Timeout`].
    fn poll_output(&mut self) -> Output<Self::Event>;
}

/// The next action of the driver. One method returns all kinds, so that a driver cannot forget one.
///
/// Exhaustive, because a driver must handle every kind of output: ignoring a new one would be a fault.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Output<E> {
    /// Send this line.
    Transmit(Line),
    /// Pass this to the program.
    Event(E),
    /// Nothing more now: wait for input, for a command, or until this moment.
    Timeout(Option<Instant>),
}

/// The error of a command that the state of the dialogue does not allow. It returns the command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the dialogue does not allow this command now")]
#[non_exhaustive]
pub struct NotReady<C> {
    /// The command, unchanged.
    pub command: C,
}

impl<C> NotReady<C> {
    /// Returns a command to its sender.
    pub const fn new(command: C) -> Self {
        Self { command }
    }
}
