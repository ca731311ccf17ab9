//! A stretch of the conversation that a listener may have missed: when, how much, and why.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Between these two times something may have been said that the listener did not hear.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// When the listener last heard the room.
    pub since: Timestamp,
    /// From when on it hears the room again.
    pub until: Timestamp,
    /// How many messages are missing, where the server numbers them.
    pub missed: Option<u64>,
    /// Why.
    pub cause: GapCause,
}

/// Why a listener missed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapCause {
    /// The connection was lost, and the server cannot say what was sent meanwhile.
    Disconnected,
    /// The server no longer has the messages that were asked for.
    ServerForgot,
    /// The server has begun another log, or its log has lost its end: the old places mean nothing to it.
    OtherStream,
    /// The server left numbers out.
    HoleInNumbers,
    /// The server sent a line that is longer than any line may be.
    LineTooLong,
}

impl Gap {
    /// A gap between two times.
    #[must_use]
    pub fn new(since: Timestamp, until: Timestamp, missed: Option<u64>, cause: GapCause) -> Self {
        Self { since, until, missed, cause }
    }
}

/// One sentence, with local times.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = |time: Timestamp| time.to_zoned(TimeZone::system()).strftime("%d.%m.%y %H:%M:%S").to_string();
        match self.missed {
            Some(1) => f.write_str("1 message is missing")?,
            Some(count) => write!(f, "{count} messages are missing")?,
            None => f.write_str("messages may be missing")?,
        }
        write!(f, " between {} and {}: {}", local(self.since), local(self.until), self.cause)
    }
}

impl GapCause {
    /// A stable name for scripts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::ServerForgot => "server_forgot",
            Self::OtherStream => "other_stream",
            Self::HoleInNumbers => "hole_in_numbers",
            Self::LineTooLong => "line_too_long",
        }
    }
}

impl fmt::Display for GapCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disconnected => "the connection was lost",
            Self::ServerForgot => "the server no longer has these messages",
            Self::OtherStream => "the server began a new log",
            Self::HoleInNumbers => "the server left messages out",
            Self::LineTooLong => "the server sent a line that is too long",
        })
    }
}
