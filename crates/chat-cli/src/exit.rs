//! The exit codes, in one place.

use std::process::ExitCode;

/// How the program ends. The numbers are part of the contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done as asked.
    Done = 0,
    /// Something on this machine failed: a file, the disk, a bug.
    Local = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The server said no.
    Refused = 3,
    /// No connection within what was allowed.
    Unreachable = 4,
    /// At least one message may or may not have been delivered.
    Unconfirmed = 5,
    /// `--timeout` ran out before `--count` was reached.
    Timeout = 6,
    /// Nothing came for as long as `--idle-timeout` allows.
    Idle = 7,
    /// A signal ended it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
