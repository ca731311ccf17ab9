//! The exit codes of both programs.

use std::process::ExitCode;

/// How a program ends. The numbers are part of the contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The command did what was requested.
    Done = 0,
    /// A local failure: a file, the disk, a bug.
    Local = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The server refused the token, the nickname or a message.
    Refused = 3,
    /// No connection within the allowed time or attempts.
    Unreachable = 4,
    /// At least one message may or may not have been delivered.
    Unconfirmed = 5,
    /// `--timeout` ran out before `--count` was reached.
    Timeout = 6,
    /// No message arrived within `--idle-timeout`.
    Idle = 7,
    /// A signal ended the program.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        // The discriminants above fit into a byte.
        Self::from(exit as u8)
    }
}
