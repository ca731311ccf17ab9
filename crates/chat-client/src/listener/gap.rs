//! A part of the conversation that a listener may have missed: when, how much, and why.

use std::fmt;
use std::time::SystemTime;

use chat_proto::Position;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Between two times messages may have been sent that the listener did not receive.
///
/// A gap comes before the messages that follow it, and before [`ListenerEvent::Joined`](crate::ListenerEvent::Joined)
/// where the log changed with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// When the room was last received: by this run, or by the earlier one that [`Resume::After`](crate::Resume::After)
    /// continues.
    pub since: SystemTime,
    /// From when on it is received again.
    pub until: SystemTime,
    /// How many messages are missing, where the server numbers them.
    pub missed: Option<u64>,
    /// Why.
    pub cause: GapCause,
    /// The last position before the gap, where one is known.
    pub after: Option<Position>,
    /// The first position after the gap, where one is known. With [`GapCause::OtherStream`] it is of another log.
    pub before: Option<Position>,
}

/// Why a listener missed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapCause {
    /// The connection was lost, and the server cannot say what was sent meanwhile.
    Disconnected,
    /// The server no longer has the messages that were asked for.
    ServerForgot,
    /// The server has begun another log, or its log has lost its end: old positions mean nothing to it.
    OtherStream,
    /// The server left numbers out.
    HoleInNumbers,
    /// The server sent a line that is longer than the protocol allows.
    LineTooLong,
}

impl Gap {
    /// Creates a gap between two times, without positions.
    #[must_use]
    pub fn new(since: SystemTime, until: SystemTime, missed: Option<u64>, cause: GapCause) -> Self {
        Self { since, until, missed, cause, after: None, before: None }
    }
}

/// One sentence, with local times.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = |time: SystemTime| {
            let time = Timestamp::try_from(time).unwrap_or_default();
            time.to_zoned(TimeZone::system()).strftime("%d.%m.%y %H:%M:%S").to_string()
        };
        match self.missed {
            Some(1) => f.write_str("1 message is missing")?,
            Some(count) => write!(f, "{count} messages are missing")?,
            None => f.write_str("messages may be missing")?,
        }
        write!(f, " between {} and {}: {}", local(self.since), local(self.until), self.cause)
    }
}

impl GapCause {
    /// Returns a stable name for scripts.
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
