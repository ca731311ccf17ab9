//! The contract between a protocol and whoever moves its bytes. No socket, no clock, no randomness.

use std::time::Instant;

use bytes::Bytes;

use crate::{Line, ProtocolError};

/// One side of one port's protocol, as a value.
///
/// A driver hands in lines, commands and the time, and polls for output until it is told to wait.
/// [`Connection`](crate::Connection) is such a driver over real streams; a test can be another.
pub trait StateMachine {
    /// What our side wants done.
    type Command;
    /// What our side learns.
    type Event;

    /// Takes a line of the peer. A driver asks [`wants_input`](Self::wants_input) first.
    ///
    /// # Errors
    /// The dialogue cannot go on; output that is already waiting is still valid.
    fn handle_input(&mut self, line: Line, now: Instant) -> Result<(), ProtocolError>;

    /// Whether consecutive lines may be handed in together now, where a driver has them. `false` unless a machine has a
    /// quicker way for many lines than for each.
    fn wants_lines(&self) -> bool {
        false
    }

    /// Takes consecutive lines of the peer in one piece, line feeds included, where that says the same as taking them
    /// one by one.
    ///
    /// # Errors
    /// Hands them back where it does not: they have to be handed in one by one.
    fn handle_lines(&mut self, lines: Bytes, _now: Instant) -> Result<(), Bytes> {
        Err(lines)
    }

    /// Learns that a line of the peer was too long and has been skipped. A driver says so only where it skips such
    /// lines; elsewhere they end the connection.
    fn handle_too_long(&mut self, _now: Instant) {}

    /// Takes the end of the peer's stream, with what stood after the last line feed.
    ///
    /// # Errors
    /// The stream ended where the rules do not allow it.
    fn handle_end(&mut self, unfinished: Option<Line>, now: Instant) -> Result<(), ProtocolError>;

    /// Takes a wish of our side.
    ///
    /// # Errors
    /// Hands the command back where the state does not allow it.
    fn handle_command(&mut self, command: Self::Command, now: Instant) -> Result<(), NotReady<Self::Command>>;

    /// Tells the machine that a deadline it gave may have passed. Does nothing when none has.
    ///
    /// # Errors
    /// The peer was silent for too long.
    fn handle_timeout(&mut self, now: Instant) -> Result<(), ProtocolError>;

    /// Whether lines may be handed in now. `false` while a decision or answers are owed: the driver
    /// leaves the bytes where they are, and so the peer feels it.
    fn wants_input(&self) -> bool {
        true
    }

    /// The next thing to do. A driver polls again until it gets [`Output::Timeout`].
    fn poll_output(&mut self) -> Output<Self::Event>;
}

/// What a machine asks of its driver. There is one poll, so that nothing can be forgotten.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Output<E> {
    /// Send this line.
    Transmit(Line),
    /// Tell our side.
    Event(E),
    /// Nothing more for now: wait for input, for a command, or until this instant.
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
