//! A part of the conversation that a listener may have missed: time, size and reason.

use std::fmt;
use std::time::SystemTime;

use chat_proto::Position;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A period in which messages may have been sent that the listener did not receive.
///
/// A gap precedes the messages that follow it, and [`ListenerEvent::Joined`](crate::ListenerEvent::Joined) if the log
/// changed at the same time.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use chat_client::{Gap, GapCause};
///
/// let gap = Gap::new(UNIX_EPOCH, UNIX_EPOCH + Duration::from_secs(60), Some(12), GapCause::ServerForgot);
/// // One sentence for people: when, how many, why.
/// assert!(gap.to_string().starts_with("12 messages are missing between"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// When the room was last received: by this run, or by the earlier run that [`Resume::After`](crate::Resume::After)
    /// continues.
    pub since: SystemTime,
    /// When the room was received again.
    pub until: SystemTime,
    /// The number of missing messages, if the server numbers them.
    pub missed: Option<u64>,
    /// The reason.
    pub cause: GapCause,
    /// The last position before the gap, if known.
    pub after: Option<Position>,
    /// The first position after the gap, if known. With [`GapCause::OtherStream`] it belongs to another log.
    pub before: Option<Position>,
}

/// The reason why a listener missed messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapCause {
    /// The connection was lost, and the server cannot report what was sent in the meantime.
    Disconnected,
    /// The server no longer has the requested messages.
    ServerForgot,
    /// The server has removed the messages, because it keeps none of that age or so many.
    Expired,
    /// The server has started another log, or its log has lost its end: old positions are meaningless to it.
    OtherStream,
    /// The server skipped sequence numbers.
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

/// Formats the gap as one sentence with local times.
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
            Self::Expired => "expired",
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
            Self::Expired => "the server keeps no messages that old",
            Self::OtherStream => "the server began a new log",
            Self::HoleInNumbers => "the server left messages out",
            Self::LineTooLong => "the server sent a line that is too long",
        })
    }
}
